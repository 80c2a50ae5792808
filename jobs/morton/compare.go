package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/internal/interrupt"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/report"
)

type compareFlags struct {
	flags *pflag.FlagSet

	samples    int
	points     int    // of a mesh of a set
	known      string // folder
	seed       uint64
	thresholds floatList
	json       bool
	read       meshfile.Options
}

func newCompareFlags() *compareFlags {
	g := &compareFlags{flags: newFlags("compare")}
	f := g.flags
	f.IntVar(&g.samples, "samples", compare.DefaultSamples, "points sampled on each surface, evenly by area")
	f.IntVar(&g.points, "points", compare.DefaultCloud, "of folders: points sampled on each mesh")
	f.StringVar(&g.known, "known", "", "of folders: tell how far both are from the meshes in `DIR`, such as those of a training")
	f.Uint64Var(&g.seed, "seed", 1, "random seed of the sampled points")
	f.Var(&g.thresholds, "threshold", "threshold `X` of an F-score, a share of the reference's longest side; may be given again (default 0.005, 0.01 and 0.02)")
	addMeshFlags(f, &g.read.Limits, &g.read.Scene)
	f.BoolVar(&g.json, "json", false, "print the report as JSON")
	return g
}

func compareCommand(t terminal) *cobra.Command {
	c := newCommand("compare MESH REFERENCE", "compare")
	g := newCompareFlags()
	c.Flags().AddFlagSet(g.flags)
	completeFolders(g.flags, "known")
	completeMeshFlags(c)
	c.RunE = func(c *cobra.Command, words []string) error { return g.run(c.Context(), t, words) }
	return c
}

// floatList is a flag of a number that may be given several times.
type floatList []float64

func (l *floatList) Type() string   { return "float" }
func (l *floatList) String() string { return "" }

func (l *floatList) Set(text string) error {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("it is a number, such as 0.01")
	}
	*l = append(*l, x)
	return nil
}

func (g *compareFlags) run(ctx context.Context, t terminal, words []string) error {
	switch {
	case len(words) != 2:
		return usagef("compare", "compare: a mesh and the reference, two files or two folders, not %d", len(words))
	case isFolder(words[0]) && isFolder(words[1]):
		return g.runSets(ctx, t, words[0], words[1])
	case g.flags.Changed("points") || g.flags.Changed("known"):
		return usagef("compare", "compare: --points and --known are for two folders")
	case g.samples < 1:
		return usagef("compare", "compare: --samples is at least 1")
	}
	o := compare.Options{Samples: g.samples, Seed: g.seed, Thresholds: g.thresholds}
	if err := o.Validate(); err != nil {
		return usagef("compare", "%v", err)
	}
	var c *comparison
	if err := interrupt.Wait(ctx, func() (err error) {
		c, err = compareFiles(words[0], words[1], g.read, o)
		return err
	}); err != nil {
		return err
	}
	if g.json {
		return printJSON(t, c)
	}
	return c.print(t.out)
}

// comparison is what compare prints as JSON.
type comparison struct {
	Mesh      string `json:"mesh"`
	Reference string `json:"reference"`
	*compare.Report
	Raw compare.Distances `json:"in_units"`
}

func compareFiles(path, reference string, read meshfile.Options, o compare.Options) (*comparison, error) {
	var both [2]*mesh.Mesh
	for i, p := range []string{path, reference} {
		m, _, err := meshfile.Read(p, read)
		if err == nil {
			err = mesh.CheckArea(m)
		}
		if err != nil {
			return nil, ofFile(p, err)
		}
		both[i] = m
	}
	r, err := compare.Surfaces(both[0], both[1], o)
	if err != nil {
		return nil, err
	}
	return &comparison{path, reference, r, r.Raw()}, nil
}

// ofFile adds to an error its file and the formats expected.
func ofFile(path string, err error) error {
	text := report.Message(err)
	if errors.Is(err, meshfile.ErrNotMesh) {
		text += "; this command is for meshes only"
	}
	if !strings.Contains(text, path) {
		text = path + ": " + text
	}
	return &fileError{err, text}
}

// fileError is an error described for users.
type fileError struct {
	error
	text string
}

func (e *fileError) Error() string { return e.text }
func (e *fileError) Unwrap() error { return e.error }

func (c *comparison) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "mesh\t%s\n", c.Mesh)
	fmt.Fprintf(w, "reference\t%s, longest side %.6g\n", c.Reference, c.Side)
	fmt.Fprintf(w, "samples\t%d of each surface, seed %d\n\n", c.Samples, c.Seed)
	fmt.Fprint(w, "\tof the side\tin units\t\n")
	for _, row := range []struct {
		name      string
		part, raw float64
		what      string
	}{
		{"Chamfer L1", c.ChamferL1, c.Raw.ChamferL1, "half the sum of the two mean distances"},
		{"Chamfer L2", c.ChamferL2, c.Raw.ChamferL2, "sum of the two mean squared distances"},
		{"Hausdorff", c.Hausdorff, c.Raw.Hausdorff, "the larger of the two largest distances"},
		{"accuracy", c.Accuracy.Mean, c.Raw.Accuracy.Mean, "mean distance from the mesh to the reference"},
		{"completeness", c.Completeness.Mean, c.Raw.Completeness.Mean, "mean distance from the reference to the mesh"},
	} {
		fmt.Fprintf(w, "%s\t%.4g\t%.4g\t%s\n", row.name, row.part, row.raw, row.what)
	}
	fmt.Fprint(w, "\n")
	for _, s := range c.Scores {
		fmt.Fprintf(w, "F-score\t%.4f\tat %g of the side\tprecision %.4f, recall %.4f\n", s.F, s.Threshold, s.Precision, s.Recall)
	}
	fmt.Fprintf(w, "normals\t%.4f\t\tmean of |n·n'|, 1 is equal; signed %.4f\n", c.NormalConsistency, c.SignedConsistency)
	return w.Flush()
}
