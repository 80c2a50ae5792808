package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms/request"
)

func runDetokenize(ctx context.Context, t terminal, args []string) error {
	begun := begin()
	kind, rest, err := detokenizeKind(args)
	if err != nil {
		return err
	}
	o := newOptions("detokenize")
	if err := o.parse(rest); err != nil {
		return err
	}
	if len(o.input) == 0 {
		return o.usagef("--input says which shards")
	}
	found, err := matchShards(o.input)
	if err != nil {
		return o.usagef("%s", plain(err))
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

// detokenizeKind takes the kind off the words, if the first one is a kind. A word
// that is nearly one, and no file, is a slip.
func detokenizeKind(args []string) (request.Family, []string, error) {
	words := familyWords()
	if len(args) == 0 {
		return "", args, nil
	}
	word := args[0]
	if slices.Contains(words, word) {
		return request.Family(word), args[1:], nil
	}
	if strings.ContainsAny(word, "-./*") {
		return "", args, nil
	}
	if _, err := os.Lstat(word); err != nil {
		if near := suggest(word, words); near != "" {
			return "", nil, usagef("detokenize", "detokenize: no kind %q%s", word, near)
		}
	}
	return "", args, nil
}

// ofKind returns the samples of a kind, and the numbers of the others by kind; what
// could not be read has none and stays. No kind means all.
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

// matchShards returns the shards of folders and patterns, see [request.Expand]. A
// folder stands for its shards.
func matchShards(patterns []string) (request.Matches, error) {
	var all []string
	var empty error
	for _, p := range patterns {
		info, err := os.Stat(p)
		if err != nil || !info.IsDir() {
			all = append(all, p)
			continue
		}
		found, err := shard.Glob(p)
		if err != nil {
			empty = fmt.Errorf("no %s file in %s", shard.Ext, p)
			found = []string{p} // its failure belongs to the run
		}
		all = append(all, found...)
	}
	m, err := request.Expand(all)
	if err != nil && empty != nil {
		err = empty
	}
	return m, err
}
