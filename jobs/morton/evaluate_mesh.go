package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree/surface"
	"github.com/morton-gen/morton/transforms/family"
)

// meshEvaluation is evaluate for a kind whose results are meshes.
type meshEvaluation struct {
	kind string
	add  func(*pflag.FlagSet, *system.Extent)
}

var (
	quadsEvaluation = meshEvaluation{system.Quads, func(f *pflag.FlagSet, e *system.Extent) {
		f.IntVar(&e.Faces, "faces", 0, "largest number of faces; 0 is the default of generate quads")
	}}
	shapeEvaluation = meshEvaluation{system.Shape, func(f *pflag.FlagSet, e *system.Extent) {
		f.IntVar(&e.Depth, "depth", 0, "depth of the octree; 0 is the model's own")
		f.IntVar(&e.PrefixDepth, "prefix-depth", 0, "levels taken from the input; 0 is two less than the depth")
	}}
)

type evaluateFlags struct {
	flags *pflag.FlagSet
	deviceFlags

	kind    string
	model   string
	extent  system.Extent
	seed    uint64
	samples int
	json    bool
	read    meshfile.Options

	temperature float64
}

func evaluateMeshCommand(t terminal, e meshEvaluation) *cobra.Command {
	c := newCommand(e.kind+" FILE...", "evaluate_"+e.kind)
	g := &evaluateFlags{flags: newFlags("evaluate"), kind: e.kind}
	f := g.flags
	f.StringVar(&g.model, "model", "", "the model folder `DIR`; without it the shipped model")
	e.add(f, &g.extent)
	f.Uint64Var(&g.seed, "seed", 1, "random seed; results depend on it and on the file's name")
	f.IntVar(&g.samples, "samples", 20_000, "points sampled on each surface")
	addTemperature(f, &g.temperature)
	addMeshFlags(f, &g.read.Limits, &g.read.Scene)
	g.deviceFlags.add(f)
	f.BoolVar(&g.json, "json", false, "print the figures as JSON")
	c.Flags().AddFlagSet(f)
	completeFolders(f, "model")
	completeMeshFlags(c)
	completeDevice(c)
	c.RunE = func(c *cobra.Command, files []string) error { return g.run(c.Context(), t, files) }
	return c
}

