package main

import (
	"context"
	"flag"

	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms/request"
)

// tokenizeFlags are the flags of tokenize beyond the common ones.
type tokenizeFlags struct {
	*options

	base   request.Request
	shards int
}

func newTokenizeFlags(kind request.Family) *tokenizeFlags {
	g := &tokenizeFlags{options: newOptions("tokenize"), base: request.Request{Family: kind}}
	f := g.flags
	f.Var(&g.manifest, "manifest", "")
	f.IntVar(&g.shards, "shards", 1, "")
	switch kind {
	case request.Video:
		f.IntVar(&g.base.Prefix, "frames", 0, "")
		f.addReading(&g.base)
	case request.Shape:
		addMeshFlags(f, &g.limits, &g.base.Scene)
		f.IntVar(&g.base.Depth, "depth", 0, "")
	case request.Quads:
		addMeshFlags(f, &g.limits, &g.base.Scene)
	}
	return g
}

func runTokenize(ctx context.Context, t terminal, args []string) error {
	begun := begin()
	kind, rest, err := choice("tokenize", args, familyWords())
	if err != nil {
		return err
	}
	if wantsHelp(kind) {
		return flag.ErrHelp
	}
	g := newTokenizeFlags(request.Family(kind))
	if err := g.parse(rest); err != nil {
		return err
	}
	if len(g.input) == 0 && g.manifest == "" {
		return g.usagef("--input or --manifest says what to tokenize")
	}
	requests, err := g.all(t)
	if err != nil {
		return err
	}
	job := g.job(request.Family(kind), requests, begun)
	job.Shards = g.shards
	return execute(ctx, t, g.options, job, pipelines.Tokenize)
}

// all makes the requests: of inputs or of a manifest, whose "frames" are --frames.
func (g *tokenizeFlags) all(t terminal) ([]request.Request, error) {
	if g.manifest == "" {
		return g.fromPatterns(t, g.base)
	}
	base, frames := g.base, g.base.Prefix
	base.Prefix, base.Frames = 0, frames
	return g.fromManifest(t, base, func(r *request.Request) error { return r.CheckTokenize(frames) })
}
