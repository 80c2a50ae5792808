package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

func newDetokenizeFlags() *options {
	o := newOptions(report.Detokenize, "a folder of shards, a shard, or a quoted `PATTERN` with *, ?, {a,b} and **; may be given again")
	o.addModel()
	o.addRun()
	return o
}

func detokenizeCommand(t terminal) *cobra.Command {
	c := newCommand("detokenize [video|image|shape|quads|rig]", "detokenize")
	o := newDetokenizeFlags()
	c.PersistentFlags().AddFlagSet(o.flags)
	o.complete(c)
	c.RunE = func(c *cobra.Command, inputs []string) error {
		if err := checkKind(c, inputs); err != nil {
			return err
		}
		return detokenize(c.Context(), t, o, "", inputs)
	}
	addKinds(c, func(k *cobra.Command, kind request.Family) {
		k.RunE = func(k *cobra.Command, inputs []string) error { return detokenize(k.Context(), t, o, kind, inputs) }
	})
	return c
}

// checkKind rejects a first argument that resembles a kind and is no file.
func checkKind(c *cobra.Command, inputs []string) error {
	if len(inputs) == 0 || strings.ContainsAny(inputs[0], "-./*") {
		return nil
	}
	if _, err := os.Lstat(inputs[0]); err != nil {
		if near := suggestCommand(c, inputs[0]); near != "" {
			return usagef(c.Name(), "%s: no kind %q%s", c.Name(), inputs[0], near)
		}
	}
	return nil
}

// detokenize decodes the samples of a kind, or of all kinds if it is empty.
func detokenize(ctx context.Context, t terminal, o *options, kind request.Family, inputs []string) error {
	begun := time.Now()
	if err := o.check(inputs); err != nil {
		return err
	}
	if len(o.input) == 0 {
		return o.usagef("--input is required: the shards")
	}
	found, err := matchShards(o.input)
	if err != nil {
		return o.ofPlace("", err)
	}
	noteAgain(t, found.Again)
	requests, others := ofKind(pipelines.Samples(found.Paths), kind)
	switch {
	case len(requests) == 0 && len(others) > 0:
		return o.usagef("the shards hold no samples of %s, but %s", kind, counts(others))
	case len(requests) == 0:
		return o.usagef("the shards hold no samples")
	case len(others) > 0:
		fmt.Fprintf(t.err, "morton: samples of other kinds are left out: %s\n", counts(others))
	}
	return execute(ctx, t, o, o.job("", requests, begun), pipelines.Detokenize)
}

// ofKind returns the samples of a kind and the number of others by kind. Unreadable
// samples have no kind and are kept. An empty kind means all.
func ofKind(requests []request.Request, kind request.Family) ([]request.Request, map[string]int) {
	others := map[string]int{}
	if kind == "" {
		return requests, others
	}
	kept := slices.DeleteFunc(requests, func(r request.Request) bool {
		other := r.Family != "" && r.Family != kind
		if other {
			others[string(r.Family)]++
		}
		return other
	})
	return kept, others
}

// shardsIn is [shard.Glob] for a folder on this machine or in a store.
func shardsIn(folder string) ([]string, error) {
	if !store.Stored(folder) {
		return shard.Glob(folder)
	}
	m, err := request.Expand([]string{store.Join(folder, "*"+shard.Ext)})
	return m.Paths, err
}

// matchShards returns the shards of folders and patterns: see [request.Expand]. A
// folder means its shards.
func matchShards(patterns []string) (request.Matches, error) {
	var all []string
	var empty error
	for _, p := range patterns {
		info, err := store.Stat(p)
		if err != nil || !info.IsDir() {
			all = append(all, p)
			continue
		}
		found, err := shardsIn(p)
		if err != nil {
			empty = fmt.Errorf("no %s file in %s", shard.Ext, p)
			found = []string{p} // the run reports its failure
		}
		all = append(all, found...)
	}
	m, err := request.Expand(all)
	if err != nil && empty != nil {
		err = empty
	}
	return m, err
}
