package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// branches is a schedule of n tokens whose first row is the condition. Its fixed id is
// 1, and 2 in the branch without the condition. Scale is that of every target.
func branches(n int, scale []float32) func() (system.Schedule, error) {
	return func() (system.Schedule, error) {
		run := chain(0, n).Runs(0, 0, 1)[0]
		other := run.Rows
		run.Fixed, other.Fixed = slices.Clone(run.Fixed), slices.Clone(run.Fixed)
		run.Fixed[0], other.Fixed[0] = 1, 2
		run.Other, run.Targets.Scale = &other, scale
		return order.Fixed(run), nil
	}
}

// TestGuidanceAtScaleOneIsNone draws with a second branch that counts for nothing, and
// with one that counts.
func TestGuidanceAtScaleOneIsNone(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		e := open(t, dev, Options{Slots: 4})
		draw := func(guidance float32, scale []float32) []uint32 {
			r := Request{ID: "g", Seed: 3, Temperature: 1, TopP: 1, End: -1, Guidance: guidance, Schedule: branches(40, scale)}
			res, err := e.Generate(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			return res.Tokens
		}
		const strong = 500 // a network that has learned nothing hardly heeds its condition
		ones := slices.Repeat([]float32{1}, 40)
		alone := draw(0, nil)
		if got := draw(strong, ones); !slices.Equal(got, alone) {
			t.Errorf("at scale 1 guidance draws %v, without it %v", got, alone)
		}
		if got := draw(1, nil); !slices.Equal(got, alone) {
			t.Errorf("a request for scale 1 draws %v, without guidance %v", got, alone)
		}
		guided := draw(strong, nil)
		if slices.Equal(guided, alone) {
			t.Error("guidance at a large scale changes nothing")
		}
		later := append(slices.Repeat([]float32{strong}, 10), ones[10:]...)
		if got := draw(strong, later); !slices.Equal(got[:10], guided[:10]) || slices.Equal(got, guided) {
			t.Errorf("guidance of the first 10 tokens draws %v, of all %v", got, guided)
		}
	})
}

// three is a schedule as branches makes, with a third branch whose condition is third. The
// scale between the second and the third is more.
func three(n int, third int32, scale, more float32) func() (system.Schedule, error) {
	return func() (system.Schedule, error) {
		s, err := branches(n, nil)()
		if err != nil {
			return nil, err
		}
		run, err := s.Next(nil)
		last := *run.Other
		last.Fixed = slices.Clone(last.Fixed)
		last.Fixed[0] = third
		run.Further, run.Targets.Scale = []*system.Rows{&last}, slices.Repeat([]float32{scale, more}, n)
		return order.Fixed(run), err
	}
}

// TestThreeBranches draws with three branches of guidance. If the last two are equal, tokens
// are those of two branches. Else they are others, and those of a request alone in company of
// requests with three branches, with other third ones, and with none.
func TestThreeBranches(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n, strong = 40, 500
		guided := func(id string, s func() (system.Schedule, error)) Request {
			return Request{ID: id, Seed: 3, Temperature: 1, TopP: 1, End: -1, Guidance: strong, Schedule: s}
		}
		engine := func(branches int, o Options) *Engine {
			sys := config.System()
			sys.Layout.Branches = branches
			e, err := New(dev, sys, nn.File(weights(t, dev)), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(e.Close)
			return e
		}
		two := generate(t, engine(0, Options{Slots: 2}), []Request{guided("g", branches(n, nil))})[0].Tokens
		rs := []Request{
			guided("g", three(n, 2, strong, -strong)), guided("g", three(n, 3, strong, -strong)), guided("g", three(n, 3, strong, 1)),
			{ID: "g", Seed: 3, Temperature: 1, TopP: 1, End: -1, Schedule: three(n, 3, strong, -strong)},
		}
		e := engine(3, Options{Slots: 3})
		var alone [][]uint32
		for _, r := range rs {
			alone = append(alone, generate(t, e, []Request{r})[0].Tokens)
		}
		if !slices.Equal(alone[0], two) {
			t.Errorf("with an equal third branch tokens are %v, with two %v", alone[0], two)
		}
		if slices.Equal(alone[1], two) || slices.Equal(alone[1], alone[2]) {
			t.Error("a third branch changes nothing")
		}
		for _, o := range []Options{{Slots: 10}, {Slots: 7, Pages: 4}} {
			for i, res := range generate(t, engine(3, o), rs) {
				if !slices.Equal(res.Tokens, alone[i]) {
					t.Errorf("%+v: request %d draws otherwise in company", o, i)
				}
			}
		}
		if _, err := e.Generate(context.Background(), guided("g", func() (system.Schedule, error) {
			s, err := three(n, 3, strong, -strong)()
			run, _ := s.Next(nil)
			run.Targets.Scale = run.Targets.Scale[:n]
			return order.Fixed(run), err
		})); !errors.Is(err, ErrRequest) {
			t.Errorf("a scale a target for three branches: %v", err)
		}
		if _, err := engine(3, Options{Slots: 2}).Generate(context.Background(), rs[1]); !errors.Is(err, ErrRequest) {
			t.Errorf("three branches in two slots: %v", err)
		}
	})
}

