package main

import (
	"context"
	"errors"
	"flag"
	"slices"
	"strings"
)

// command is one subcommand. An error that is [flag.ErrHelp] asks for its help.
type command struct {
	name string
	run  func(ctx context.Context, t terminal, args []string) error
}

// commands lists them in the order of the help. It is a function because help
// needs the list too.
func commands() []command {
	return []command{
		{"generate", runGenerate},
		{"tokenize", runTokenize},
		{"detokenize", runDetokenize},
		{"remesh", runRemesh},
		{"convert", runConvert},
		{"compare", runCompare},
		{"train", runTrain},
		{"devices", runDevices},
		{"profile", runProfile},
		{"inspect", runInspect},
		{"version", runVersion},
		{"help", runHelp},
	}
}

func dispatch(ctx context.Context, args []string, t terminal) error {
	if len(args) == 0 {
		return usagef("", "say what to do, for example: morton generate quads --input 'meshes/*.obj' --out out/")
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	var known []string
	for _, c := range commands() {
		if c.name == name {
			err := c.run(ctx, t, args[1:])
			if errors.Is(err, flag.ErrHelp) {
				err = runHelp(ctx, t, []string{name})
			}
			return err
		}
		known = append(known, c.name)
	}
	return usagef("", "no command %q%s", name, suggest(name, known))
}

// suggest returns ", did you mean X?" if one of the known words is near.
func suggest(word string, known []string) string {
	best, least := "", len(word)/2+1
	for _, k := range known {
		if d := editDistance(word, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// editDistance counts the letters to insert, delete or change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// choice returns args' first word if it is one of the given.
func choice(command string, args, words []string) (string, []string, error) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") && !wantsHelp(args[0]) {
		return "", nil, usagef(command, "%s what? %s", command, strings.Join(words, ", "))
	}
	if wantsHelp(args[0]) || slices.Contains(words, args[0]) {
		return args[0], args[1:], nil
	}
	near := suggest(args[0], words)
	if near == "" {
		near = ": " + strings.Join(words, ", ")
	}
	return "", nil, usagef(command, "%s: no kind %q%s", command, args[0], near)
}

func wantsHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }
