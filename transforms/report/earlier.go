package report

import (
	"context"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/store"
)

// earlierTokens reads the samples of a shard that an earlier run joined, sorted by id as
// results are. If a result has not changed since, its sample is the same as in its own
// file, which need not be read again. The zero value has no samples.
type earlierTokens struct {
	local  *store.Copy
	reader *shard.Reader
	next   shard.Sample
	more   bool // next is valid
}

// maxJoinedBytes bounds a shard that is copied from a store for its samples.
const maxJoinedBytes = 1 << 36

// openEarlier opens a shard. An unreadable one has no samples.
func openEarlier(place string) *earlierTokens {
	local, err := store.Fetch(context.Background(), place, maxJoinedBytes)
	if err != nil {
		return &earlierTokens{}
	}
	reader, err := shard.Open(local.Path, shard.Limits{})
	if err != nil {
		local.Remove()
		return &earlierTokens{}
	}
	e := &earlierTokens{local: local, reader: reader}
	e.advance()
	return e
}

func (e *earlierTokens) advance() {
	var err error
	e.next, err = e.reader.Next()
	e.more = err == nil
}

// of returns the sample of a result if it equals that of its own file: it has the tokens
// of the result and of its input. Calls must be in the order of ids.
func (e *earlierTokens) of(r *Result) (shard.Sample, bool) {
	for e.more && e.next.ID < r.ID {
		e.advance()
	}
	if !e.more || e.next.ID != r.ID || r.Action != Generate || e.next.Source != r.Input || HashTokens(e.next.Tokens) != r.TokensSHA256 {
		return shard.Sample{}, false
	}
	return e.next, true
}

func (e *earlierTokens) close() {
	if e.reader != nil {
		e.reader.Close()
		e.local.Remove()
	}
}

// maxTogether bounds the tokens that are read before they are written.
const maxTogether = 1 << 23

// together returns how many of the results' files are read at once.
func together(results []*Result) int {
	n, tokens := 0, 0
	for n < len(results) && n < store.AtOnce && (n == 0 || tokens+results[n].TokenCount <= maxTogether) {
		tokens += results[n].TokenCount
		n++
	}
	return n
}

// readSamples reads the tokens of results, each with its error. made are the results of
// this run, which no earlier shard has.
func readSamples(dir string, results []*Result, earlier *earlierTokens, made map[key]bool) ([]shard.Sample, []error) {
	samples, errs := make([]shard.Sample, len(results)), make([]error, len(results))
	var rest []int
	for i, r := range results {
		known := false
		if !made[r.key()] {
			samples[i], known = earlier.of(r)
		}
		if !known {
			rest = append(rest, i)
		}
	}
	store.Each(dir, len(rest), func(n int) error {
		i := rest[n]
		samples[i], errs[i] = readSample(dir, results[i])
		return nil
	})
	return samples, errs
}
