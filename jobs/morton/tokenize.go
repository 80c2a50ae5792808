package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

type tokenizeFlags struct {
	*options

	shards int
}

func newTokenizeFlags() *tokenizeFlags {
	g := &tokenizeFlags{options: newOptions(report.Tokenize, patternUsage)}
	g.flags.Lookup("out").Usage = "write shards to `DIR`; the folder then holds this run's samples of the kind, no others"
	g.flags.IntVar(&g.shards, "shards", 1, "distribute the samples over `N` files by their ids; a file may be empty")
	g.addModel()
	g.addTokens()
	g.addRun()
	return g
}

func tokenizeCommand(t terminal) *cobra.Command {
	c := newCommand("tokenize video|image|shape|quads|rig", "tokenize")
	requireKind(c)
	g := newTokenizeFlags()
	c.PersistentFlags().AddFlagSet(g.flags)
	g.complete(c)
	addKinds(c, func(k *cobra.Command, kind request.Family) {
		own := g.ofKind(kind)
		k.Flags().AddFlagSet(own.own)
		completeReading(k, own.own)
		k.RunE = func(k *cobra.Command, inputs []string) error { return own.run(k.Context(), t, inputs) }
	})
	return c
}

// tokenizeKind is tokenize for one kind, with its own flags.
type tokenizeKind struct {
	*tokenizeFlags

	own  *pflag.FlagSet
	base request.Request
}

func (g *tokenizeFlags) ofKind(kind request.Family) *tokenizeKind {
	f := newFlags(string(kind))
	k := &tokenizeKind{tokenizeFlags: g, own: f, base: request.Request{Family: kind}}
	mediaFlags[kind].tokenize(k)
	return k
}

func (k *tokenizeKind) run(ctx context.Context, t terminal, inputs []string) error {
	begun := time.Now()
	if err := k.check(inputs); err != nil {
		return err
	}
	if len(k.input) == 0 && k.manifest == "" {
		return k.usagef("--input or --manifest is required")
	}
	requests, err := k.all(t)
	if err != nil {
		return err
	}
	job := k.job(k.base.Family, requests, begun)
	job.Shards = k.shards
	return execute(ctx, t, k.options, job, pipelines.Tokenize)
}

// all returns the requests of inputs or of a manifest, whose "frames" are
// --frames.
func (k *tokenizeKind) all(t terminal) ([]request.Request, error) {
	if k.manifest == "" {
		return k.fromPatterns(t, k.base)
	}
	base, frames := k.base, k.base.Prefix
	base.Prefix, base.Frames = 0, frames
	return k.fromManifest(t, request.Manifest{Base: base, Check: func(r *request.Request) error { return r.CheckTokenize(frames) }})
}
