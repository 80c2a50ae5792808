package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/internal/interrupt"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/nn"
)

// fact is one line of inspect.
type fact struct {
	name  string
	value any
}

// facts are the results of inspect in printing order.
type facts []fact

func (f *facts) add(name string, value any) { *f = append(*f, fact{name, value}) }

// inspection are the options of inspect.
type inspection struct {
	mesh  meshInspection
	media video.Limits
	model models.Options // for the memory estimate
}

type inspectFlags struct {
	flags *pflag.FlagSet

	count, json bool
	how         inspection
}

func newInspectFlags() *inspectFlags {
	g := &inspectFlags{flags: newFlags("inspect")}
	g.flags.BoolVar(&g.count, "count", false, "decode a video and count its frames, length, damaged frames and jumps of its clock")
	g.flags.BoolVar(&g.how.mesh.lost, "lost", false, "show lost also for meshes over 50,000 faces, which takes a while")
	addMeshFlags(g.flags, &g.how.mesh.Limits, &g.how.mesh.Scene)
	addMediaLimit(g.flags, &g.how.media)
	g.flags.IntVar(&g.how.model.Slots, "slots", 0, "of a checkpoint: count the memory for `N` sequences at once; 0 is the engine's default")
	g.flags.StringVar((*string)(&g.how.model.Precision), "precision", "", "of a checkpoint: count the memory with matrices in `NAME`: f32, f16 (default), bf16, int8 or int4")
	g.flags.BoolVar(&g.json, "json", false, "print JSON")
	return g
}

func inspectCommand(t terminal) *cobra.Command {
	c := newCommand("inspect PATH", "inspect")
	g := newInspectFlags()
	c.Flags().AddFlagSet(g.flags)
	completeMeshFlags(c)
	complete(c, "precision", texts(nn.Precisions)...)
	c.RunE = func(c *cobra.Command, words []string) error { return g.run(c.Context(), t, words) }
	return c
}

func (g *inspectFlags) run(ctx context.Context, t terminal, words []string) error {
	if len(words) != 1 {
		return usagef("inspect", "inspect: one file or folder, not %d", len(words))
	}
	if p := g.how.model.Precision; p != "" && !slices.Contains(nn.Precisions, p) {
		return usagef("inspect", "inspect: --precision is one of %v", nn.Precisions)
	}
	if g.how.model.Slots < 0 {
		return usagef("inspect", "inspect: --slots is at least 0")
	}
	var found facts
	err := interrupt.Wait(ctx, func() (err error) {
		found, err = inspect(ctx, words[0], g.how)
		return err
	})
	if err == nil && g.count {
		found, err = countVideo(ctx, words[0], found, g.how.media)
	}
	switch {
	case err != nil:
		return err
	case g.json:
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

// text formats a number with its significant digits, and nil as unknown.
func text(value any) any {
	switch x := value.(type) {
	case nil:
		return "unknown"
	case float64:
		return fmt.Sprintf("%.6g", x)
	case json.RawMessage:
		return string(x)
	}
	return value
}

// printJSON prints one object with the facts in order.
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
