package train

import (
	"errors"
	"fmt"
	"io"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/system"
)

// Shards is a [Source] of the samples of token shards. It keeps where each sample is, and
// decodes samples as they are asked for. Memory does not grow with the tokens: it holds
// those used last, up to [keptBytes].
type Shards struct {
	sys   *system.System
	paths []string
	at    []place
	rows  []int
	kept  cache[int, *Sequence]
	open  cache[int, *shard.Reader]

	Skipped int   // samples that do not fit
	Why     error // the last of them does not
}

// place is where a sample is: a shard and the number in it.
type place struct{ shard, sample int32 }

const (
	keptBytes = 64 << 20
	// A reader holds a decoded row group of a megabyte or more.
	openShards = 8
)

// OpenShards reads shards once and lays all their samples out, for see, which is told of
// those that fit. It keeps none of them. Errors are those of package shard.
func OpenShards(sys *system.System, paths []string, see func(*Sequence)) (*Shards, error) {
	s := &Shards{sys: sys, paths: paths}
	s.kept.most, s.open.most = keptBytes, openShards
	s.open.drop = func(r *shard.Reader) { _ = r.Close() } // read only
	for i := range paths {
		if err := s.index(i, see); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// index lays out the samples of a shard.
func (s *Shards) index(i int, see func(*Sequence)) error {
	r, err := shard.Open(s.paths[i], shard.Limits{})
	if err != nil {
		return err
	}
	defer r.Close()
	for n := int32(0); ; n++ {
		sample, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		q, err := s.lay(sample)
		if err != nil {
			s.Skipped, s.Why = s.Skipped+1, err
			continue
		}
		s.at, s.rows = append(s.at, place{int32(i), n}), append(s.rows, q.N)
		see(q)
	}
}

func (s *Shards) lay(sample shard.Sample) (*Sequence, error) {
	prompt, tokens, err := s.sys.Lay(sample)
	if err != nil {
		return nil, err
	}
	return Lay(s.sys, prompt, tokens)
}

// Rows implements [Source].
func (s *Shards) Rows() []int { return s.rows }

// Sequence implements [Source]. Errors are those of package shard.
func (s *Shards) Sequence(i int) (*Sequence, error) {
	return s.kept.get(i, func() (*Sequence, int, error) {
		p := s.at[i]
		r, err := s.open.get(int(p.shard), func() (*shard.Reader, int, error) {
			r, err := shard.Open(s.paths[p.shard], shard.Limits{})
			return r, 1, err
		})
		if err != nil {
			return nil, 0, err
		}
		sample, err := r.At(int(p.sample))
		if err != nil {
			return nil, 0, err
		}
		q, err := s.lay(sample)
		if err == nil && q.N != s.rows[i] {
			err = fmt.Errorf("train: %w: %s: sample %d has changed", shard.ErrCorrupt, s.paths[p.shard], p.sample)
		}
		if err != nil {
			return nil, 0, err
		}
		return q, q.sizeBytes(), nil
	})
}

// Close closes the shards that are open.
func (s *Shards) Close() { s.open.clear() }

// sizeBytes is about the memory of a sequence.
func (q *Sequence) sizeBytes() int {
	n := 512 + 4*(len(q.Tokens)+len(q.Draws.At)+len(q.Draws.From)+len(q.Draws.Allow))
	for _, p := range append(q.Before, q.Part) {
		n += rowBytes(&p.Rows)
		if p.Other != nil {
			n += rowBytes(p.Other)
		}
	}
	return n
}

func rowBytes(r *system.Rows) int {
	return 4 * (len(r.Fixed) + len(r.Fed) + len(r.Axes) + len(r.Sees) + len(r.Features) + len(r.Keep) + len(r.Recall))
}