func (g *evaluateFlags) run(ctx context.Context, t terminal, files []string) error {
	if len(files) == 0 || g.samples < 1 || g.samples > compare.MaxPoints {
		return usagef("evaluate", "evaluate %s: mesh files, and --samples of 1 to %d", g.kind, compare.MaxPoints)
	}
	dev, err := family.OpenDevice(g.deviceFlags.options())
	if err != nil {
		return err
	}
	defer dev.Close()
	m, err := models.Open(dev, g.kind, g.model, models.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	fmt.Fprintf(t.err, "%s on %s\n", m.Name(), dev.Info().Name)
	e := evaluation{Model: m.Name(), Results: make([]score, len(files))}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(engine.DefaultSlots)
	for i, path := range files {
		all.Go(func() error {
			e.Results[i] = g.score(ctx, m, path)
			return ctx.Err() // a failed file is counted; an interrupt ends the run
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	e.sum()
	if g.json {
		err = printJSON(t, e)
	} else {
		err = e.print(t.out)
	}
	if err == nil && e.Summary.Failed > 0 {
		err = errSomeFailed
	}
	return err
}

// score is the result for one file.
type score struct {
	File    string          `json:"file"`
	Failed  string          `json:"failed,omitempty"` // why there is no result
	Source  *mesh.Report    `json:"source,omitempty"`
	Result  *mesh.Report    `json:"result,omitempty"`
	Compare *compare.Report `json:"compare,omitempty"`
	Drawn   system.Measures `json:"drawn,omitempty"`
	Coarse  *coarse         `json:"coarse,omitempty"` // of shapes, where the depths are given and surface.Coarse takes them
	Seconds float64         `json:"seconds"`          // on the device, shared with others
}

// score generates from a file and measures the result.
func (g *evaluateFlags) score(ctx context.Context, m *models.Model, path string) score {
	s := score{File: path}
	fail := func(err error) score {
		s.Failed = plain(err)
		return s
	}
	source, _, err := meshfile.Read(path, g.read)
	if err == nil {
		err = mesh.CheckArea(source)
	}
	if err != nil {
		return fail(err)
	}
	before, err := mesh.Measure(source)
	if err != nil {
		return fail(err)
	}
	s.Source = &before
	made, err := m.Generate(ctx, models.Request{
		ID: filepath.Base(path), Seed: g.seed, Source: system.Media{Mesh: source}, Extent: g.extent, Sampling: sampledAt(m, g.temperature),
	})
	if err != nil {
		return fail(err)
	}
	s.Drawn, s.Seconds = made.Measures, made.Stats.Elapsed.Seconds()
	after, err := mesh.Measure(made.Media.Mesh)
	if err == nil {
		s.Compare, err = compare.Surfaces(made.Media.Mesh, source, compare.Options{Samples: g.samples, Seed: g.seed})
	}
	if d, given := g.extent.Depth, g.extent.PrefixDepth; err == nil && g.kind == system.Shape && d > 0 && given > 0 && given <= surface.CoarseDepth {
		s.Coarse, err = compareCoarse(made.Media.Mesh, source, d, given, compare.Options{Samples: g.samples, Seed: g.seed})
	}
	if err != nil {
		return fail(err)
	}
	s.Result = &after
	return s
}

type evaluation struct {
	Model   string  `json:"model"`
	Results []score `json:"results"`
	Summary summary `json:"summary"`
}

// summary covers the files that did not fail.
type summary struct {
	Files         int     `json:"files"`
	Failed        int     `json:"failed"`
	ClosedSources int     `json:"closed_sources"`
	Closed        int     `json:"closed"` // closed results of closed sources
	Chamfer       float64 `json:"chamfer_median"`
	Hausdorff     float64 `json:"hausdorff_median"`
	F             float64 `json:"f_median"`
	Normals       float64 `json:"normal_consistency_median"`
	Faces         float64 `json:"faces_median"`
	Quads         float64 `json:"quad_ratio_mean"`
	Open          float64 `json:"open_edge_ratio_mean"`
	Jacobian      float64 `json:"scaled_jacobian_mean"`
	Irregular     float64 `json:"irregular_ratio_mean"`
	Loops         float64 `json:"edge_loop_length_mean"`
	Seconds       float64 `json:"seconds_median"`

	Coarse *coarseSummary `json:"coarse,omitempty"`
}

// fThreshold is the threshold of the F-score in the summary, relative to the
// source's longest side.
const fThreshold = 0.02

func (e *evaluation) sum() {
	s := &e.Summary
	s.Files = len(e.Results)
	var done []score
	for _, r := range e.Results {
		if r.Failed == "" {
			done = append(done, r)
		}
	}
	s.Failed = s.Files - len(done)
	for _, r := range done {
		if r.Source.Watertight {
			s.ClosedSources++
			if r.Result.Watertight {
				s.Closed++
			}
		}
	}
	column := func(of func(score) float64) (list []float64) {
		for _, r := range done {
			list = append(list, of(r))
		}
		return list
	}
	s.Chamfer = median(column(func(r score) float64 { return r.Compare.ChamferL1 }))
	s.Hausdorff = median(column(func(r score) float64 { return r.Compare.Hausdorff }))
	s.F = median(column(score.f))
	s.Normals = median(column(func(r score) float64 { return r.Compare.NormalConsistency }))
	s.Faces = median(column(func(r score) float64 { return float64(r.Result.Faces) }))
	s.Seconds = median(column(func(r score) float64 { return r.Seconds }))
	s.Quads = mean(column(func(r score) float64 { return r.Result.QuadRatio }))
	s.Open = mean(column(func(r score) float64 { return r.Result.BoundaryEdgeRatio }))
	s.Jacobian = mean(column(func(r score) float64 { return r.Result.ScaledJacobianMean }))
	s.Irregular = mean(column(func(r score) float64 { return r.Result.IrregularRatio }))
	s.Coarse = sumCoarse(done)
	s.Loops = mean(column(func(r score) float64 { return r.Result.EdgeLoopLength }))
}

func (s score) f() float64 {
	f, _ := s.Compare.F(fThreshold)
	return f
}

// median returns 0 for an empty list.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// mean returns 0 for an empty list.
func mean(list []float64) (sum float64) {
	for _, x := range list {
		sum += x / float64(len(list))
	}
	return sum
}

func (e *evaluation) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "chamfer\thausdorff\tF(0.02)\tnormals\tfaces\tquads\topen edges\tclosed\tparts\tJacobian\tirregular\tseconds\t file\n")
	for _, r := range e.Results {
		if r.Failed != "" {
			fmt.Fprintf(t, "\t\t\t\t\t\t\t\t\t\t\t\t %s: %s\n", filepath.Base(r.File), r.Failed)
			continue
		}
		m, c := r.Result, r.Compare
		fmt.Fprintf(t, "%.4f\t%.4f\t%.3f\t%.3f\t%d\t%.0f%%\t%.1f%%\t%s\t%d\t%.2f\t%.0f%%\t%.1f\t %s\n",
			c.ChamferL1, c.Hausdorff, r.f(), c.NormalConsistency, m.Faces, 100*m.QuadRatio, 100*m.BoundaryEdgeRatio, closedOf(r), m.Components,
			m.ScaledJacobianMean, 100*m.IrregularRatio, r.Seconds, filepath.Base(r.File))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	s := &e.Summary
	if _, err := fmt.Fprintf(w, "%s, %d failed; %d of %d closed sources closed\n", many(s.Files, "file"), s.Failed, s.Closed, s.ClosedSources); err != nil || s.Failed == s.Files {
		return err
	}
	if _, err := fmt.Fprintf(w, "medians: chamfer %.4f, hausdorff %.4f, F(0.02) %.3f, normals %.3f, faces %.0f, %s a mesh\n"+
		"means: quads %.0f%%, open edges %.1f%%, scaled Jacobian %.3f, irregular vertices %.0f%%, edge loops of %.1f edges\n",
		s.Chamfer, s.Hausdorff, s.F, s.Normals, s.Faces, time.Duration(s.Seconds*float64(time.Second)).Round(100*time.Millisecond),
		100*s.Quads, 100*s.Open, s.Jacobian, 100*s.Irregular, s.Loops); err != nil {
		return err
	}
	return s.Coarse.print(w)
}

// closedOf describes whether result and source are closed.
func closedOf(r score) string {
	switch {
	case r.Result.Watertight && r.Source.Watertight:
		return "yes"
	case r.Source.Watertight:
		return "no"
	}
	return "source open"
}
