package main

import (
	"context"
	"runtime"

	"github.com/morton-gen/morton/octree/remesh"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms/request"
)

// remeshFaces is the budget where nothing is said.
const remeshFaces = 800

// remeshFlags are the flags of remesh.
type remeshFlags struct {
	*options

	base request.Request
}

func newRemeshFlags() *remeshFlags {
	g := &remeshFlags{options: newPlainOptions("remesh"), base: request.Request{Family: request.Remesh}}
	f := g.flags
	f.Var(&g.manifest, "manifest", "")
	f.IntVar(&g.base.Depth, "depth", 0, "")
	f.IntVar(&g.base.Faces, "faces", 0, "")
	addMeshFlags(f, &g.limits, &g.base.Scene)
	return g
}

func runRemesh(ctx context.Context, t terminal, args []string) error {
	begun := begin()
	g := newRemeshFlags()
	if err := g.parse(args); err != nil {
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

// all makes the requests, each with a depth or a budget.
func (g *remeshFlags) all(t terminal) ([]request.Request, error) {
	if len(g.input) == 0 && g.manifest == "" {
		return nil, g.usagef("--input or --manifest says what to remesh")
	}
	for _, flag := range []string{"depth", "faces"} {
		if g.flags.given(flag) && g.flags.Lookup(flag).Value.String() == "0" {
			return nil, g.usagef("--%s is at least 1", flag)
		}
	}
	if g.manifest != "" {
		return g.fromManifest(t, g.base, completeRemesh)
	}
	if err := completeRemesh(&g.base); err != nil {
		return nil, g.usagef("%s", plain(err))
	}
	return g.fromPatterns(t, g.base)
}

// completeRemesh gives a request without a depth the default budget, and checks both.
func completeRemesh(r *request.Request) error {
	if r.Depth == 0 && r.Faces == 0 {
		r.Faces = remeshFaces
	}
	return remesh.Options{Depth: r.Depth, Faces: r.Faces}.Validate()
}
