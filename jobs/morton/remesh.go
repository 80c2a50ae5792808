package main

import (
	"context"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/morton-gen/morton/octree/remesh"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms/request"
)

// remeshFaces is the default budget.
const remeshFaces = 800

type remeshFlags struct {
	*options

	base request.Request
}

func newRemeshFlags() *remeshFlags {
	g := &remeshFlags{options: newOptions("remesh", patternUsage), base: request.Request{Family: request.Remesh}}
	f := g.flags
	f.IntVar(&g.base.Faces, "faces", 0, "largest number of faces, 4 to 1048576 (800 without --depth): cells are large where the surface is flat "+
		"and small where it bends, with triangles between sizes; results usually have 1 to 2% fewer")
	f.IntVar(&g.base.Depth, "depth", 0, "1 to 10: the longest side is cut into 0.9 · 2^depth cells, all faces are quads; with --faces the finest cells")
	addMeshFlags(f, &g.limits, &g.base.Scene)
	g.addRun()
	return g
}

func remeshCommand(t terminal) *cobra.Command {
	c := newCommand("remesh FILE...", "remesh")
	g := newRemeshFlags()
	c.Flags().AddFlagSet(g.flags)
	g.complete(c)
	completeMeshFlags(c)
	c.RunE = func(c *cobra.Command, inputs []string) error { return g.run(c.Context(), t, inputs) }
	return c
}

func (g *remeshFlags) run(ctx context.Context, t terminal, inputs []string) error {
	begun := time.Now()
	if err := g.check(inputs); err != nil {
		return err
	}
	requests, err := g.all(t)
	if err != nil {
		return err
	}
	job := g.job(request.Remesh, requests, begun)
	if job.Settings.InFlight == 0 {
		job.Settings.InFlight = 2 * runtime.GOMAXPROCS(0) // one is read while another is made
	}
	return execute(ctx, t, g.options, job, pipelines.Generate)
}

// all returns the requests, each with a depth or a budget.
func (g *remeshFlags) all(t terminal) ([]request.Request, error) {
	if len(g.input) == 0 && g.manifest == "" {
		return nil, g.usagef("--input or --manifest is required")
	}
	for _, flag := range []string{"depth", "faces"} {
		if g.flags.Changed(flag) && g.flags.Lookup(flag).Value.String() == "0" {
			return nil, g.usagef("--%s is at least 1", flag)
		}
	}
	if g.manifest != "" {
		return g.fromManifest(t, request.Manifest{Base: g.base, Check: completeRemesh})
	}
	if err := completeRemesh(&g.base); err != nil {
		return nil, g.usagef("%s", plain(err))
	}
	return g.fromPatterns(t, g.base)
}

// completeRemesh sets the default budget of a request without a depth and validates
// both.
func completeRemesh(r *request.Request) error {
	if r.Depth == 0 && r.Faces == 0 {
		r.Faces = remeshFaces
	}
	return remesh.Options{Depth: r.Depth, Faces: r.Faces}.Validate()
}
