package train

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

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
// those that fit. It reads as many shards at once as there are processors: see is called
// for one sample at a time, in no order. It keeps samples up to the given number of bytes;
// 0 means [DefaultKept]. With a drift samples drift; nil: none do. Errors are those of
// package shard.
func OpenShards(sys *system.System, paths []string, kept int, see func(*Sequence), drift *Drift) (*Shards, error) {
	s := &Shards{sys: sys, paths: paths, drift: drift}
	if s.kept.most = kept; kept == 0 {
		s.kept.most = DefaultKept
	}
	s.open.most = openShards
	s.open.drop = func(r *shard.Reader) { _ = r.Close() } // read only
	lists := make([]indexed, len(paths))
	var lock sync.Mutex
	var wait sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(paths)) {
		wait.Go(func() {
			for i := range next {
				lists[i].err = s.index(i, &lists[i], &lock, see)
			}
		})
	}
	for i := range paths {
		next <- i
	}
	close(next)
	wait.Wait()
	for _, l := range lists {
		if l.err != nil {
			s.Close()
			return nil, l.err
		}
		s.at, s.rows = append(s.at, l.at...), append(s.rows, l.rows...)
		if s.Skipped += l.skipped; l.why != nil {
			s.Why = l.why
		}
	}
	return s, nil
}

// indexed is what is known of a shard.
type indexed struct {
	at       []place
	rows     []int
	skipped  int
	why, err error
}

// index lays out the samples of a shard.
func (s *Shards) index(i int, list *indexed, lock *sync.Mutex, see func(*Sequence)) error {
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
			list.skipped, list.why = list.skipped+1, err
			continue
		}
		at := place{int32(i), n}
		list.at, list.rows = append(list.at, at), append(list.rows, q.N)
		lock.Lock()
		see(q)
		_, err = s.kept.get(at, func() (*Sequence, int, error) { return q, q.sizeBytes(), nil })
		lock.Unlock()
		if err != nil {
			return err
		}
	}
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
