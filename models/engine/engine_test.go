package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/systems"
	"github.com/morton-gen/morton/models/train"
)

var config = systems.Decoder{
	Width: 32, Layers: 2, Heads: 2, Hidden: 48, RopePairs: []int{8}, RopeTheta: 100,
	Static: 1, StaticRows: 10, Fed: 1, Sub: 1, Vocab: 16, Context: 24, Length: 100, Group: 1,
}

// weights saves a random network whose draws depend on their context.
func weights(t *testing.T, dev *gpu.Device) *safetensors.File {
	t.Helper()
	net, err := train.NewNetwork(dev, config.System(), 1, 8, train.NetworkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := net.Store().Init(2); err != nil {
		t.Fatal(err)
	}
	// Larger weights than the initial ones, so that draws depend on what a row sees.
	p, err := net.Store().P.F32()
	if err != nil {
		t.Fatal(err)
	}
	for i := range p {
		p[i] *= 6
	}
	if err := net.Store().P.WriteF32(p); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := net.Store().Save(path, safetensors.F32, false, nil); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// chain lays out positions from to to of a plain chain.
func chain(from, to int) *order.Positions {
	s := &order.Positions{}
	for p := from; p < to; p++ {
		s.Add([]int32{int32(p % 10)}, []int32{int32(p - 1)}, []int32{int32(p)}, int32(p+1), 0, 16)
	}
	return s
}

// scheduled is a request for the positions of a chain behind those with tokens.
func scheduled(id string, tokens []uint32, n int) Request {
	return Request{ID: id, Temperature: 1, TopP: 1, End: -1, Tokens: tokens, Schedule: func() (system.Schedule, error) {
		return order.Fixed(chain(0, n).Runs(0, len(tokens), 1)...), nil
	}}
}

func request(i int) Request {
	r := rand.New(rand.NewPCG(uint64(i), 0))
	n := 20 + r.IntN(40)
	var tokens []uint32
	for range 1 + r.IntN(12) {
		tokens = append(tokens, uint32(r.IntN(16)))
	}
	q := scheduled(fmt.Sprint("r", i), tokens, n)
	q.Seed = 5
	return q
}

func open(t *testing.T, dev *gpu.Device, o Options) *Engine {
	t.Helper()
	e, err := New(dev, config.System(), nn.File(weights(t, dev)), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// all runs n requests at once.
func all(t *testing.T, e *Engine, n int) [][]uint32 {
	t.Helper()
	out := make([][]uint32, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			res, err := e.Generate(context.Background(), request(i))
			if err != nil {
				t.Error(err)
			}
			out[i] = res.Tokens
		})
	}
	wg.Wait()
	return out
}

// TestTokensDoNotDependOnTheCompany runs the same requests with different numbers of
// slots and steps a submit. Every order of joining and leaving must give the same
// tokens.
func TestTokensDoNotDependOnTheCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n = 9
		want := all(t, open(t, dev, Options{Slots: 1, Steps: 7}), n)
		for _, o := range []Options{{Slots: 4, Steps: 5}, {Slots: 8, Steps: 32}} {
			e := open(t, dev, o)
			for i, got := range all(t, e, n) {
				if !slices.Equal(got, want[i]) {
					t.Errorf("%+v: request %d differs from alone", o, i)
				}
			}
			if s := e.Stats(); s.Requests != n || s.Tokens == 0 || s.Sequences < s.Submits {
				t.Errorf("stats %+v", s)
			}
		}
		if slices.Equal(want[0], want[1]) {
			t.Error("two requests drew the same tokens")
		}
	})
}

// TestNextExtendsARequest grows a request in three parts and compares it with the
// same positions planned at once.
func TestNextExtendsARequest(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		e := open(t, dev, Options{Slots: 2})
		whole := scheduled("a", []uint32{1, 2, 3}, 60)
		want, err := e.Generate(context.Background(), whole)
		if err != nil {
			t.Fatal(err)
		}
		parts := whole
		growing := func(more func([]uint32) (*order.Positions, error)) func() (system.Schedule, error) {
			return func() (system.Schedule, error) {
				return order.Grow(func(tokens []uint32) ([]system.Run, error) {
					next, err := more(tokens)
					if err != nil || next == nil {
						return nil, err
					}
					return next.Runs(len(tokens), 0, 1), nil
				}, chain(0, 15).Runs(0, 3, 1)...), nil
			}
		}
		parts.Schedule = growing(func(tokens []uint32) (*order.Positions, error) {
			if len(tokens) >= 60 {
				return nil, nil
			}
			return chain(len(tokens), min(len(tokens)+20, 60)), nil
		})
		got, err := e.Generate(context.Background(), parts)
		if err != nil || !slices.Equal(got.Tokens, want.Tokens) {
			t.Errorf("in parts it differs: %v", err)
		}
		boom := errors.New("boom")
		parts.Schedule = growing(func([]uint32) (*order.Positions, error) { return nil, boom })
		if _, err := e.Generate(context.Background(), parts); !errors.Is(err, boom) {
			t.Errorf("an error of the schedule came out as %v", err)
		}
	})
}

func TestEndToken(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		e := open(t, dev, Options{Slots: 1})
		free, err := e.Generate(context.Background(), scheduled("x", []uint32{4}, 60))
		if err != nil {
			t.Fatal(err)
		}
		end := int64(free.Tokens[17])
		at := 1 + slices.Index(free.Tokens[1:], uint32(end))
		stops := scheduled("x", []uint32{4}, 60)
		stops.End = end
		res, err := e.Generate(context.Background(), stops)
		if err != nil || !res.Ended || !slices.Equal(res.Tokens, free.Tokens[:at+1]) {
			t.Errorf("ended %v after %d tokens, want %d: %v", res.Ended, len(res.Tokens), at+1, err)
		}
	})
}

func TestErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		e := open(t, dev, Options{Slots: 1})
		good := scheduled("a", nil, 5)
		runs := func(runs ...system.Run) func(*Request) {
			return func(r *Request) { r.Schedule = func() (system.Schedule, error) { return order.Fixed(runs...), nil } }
		}
		whole := chain(0, 5).Runs(0, 0, 1)[0]
		ragged, far, odd := whole, whole, whole
		ragged.Fixed, far.Targets.At, odd.Group = ragged.Fixed[:4], []int32{0, 1, 2, 3, 100}, 2
		boom := errors.New("boom")
		for name, c := range map[string]struct {
			change func(*Request)
			want   error
		}{
			"too long":    {func(r *Request) { *r = scheduled("a", nil, 101) }, ErrTooLong},
			"ragged":      {runs(ragged), ErrRequest},
			"too far":     {runs(far), ErrTooLong},
			"odd group":   {runs(odd), ErrRequest},
			"empty":       {runs(), ErrRequest},
			"no schedule": {func(r *Request) { r.Schedule = nil }, ErrRequest},
			"many tokens": {func(r *Request) { r.Tokens = make([]uint32, 101) }, ErrTooLong},
			"temperature": {func(r *Request) { r.Temperature = -1 }, ErrRequest},
			"top-p":       {func(r *Request) { r.TopP = 0 }, ErrRequest},
			"min-p":       {func(r *Request) { r.MinP = 2 }, ErrRequest},
			"guidance":    {func(r *Request) { r.Guidance = 2 }, ErrRequest}, // with one slot
			"its own":     {func(r *Request) { r.Schedule = func() (system.Schedule, error) { return nil, boom } }, boom},
		} {
			r := good
			c.change(&r)
			if _, err := e.Generate(context.Background(), r); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := e.Generate(ctx, good); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		e.Close()
		if _, err := e.Generate(context.Background(), good); !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}
