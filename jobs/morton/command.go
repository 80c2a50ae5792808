package main

import (
	"embed"
	"strings"

	"github.com/spf13/cobra"

	"github.com/morton-gen/morton/transforms/request"
)

// helpTexts are the commands' help texts: a short line, examples and details.
//
//go:embed help/*.txt
var helpTexts embed.FS

func init() { cobra.EnableCommandSorting = false } // keep our order in the help

// newRoot builds the commands for one command line.
func newRoot(t terminal) *cobra.Command {
	root := newCommand("morton COMMAND", "morton")
	root.Version = version()
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version")
	root.SilenceErrors, root.SilenceUsage = true, true // run prints errors, in one line
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SetFlagErrorFunc(explain)
	root.SetHelpFunc(printHelp)
	root.SetHelpCommand(helpCommand())
	root.RunE = func(c *cobra.Command, words []string) error {
		if len(words) == 0 {
			return usagef("", "no command; for example: morton generate quads --input 'meshes/*.obj' --out out/")
		}
		return usagef("", "no command %q%s", words[0], suggestCommand(c, words[0]))
	}
	root.PersistentPreRunE = refuseSchemes
	root.AddCommand(
		generateCommand(t), tokenizeCommand(t), detokenizeCommand(t), remeshCommand(t), convertCommand(t), compareCommand(t), evaluateCommand(t),
		trainCommand(t), statusCommand(t), waitCommand(t), cancelCommand(t), workerPoolCommand(t), devicesCommand(t), profileCommand(t), inspectCommand(t), systemsCommand(t), versionCommand(t), beamTopic(),
	)
	return root
}

// newCommand builds a command with the text of a file in help/.
func newCommand(use, file string) *cobra.Command {
	text, err := helpTexts.ReadFile("help/" + file + ".txt")
	if err != nil {
		panic(err) // the file is embedded
	}
	short, rest, _ := strings.Cut(string(text), "\n")
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, SuggestionsMinimumDistance: 2}
	rest = strings.Trim(rest, "\n")
	if strings.HasPrefix(rest, "  ") {
		c.Example, rest, _ = strings.Cut(rest, "\n\n")
	}
	c.Long = strings.TrimSpace(rest)
	c.Flags().SortFlags, c.PersistentFlags().SortFlags = false, false // in the order of use
	return c
}

// addKinds adds a subcommand for each kind of media that has a model.
func addKinds(c *cobra.Command, kind func(*cobra.Command, request.Family)) {
	for _, f := range request.Families {
		if f.HasModel() {
			k := newCommand(string(f), c.Name()+"_"+string(f))
			kind(k, f)
			c.AddCommand(k)
		}
	}
}

// requireKind makes a command fail with wrong use if its kind is missing.
func requireKind(c *cobra.Command) {
	c.FParseErrWhitelist.UnknownFlags = true // flags of a kind: the error should be the missing kind
	c.RunE = func(c *cobra.Command, words []string) error {
		var kinds []string
		for _, k := range c.Commands() {
			kinds = append(kinds, k.Name())
		}
		all := strings.Join(kinds, ", ")
		if len(words) == 0 {
			return usagef(c.Name(), "%s what? %s", c.Name(), all)
		}
		near := suggestCommand(c, words[0])
		if near == "" {
			near = ": " + all
		}
		return usagef(c.Name(), "%s: no kind %q%s", c.Name(), words[0], near)
	}
}

// noWords rejects arguments that are not flags.
func noWords(c *cobra.Command, words []string) error {
	if len(words) > 0 {
		return usagef(c.Name(), "%s: unexpected %q", c.Name(), words[0])
	}
	return nil
}
