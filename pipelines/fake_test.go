package pipelines

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync/atomic"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// echo is a model of the tests: it reads inputs as the real ones do, and
// "generates" tokens from a request's id, seed and input, in a time that differs
// from run to run so that items overtake each other.
type echo struct {
	kind   string
	slots  chan struct{}
	served atomic.Int64
	most   atomic.Int64 // in flight at once
	now    atomic.Int64

	generate   func(r request.Request) error // called first, if set, as tokenize is
	tokenize   func(r request.Request) error
	wholeClips bool // and not their first frames
}

func newEcho(kind string) *echo { return &echo{kind: kind, slots: make(chan struct{}, 4)} }

func (e *echo) opener() family.Opener {
	return func(func() (*gpu.Device, error), family.Spec) (family.Model, error) { return e, nil }
}

func (e *echo) Name() string { return "echo" }
func (e *echo) Close()       {}

func (e *echo) Decode(ctx context.Context, r request.Request) (family.Media, error) {
	if e.kind == shard.KindCube {
		o := video.Options{Rate: clip.Rate{Num: 8, Den: 1}, W: 32, H: 32, Fit: video.Crop, MaxFrames: 4}
		if e.wholeClips {
			o.MaxFrames = 0
		}
		return family.ReadVideo(ctx, isolated.Decoder{}, r.Input, o)
	}
	m, _, err := meshfile.Read(r.Input, meshfile.Options{})
	return family.Media{Mesh: m}, err
}

func (e *echo) Tokenize(_ context.Context, r request.Request, m family.Media) (shard.Sample, family.Measures, error) {
	if e.tokenize != nil {
		if err := e.tokenize(r); err != nil {
			return shard.Sample{}, nil, err
		}
	}
	return e.sample(r, m), nil, nil
}

func (e *echo) Generate(ctx context.Context, r request.Request, m family.Media) (*family.Result, error) {
	now := e.now.Add(1)
	defer e.now.Add(-1)
	for old := e.most.Load(); now > old && !e.most.CompareAndSwap(old, now); old = e.most.Load() {
	}
	if e.generate != nil {
		if err := e.generate(r); err != nil {
			return nil, err
		}
	}
	e.slots <- struct{}{}
	defer func() { <-e.slots }()
	select {
	case <-time.After(time.Duration(e.served.Add(1)*7919%13) * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s := e.sample(r, m)
	return &family.Result{Media: m, Sample: s, Tokens: len(s.Tokens), Elapsed: time.Millisecond}, nil
}

func (e *echo) Detokenize(_ context.Context, s shard.Sample) (*family.Result, error) {
	return &family.Result{Media: family.Media{Mesh: mesh.Cube()}, Sample: s}, nil
}

func (e *echo) sample(r request.Request, m family.Media) shard.Sample {
	h := fnv.New64a()
	fmt.Fprint(h, r.ID, r.Seed)
	if m.Clip != nil {
		h.Write(m.Clip.Pix)
	}
	if m.Mesh != nil {
		fmt.Fprint(h, m.Mesh.Vertices)
	}
	tokens := make([]int64, 50)
	for i := range tokens {
		h.Write([]byte{byte(i)})
		tokens[i] = int64(h.Sum64() >> 1)
	}
	return shard.Sample{ID: r.ID, Kind: e.kind, Grid: []int32{1}, Tokens: tokens}
}
