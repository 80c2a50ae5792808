package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// printHelp prints the help of a command, including its kinds' own flags.
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

// usages formats flags in lines of a terminal's width.
func usages(f *pflag.FlagSet) string {
	f.SortFlags = false // cobra recreates some sets
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

// helpCommand explains a command. cobra's own exits with 0 for an unknown topic.
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