// mixed are requests of three schedules: plain chains with prompts, guided ones, and
// chains that are read and drawn in groups.
func mixed(n int) (out []Request) {
	for i := range n {
		switch i % 3 {
		case 0:
			out = append(out, request(i))
		case 1:
			out = append(out, Request{ID: fmt.Sprint("b", i), Seed: 5, Temperature: 1, TopP: 1, End: -1, Guidance: 2, Schedule: branches(30+i%7, nil)})
		default:
			out = append(out, Request{ID: fmt.Sprint("g", i), Seed: 5, Temperature: 1, TopP: 1, End: -1, Tokens: make([]uint32, 8), Schedule: groups(8, 32)})
		}
	}
	return out
}

// groups is a schedule that reads some positions and draws others, four at once.
func groups(given, n int) func() (system.Schedule, error) {
	return func() (system.Schedule, error) {
		s := chain(0, n)
		for p := range n {
			s.Inputs[p], s.KVLen[p] = int32(max(p/4*4-1, -1)), int32(p/4*4+4)
		}
		return order.Fixed(s.Runs(0, given, 4)...), nil
	}
}

func generate(t *testing.T, e *Engine, rs []Request) []Result {
	t.Helper()
	out := make([]Result, len(rs))
	var wg sync.WaitGroup
	for i, r := range rs {
		wg.Go(func() {
			var err error
			if out[i], err = e.Generate(context.Background(), r); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return out
}

// TestMixedSchedulesDrawWhatEachDrawsAlone runs 32 requests of three schedules together,
// with pages for all and with so few that some must begin again.
func TestMixedSchedulesDrawWhatEachDrawsAlone(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		rs := mixed(32)
		var alone []Result
		e := open(t, dev, Options{Slots: 2})
		for _, r := range rs {
			alone = append(alone, generate(t, e, []Request{r})...)
		}
		for _, o := range []Options{{Slots: 48}, {Slots: 48, Pages: 5}} {
			e := open(t, dev, o)
			for i, got := range generate(t, e, rs) {
				if !slices.Equal(got.Tokens, alone[i].Tokens) {
					t.Errorf("%+v: request %s draws other tokens in company", o, rs[i].ID)
				}
			}
			if s := e.Stats(); (o.Pages > 0) != (s.Preempted > 0) {
				t.Errorf("%+v: %d requests began again", o, s.Preempted)
			}
		}
	})
}

// TestCacheOfTooFewPagesIsAnError asks for guidance where the cache holds one branch.
func TestCacheOfTooFewPagesIsAnError(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	e, err := New(dev, config.System(), nn.File(weights(t, dev)), Options{Slots: 2, Pages: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r := Request{ID: "g", Temperature: 1, TopP: 1, End: -1, Guidance: 2, Schedule: branches(8, nil)}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := e.Generate(ctx, r); err == nil || ctx.Err() != nil {
		t.Errorf("one page for two branches: %v", err)
	}
}

// TestPiecesOfAPromptChangeNothing reads prompts shorter and longer than the context in
// pieces, and row by row.
func TestPiecesOfAPromptChangeNothing(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		e := open(t, dev, Options{Slots: 2})
		for _, given := range []int{5, config.Context - 1, config.Context, config.Context + 1, 70} {
			tokens := make([]uint32, given)
			for i := range tokens {
				tokens[i] = uint32(i*i) % 16
			}
			for _, pinned := range []int{0, 3} {
				whole := scheduled("p", tokens, given+20)
				whole.Sinks = pinned
				rows := whole
				rows.Schedule = func() (system.Schedule, error) {
					var runs []system.Run
					for p := range given {
						runs = append(runs, chain(p, p+1).Runs(p, 1, 1)...)
					}
					return order.Fixed(append(runs, chain(given, given+20).Runs(given, 0, 1)...)...), nil
				}
				got := generate(t, e, []Request{whole, rows})
				if !slices.Equal(got[0].Tokens, got[1].Tokens) {
					t.Errorf("a prompt of %d rows, %d sinks: in pieces %v, row by row %v", given, pinned, got[0].Tokens[given:], got[1].Tokens[given:])
				}
			}
		}
	})
}

// TestCloseWaitsForNobody closes an engine while a request draws and another waits for
// its slot.
func TestCloseWaitsForNobody(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	e, err := New(dev, config.System(), nn.File(weights(t, dev)), Options{Slots: 1, Steps: 1})
	if err != nil {
		t.Fatal(err)
	}
	long := func(id string) Request {
		r := scheduled(id, nil, 100)
		r.Schedule = func() (system.Schedule, error) { // which never ends by itself
			return order.Grow(func([]uint32) ([]system.Run, error) {
				return chain(0, 100).Runs(0, 0, 1), nil
			}), nil
		}
		return r
	}
	errs := make(chan error, 2)
	for _, id := range []string{"a", "b"} {
		go func() {
			_, err := e.Generate(context.Background(), long(id))
			errs <- err
		}()
	}
	for e.Stats().Submits < 5 { // until the second waits for a slot
		time.Sleep(10 * time.Millisecond)
	}
	closed := make(chan bool)
	go func() { e.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Fatal("Close waits for a request that does not end")
	}
	for range 2 {
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Errorf("a request of a closed engine: %v", err)
		}
	}
}
