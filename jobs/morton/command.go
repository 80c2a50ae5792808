package main

import (
	"embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/transforms/request"
)

// helpTexts are the commands' texts: a short line, examples, and what else there is to know.
//
//go:embed help/*.txt
var helpTexts embed.FS

func init() { cobra.EnableCommandSorting = false } // the help lists commands in our order

// newRoot makes the commands for one command line.
func newRoot(t terminal) *cobra.Command {
	root := newCommand("morton COMMAND", "morton")
	root.Version = version()
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version")
	root.SilenceErrors, root.SilenceUsage = true, true // run prints an error in one line
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SetFlagErrorFunc(explain)
	root.SetHelpFunc(printHelp)
	root.SetHelpCommand(helpCommand())
	root.RunE = func(c *cobra.Command, words []string) error {
		if len(words) == 0 {
			return usagef("", "say what to do, for example: morton generate quads --input 'meshes/*.obj' --out out/")
		}
		return usagef("", "no command %q%s", words[0], suggestCommand(c, words[0]))
	}
	root.AddCommand(
		generateCommand(t), tokenizeCommand(t), detokenizeCommand(t), remeshCommand(t), convertCommand(t), compareCommand(t),
		trainCommand(t), devicesCommand(t), profileCommand(t), inspectCommand(t), systemsCommand(t), versionCommand(t), beamTopic(),
	)
	return root
}

// newCommand makes a command with the texts of a file in help/.
func newCommand(use, file string) *cobra.Command {
	text, err := helpTexts.ReadFile("help/" + file + ".txt")
	if err != nil {
		panic(err) // the file is part of the binary
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

// addKinds gives a command a subcommand for each kind of media that has a model.
func addKinds(c *cobra.Command, kind func(*cobra.Command, request.Family)) {
	for _, f := range request.Families {
		if f.HasModel() {
			k := newCommand(string(f), c.Name()+"_"+string(f))
			kind(k, f)
			c.AddCommand(k)
		}
	}
}

// requireKind makes a command wrong use without one of its kinds.
func requireKind(c *cobra.Command) {
	c.FParseErrWhitelist.UnknownFlags = true // a kind's own; the missing kind is the error
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

// noWords refuses words that are no flags.
func noWords(c *cobra.Command, words []string) error {
	if len(words) > 0 {
		return usagef(c.Name(), "%s: unexpected %q", c.Name(), words[0])
	}
	return nil
}

// suggestCommand returns "; did you mean X?" if a subcommand's name is near.
func suggestCommand(c *cobra.Command, word string) string {
	if near := c.SuggestionsFor(word); len(near) > 0 {
		return "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return ""
}

// suggest does the same for other words.
func suggest(word string, known []string) string {
	if near := request.Nearest(word, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// explain puts an error of pflag in our words.
func explain(c *cobra.Command, err error) error {
	if words := c.Flags().Args(); !c.HasParent() && len(words) > 0 {
		return c.RunE(c, words) // the flags are those of a command that is misspelled
	}
	name := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "morton"), " ")
	wrong := func(format string, args ...any) error {
		if name != "" {
			format = name + ": " + format
		}
		return usagef(name, format, args...)
	}
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		flag := unknown.GetSpecifiedName()
		if letters := unknown.GetSpecifiedShortnames(); letters != "" { // -name, as Go's flag package has it
			flag, _, _ = strings.Cut(letters, "=")
		}
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		return wrong("unknown flag --%s%s", flag, suggest(flag, known))
	case errors.As(err, &bare):
		return wrong("--%s needs a value", bare.GetFlag().Name)
	case errors.As(err, &invalid):
		cause := invalid.Unwrap()
		if number := new(strconv.NumError); errors.As(cause, &number) {
			cause = number.Err
		}
		return wrong("invalid value %q for --%s: %v", invalid.GetValue(), invalid.GetFlag().Name, cause)
	}
	return wrong("%v", err)
}

// twoDashes rewrites flags with one dash, which earlier versions took, and refuses a
// word that was meant for the flag before it, which takes none ("--overwrite false").
func twoDashes(root *cobra.Command, args []string) ([]string, error) {
	c, _, err := root.Find(args)
	if err != nil {
		return args, err
	}
	c.InitDefaultHelpFlag()
	args = append([]string{}, args...)
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		name, _, valued := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		f := c.Flag(name)
		if f == nil || !strings.HasPrefix(args[i], "-") {
			continue
		}
		args[i] = "--" + strings.TrimLeft(args[i], "-")
		switch {
		case valued:
		case f.NoOptDefVal == "":
			i++ // its value
		case i+1 < len(args) && isTruth(args[i+1]):
			return nil, usagef(c.Name(), "%s: a word of its own is an input; say --%s=%s", c.Name(), name, args[i+1])
		}
	}
	return args, nil
}

func isTruth(word string) bool {
	_, err := strconv.ParseBool(word)
	return err == nil && len(word) > 1
}

// printHelp prints what a command does, its kinds' own flags among the others.
func printHelp(c *cobra.Command, _ []string) {
	w := c.OutOrStdout()
	section := func(title, text string) {
		if text != "" {
			fmt.Fprintf(w, "\n%s\n%s\n", title, strings.TrimRight(text, "\n"))
		}
	}
	use := c.UseLine()
	if !c.Runnable() {
		use = "morton help " + c.Name()
	}
	fmt.Fprintf(w, "%s: %s\n", use, c.Short)
	if c.Example != "" {
		fmt.Fprintf(w, "\n%s\n", c.Example)
	}
	if c.Long != "" {
		fmt.Fprintf(w, "\n%s\n", c.Long)
	}
	if !c.HasParent() {
		section("Commands", commandList(c))
	} else {
		for _, k := range c.Commands() {
			section(k.Name()+": "+k.Short, usages(k.LocalNonPersistentFlags()))
		}
	}
	section("Flags", usages(c.LocalFlags()))
	section("Flags of every kind", usages(c.InheritedFlags()))
}

// usages explains flags in lines of a terminal's width.
func usages(f *pflag.FlagSet) string {
	f.SortFlags = false // cobra makes some sets anew
	return f.FlagUsagesWrapped(110)
}

func commandList(c *cobra.Command) string {
	var b strings.Builder
	for _, k := range c.Commands() {
		if k.IsAvailableCommand() || k.Name() == "help" {
			fmt.Fprintf(&b, "  %-12s %s\n", k.Name(), k.Short)
		}
	}
	return b.String()
}

// helpCommand explains a command, where cobra's own says "unknown topic" and goes on.
func helpCommand() *cobra.Command {
	c := newCommand("help [COMMAND]...", "help")
	c.RunE = func(c *cobra.Command, words []string) error {
		of, rest, err := c.Root().Find(words)
		if err != nil || len(rest) > 0 {
			return usagef("", "no help on %q%s", strings.Join(words, " "), suggestCommand(c.Root(), words[0]))
		}
		of.InitDefaultHelpFlag()
		return of.Help()
	}
	c.ValidArgsFunction = func(c *cobra.Command, words []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		of, _, _ := c.Root().Find(words)
		for _, k := range of.Commands() {
			names = append(names, k.Name()+"\t"+k.Short)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return c
}

// complete lets the shell complete a flag's value with words.
func complete(c *cobra.Command, flag string, words ...string) {
	must(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
}

// completeFolders lets the shell complete flags' values with folders.
func completeFolders(f *pflag.FlagSet, flags ...string) {
	for _, name := range flags {
		must(cobra.MarkFlagDirname(f, name))
	}
}

// must panics where a flag that is completed does not exist.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
