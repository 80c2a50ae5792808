package report

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/request"
)

// HashTokens returns the SHA-256 of the tokens as 8-byte little-endian numbers,
// in hexadecimal.
func HashTokens(tokens []int64) string {
	h := sha256.New()
	var word [8]byte
	for _, t := range tokens {
		binary.LittleEndian.PutUint64(word[:], uint64(t))
		h.Write(word[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// WriteSample writes one sample as its own shard.
func WriteSample(path string, s shard.Sample) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return WriteShard(path, func(yield func(shard.Sample) error) error { return yield(s) })
}

// WriteShard writes the samples that fill yields, in that order.
func WriteShard(path string, fill func(yield func(shard.Sample) error) error) error {
	w, err := shard.Create(path)
	if err != nil {
		return err
	}
	defer w.Abort() // does nothing after Close
	if err := fill(w.Write); err != nil {
		return err
	}
	return w.Close()
}

// JoinTokens writes the tokens of sorted results to one shard at path, from the
// file of each result in dir. Equal results give equal bytes, whichever run made
// them.
func JoinTokens(dir, path string, results []Result) error {
	all := make([]*Result, len(results))
	for i := range results {
		all[i] = &results[i]
	}
	return joinTokens(dir, path, all, &earlierTokens{}, nil, func(_ *Result, err error) error { return err })
}

// joinTokens is JoinTokens that takes samples of earlier runs from an earlier shard. bad
// decides on samples that differ from their result: it returns nil to leave one out.
func joinTokens(dir, path string, results []*Result, earlier *earlierTokens, made map[key]bool, bad func(r *Result, err error) error) error {
	return WriteShard(path, func(yield func(shard.Sample) error) error {
		for len(results) > 0 {
			n := together(results)
			samples, errs := readSamples(dir, results[:n], earlier, made)
			for i, r := range results[:n] {
				if errs[i] != nil {
					if err := bad(r, errs[i]); err != nil {
						return err
					}
					continue
				}
				if err := yield(samples[i]); err != nil {
					return err
				}
			}
			results = results[n:]
		}
		return nil
	})
}

// readSample reads the tokens that a result left.
func readSample(dir string, r *Result) (shard.Sample, error) {
	part := store.Join(dir, Place{r.Family, r.ID}.Tokens())
	samples, err := readPart(part, r)
	if err != nil {
		return shard.Sample{}, err
	}
	if len(samples) != 1 || HashTokens(samples[0].Tokens) != r.TokensSHA256 {
		return shard.Sample{}, fmt.Errorf("report.JoinTokens: %w: %s is not the sample of %s", shard.ErrCorrupt, part, r.ID)
	}
	return samples[0], nil
}

// readPart reads a shard of one sample. That of a store is small enough to need no file: a
// token takes ten bytes at most.
func readPart(part string, r *Result) ([]shard.Sample, error) {
	if !store.Stored(part) {
		return shard.ReadAll(part, shard.Limits{Samples: 1})
	}
	data, err := store.ReadFile(part, 10*int64(r.TokenCount)+1<<20)
	if errors.Is(err, store.ErrTooLarge) {
		err = fmt.Errorf("report.JoinTokens: %w: %w", shard.ErrCorrupt, err)
	}
	if err != nil {
		return nil, err
	}
	return shard.DecodeAll(data, shard.Limits{Samples: 1})
}

// TokensFile is where the tokens of all a family's results stand together.
func TokensFile(f request.Family) string { return filepath.Join(string(f), "tokens.parquet") }
