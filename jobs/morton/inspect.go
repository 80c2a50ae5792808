package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
)

// fact is one line of what inspect prints.
type fact struct {
	name  string
	value any
}

// facts is what inspect found, in the order in which a person reads it.
type facts []fact

func (f *facts) add(name string, value any) { *f = append(*f, fact{name, value}) }

func runInspect(ctx context.Context, t terminal, args []string) error {
	f := newFlags("inspect")
	count := f.Bool("count", false, "")
	asJSON := f.Bool("json", false, "")
	var how meshInspection
	f.BoolVar(&how.lost, "lost", false, "")
	addMeshFlags(f, &how.Limits, &how.Scene)
	words, err := f.parse(args)
	switch {
	case err != nil:
		return err
	case len(words) != 1:
		return usagef("inspect", "inspect: one file or folder, not %d", len(words))
	}
	var found facts
	if err := orInterrupted(ctx, func() error {
		found, err = inspect(ctx, words[0], how)
		return err
	}); err != nil {
		return err
	}
	if *count {
		if found, err = countVideo(ctx, words[0], found); err != nil {
			return err
		}
	}
	if *asJSON {
		return found.printJSON(t)
	}
	return found.printText(t)
}

// printText prints a line for each fact.
func (f facts) printText(t terminal) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, x := range f {
		fmt.Fprintf(w, "%s\t%v\n", x.name, text(x.value))
	}
	return w.Flush()
}

// text prints a number with the digits that tell something, and nil as unknown.
func text(value any) any {
	switch x := value.(type) {
	case nil:
		return "unknown"
	case float64:
		return fmt.Sprintf("%.6g", x)
	}
	return value
}

// printJSON prints one object with the facts in their order.
func (f facts) printJSON(t terminal) error {
	fmt.Fprint(t.out, "{")
	for i, x := range f {
		value, err := json.Marshal(x.value)
		if err != nil {
			return err
		}
		comma := ","
		if i == len(f)-1 {
			comma = ""
		}
		fmt.Fprintf(t.out, "\n  %q: %s%s", x.name, value, comma)
	}
	_, err := fmt.Fprintln(t.out, "\n}")
	return err
}
