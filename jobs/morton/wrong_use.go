package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/transforms/request"
)

// suggestCommand returns "; did you mean X?" for a similar subcommand.
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

// explain rewords an error of pflag.
func explain(c *cobra.Command, err error) error {
	if words := c.Flags().Args(); !c.HasParent() && len(words) > 0 {
		return c.RunE(c, words) // flags of a misspelled command
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
		if letters := unknown.GetSpecifiedShortnames(); letters != "" { // -name, as in Go's flag package
			flag, _, _ = strings.Cut(letters, "=")
		}
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
		return wrong("unknown flag --%s%s", flag, suggest("--"+flag, known))
	case errors.As(err, &bare):
		return wrong("--%s needs a value", bare.GetFlag().Name)
	case errors.As(err, &invalid):
		return wrong("invalid value %q for --%s: %v", invalid.GetValue(), invalid.GetFlag().Name, invalidCause(invalid))
	}
	return wrong("%v", err)
}

// invalidCause returns why a flag's value is invalid.
func invalidCause(e *pflag.InvalidValueError) error {
	number := new(strconv.NumError)
	switch {
	case !errors.As(e.Unwrap(), &number):
		return e.Unwrap()
	case !errors.Is(number, strconv.ErrSyntax):
		return number.Err
	case strings.HasPrefix(e.GetFlag().Value.Type(), "uint"):
		return errors.New("want a whole number, 0 or more")
	case strings.HasPrefix(e.GetFlag().Value.Type(), "int"):
		return errors.New("want a whole number")
	}
	return errors.New("want a number")
}

// twoDashes rewrites flags with one dash, which earlier versions accepted. It
// rejects a value after a flag without one, as in "--overwrite false".
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
