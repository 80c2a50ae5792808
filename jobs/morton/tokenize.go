package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/morton-gen/morton/codecs/shard"
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
	f.StringVar(&g.manifest, "manifest", "", "")
	f.IntVar(&g.shards, "shards", 1, "")
	switch kind {
	case request.Video:
		f.IntVar(&g.base.Prefix, "frames", 0, "")
		f.addReading(&g.base)
	case request.Shape:
		f.IntVar(&g.base.Depth, "depth", 0, "")
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
	requests, err := g.requests(g.base)
	if err != nil {
		return err
	}
	job := g.job(request.Family(kind), requests, begun)
	job.Shards = g.shards
	if err := job.Validate(); err != nil {
		return g.usagef("%v", err)
	}
	return execute(ctx, t, g.options, job, pipelines.Tokenize)
}

// matchShards returns the shards of a folder or a pattern. As with other inputs, a
// path that is no pattern stays even if there is no such file: its failure belongs
// to the run.
func matchShards(pattern string) ([]string, error) {
	paths, err := shard.Glob(pattern)
	if !errors.Is(err, fs.ErrNotExist) {
		return paths, err
	}
	switch info, statErr := os.Stat(pattern); {
	case statErr == nil && info.IsDir():
		return nil, fmt.Errorf("no %s file in %s", shard.Ext, pattern)
	case strings.ContainsAny(pattern, `*?[\`):
		return nil, fmt.Errorf("%w: %s", request.ErrNoMatch, pattern)
	}
	return []string{pattern}, nil
}

func runDetokenize(ctx context.Context, t terminal, args []string) error {
	begun := begin()
	o := newOptions("detokenize")
	if err := o.parse(args); err != nil {
		return err
	}
	if len(o.input) == 0 {
		return o.usagef("--input says which shards")
	}
	var paths []string
	for _, pattern := range o.input {
		found, err := matchShards(pattern)
		if err != nil {
			return o.usagef("%v", err)
		}
		paths = append(paths, found...)
	}
	requests := pipelines.Samples(paths)
	if len(requests) == 0 {
		return o.usagef("the shards hold no samples")
	}
	return execute(ctx, t, o, o.job("", requests, begun), pipelines.Detokenize)
}
