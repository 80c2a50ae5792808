package train

import (
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/system"
)

// Shards is a [Source] of the samples of token shards. It keeps where each sample is, and
// decodes samples as they are asked for. Memory does not grow with the tokens: it holds
// those used last, up to a number of bytes.
type Shards struct {
	sys   *system.System
	paths []string
	at    []place
	rows  []int
	drift *Drift
	kept  cache[place, *Sequence]
	open  cache[int, *shard.Reader]

	Skipped int   // samples that do not fit
	Why     error // the last of them does not
}

// place is where a sample is: a shard and the number in it.
type place struct{ shard, sample int32 }

const (
	// DefaultKept is the memory for laid-out samples if nothing else is asked for.
	DefaultKept = 64 << 20
	// A reader holds a decoded row group of a megabyte or more.
	openShards = 8
)

// OpenShards reads shards once and lays all their samples out, for see, which is told of
// those that fit. It lays out as many at once as there are processors; see is called
// for one sample after the other. It keeps samples up to the given number of bytes;
// 0 means [DefaultKept]. With a drift samples drift; nil: none do. Errors are those of
// package shard.
func OpenShards(sys *system.System, paths []string, kept int, see func(*Sequence), drift *Drift) (*Shards, error) {
	s := &Shards{sys: sys, paths: paths, drift: drift}
	if s.kept.most = kept; kept == 0 {
		s.kept.most = DefaultKept
	}
	s.open.most = openShards
	s.open.drop = func(r *shard.Reader) { _ = r.Close() } // read only
	for i := range paths {
		if err := s.index(i, see); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// chunk is the number of samples that are read before they are laid out, all at once.
const chunk = 64

// index lays out the samples of a shard, as many at once as there are processors.
func (s *Shards) index(i int, see func(*Sequence)) error {
	r, err := shard.Open(s.paths[i], shard.Limits{})
	if err != nil {
		return err
	}
	defer r.Close()
	for from := 0; from < r.Len(); from += chunk {
		samples := make([]shard.Sample, min(chunk, r.Len()-from))
		for k := range samples {
			if samples[k], err = r.Next(); err != nil {
				return err
			}
		}
		laid, errs := make([]*Sequence, len(samples)), make([]error, len(samples))
		var g errgroup.Group
		g.SetLimit(runtime.GOMAXPROCS(0))
		for k, sample := range samples {
			g.Go(func() error {
				laid[k], errs[k] = s.lay(sample)
				return nil
			})
		}
		_ = g.Wait() // errors are in errs
		for k, q := range laid {
			if errs[k] != nil {
				s.Skipped, s.Why = s.Skipped+1, errs[k]
				continue
			}
			at := place{int32(i), int32(from + k)}
			see(q)
			if _, err := s.kept.get(at, func() (*Sequence, int, error) { return q, q.sizeBytes(), nil }); err != nil {
				return err
			}
			s.at, s.rows = append(s.at, at), append(s.rows, q.N)
		}
	}
	return nil
}

func (s *Shards) lay(sample shard.Sample) (*Sequence, error) {
	prompt, tokens, err := s.sys.Flatten(sample)
	if err != nil {
		return nil, err
	}
	return s.drift.lay(s.sys, prompt, tokens)
}

// Rows implements [Source].
func (s *Shards) Rows() []int { return s.rows }

// Sequence implements [Source]. Errors are those of package shard.
func (s *Shards) Sequence(i int) (*Sequence, error) {
	p := s.at[i]
	return s.kept.get(p, func() (*Sequence, int, error) {
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
	n := 512 + 4*(len(q.Tokens)+len(q.Fed)+len(q.Draws.At)+len(q.Draws.From)+len(q.Draws.TokenRange))
	for _, p := range append(q.Before, q.Part) {
		n += rowBytes(&p.Rows)
		if p.Other != nil {
			n += rowBytes(p.Other)
		}
	}
	return n
}

func rowBytes(r *system.Rows) int {
	return 4 * (len(r.Fixed) + len(r.Inputs) + len(r.Axes) + len(r.KVLen) + len(r.Features) + len(r.Keep) + len(r.Recall))
}
