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

// wide is the configuration with a context of several pages.
func wide() *system.System {
	c := config
	c.Context, c.Length = 200, 400
	return c.System()
}

func openWide(t *testing.T, dev *gpu.Device, o Options) *Engine {
	t.Helper()
	e, err := New(dev, wide(), nn.File(weights(t, dev)), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// variants are n requests of one prompt.
func variants(n, given, more int) (out []Request) {
	tokens := make([]uint32, given)
	for i := range tokens {
		tokens[i] = uint32(i*i+i/3) % 16
	}
	for i := range n {
		out = append(out, scheduled(fmt.Sprint("v", i), tokens, given+more))
	}
	return out
}

// TestVariantsShareTheirPrompt draws variants of prompts that end inside a page, at its end,
// and behind the context, together and one by one.
func TestVariantsShareTheirPrompt(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const n = 6
		for _, cache := range []nn.Precision{nn.F16, nn.F32} {
			apart := openWide(t, dev, Options{Slots: n, Steps: 3, Cache: cache, Apart: true})
			shared := openWide(t, dev, Options{Slots: n, Steps: 3, Cache: cache})
			for _, given := range []int{63, 64, 100, 128, 190, 200, 290} {
				rs := variants(n, given, 40)
				before, was := shared.Stats(), apart.Stats()
				want, got := generate(t, apart, rs), generate(t, shared, rs)
				for i := range rs {
					if !slices.Equal(got[i].Tokens, want[i].Tokens) {
						t.Errorf("%s: a prompt of %d rows: variant %d draws other tokens than alone", cache, given, i)
					}
				}
				if s := shared.Stats(); (s.Shared-before.Shared >= int64(given)) != (given >= leastShared) || s.Pages != 0 {
					t.Errorf("a prompt of %d rows: %d shared, %d pages are still lent", given, s.Shared-before.Shared, s.Pages)
				}
				if s := apart.Stats(); s.Shared != was.Shared || s.Pages != 0 {
					t.Errorf("apart: %d rows shared, %d pages are still lent", s.Shared, s.Pages)
				}
			}
		}
	})
}

// TestVariantsTakeFewerPages counts the pages of eight variants: the prompt's full pages
// once, and one of its own for each.
func TestVariantsTakeFewerPages(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	const n = 8
	for _, c := range []struct {
		apart bool
		want  int
	}{{true, n * 3}, {false, 2 + n}} {
		e := openWide(t, dev, Options{Slots: n, Steps: 1, Apart: c.apart})
		together(t, e, variants(n, 150, 20))
		if s := e.Stats(); s.MostPages != c.want || !c.apart && s.Shared != (n-1)*150 {
			t.Errorf("apart %v: at most %d pages, want %d; %d rows shared", c.apart, s.MostPages, c.want, s.Shared)
		}
	}
}

// together runs requests that are all in the queue before the first reads a row: its
// schedule waits for the others.
func together(t *testing.T, e *Engine, rs []Request) []Result {
	t.Helper()
	rs = slices.Clone(rs)
	first, begun, asked := rs[0].Schedule, make(chan bool), false
	rs[0].Schedule = func() (system.Schedule, error) {
		if !asked { // and not when it begins again
			asked = true
			close(begun)
			for len(e.queue) < len(rs)-1 {
				time.Sleep(time.Millisecond)
			}
		}
		return first()
	}
	out, errs := make([]Result, len(rs)), make([]error, len(rs))
	var wg sync.WaitGroup
	for i := range rs {
		wg.Go(func() { out[i], errs[i] = e.Generate(context.Background(), rs[i]) })
		if i == 0 {
			<-begun
		}
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestALateVariantSharesToo joins a request while another with its prompt draws.
func TestALateVariantSharesToo(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	e := openWide(t, dev, Options{Slots: 2, Steps: 1})
	rs := variants(2, 100, 60)
	want := generate(t, openWide(t, dev, Options{Slots: 1}), rs)
	begun := e.Stats().Submits
	var first Result
	done := make(chan error)
	go func() {
		var err error
		first, err = e.Generate(context.Background(), rs[0])
		done <- err
	}()
	for e.Stats().Submits < begun+10 {
		time.Sleep(time.Millisecond)
	}
	second := generate(t, e, rs[1:])
	if err := <-done; err != nil || !slices.Equal(first.Tokens, want[0].Tokens) || !slices.Equal(second[0].Tokens, want[1].Tokens) {
		t.Errorf("they draw other tokens than alone: %v", err)
	}
	if s := e.Stats(); s.Shared != 100 {
		t.Errorf("%d rows shared, want 100", s.Shared)
	}
}

// TestOtherPromptsAreNotShared runs prompts that differ in a token, in their sink rows,
// and in guidance.
func TestOtherPromptsAreNotShared(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	e := openWide(t, dev, Options{Slots: 8})
	rs := variants(4, 90, 10)
	rs[1].Tokens = slices.Clone(rs[1].Tokens)
	rs[1].Tokens[89] ^= 1
	rs[2].Sinks = 2
	rs[3].Guidance = 2
	got := generate(t, e, rs)
	if s := e.Stats(); s.Shared != 0 {
		t.Errorf("%d rows shared", s.Shared)
	}
	want := generate(t, openWide(t, dev, Options{Slots: 2, Apart: true}), rs)
	for i := range rs {
		if !slices.Equal(got[i].Tokens, want[i].Tokens) {
			t.Errorf("request %d differs", i)
		}
	}
}

// prompted is a guided schedule whose branches read prompts of their own.
func prompted(given, n int) func() (system.Schedule, error) {
	return func() (system.Schedule, error) {
		runs := chain(0, n).Runs(0, given, 1)
		other := runs[0].Rows
		other.Fixed = slices.Clone(other.Fixed)
		for i := range other.Fixed {
			other.Fixed[i] = int32(i+3) % 10
		}
		runs[0].Other = &other
		return order.Fixed(runs...), nil
	}
}

// TestVariantsInShortCaches draws guided variants with so few pages that some begin again.
func TestVariantsInShortCaches(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		rs := variants(6, 100, 50)
		for i := range rs {
			rs[i].Guidance, rs[i].Schedule = 1.5+float32(i), prompted(100, 150)
		}
		want := generate(t, openWide(t, dev, Options{Slots: 2, Apart: true}), rs)
		for _, pages := range []int{6, 8, 0} {
			e := openWide(t, dev, Options{Slots: 12, Steps: 4, Pages: pages})
			for i, got := range together(t, e, rs) {
				if !slices.Equal(got.Tokens, want[i].Tokens) {
					t.Errorf("%d pages: variant %d differs from alone", pages, i)
				}
			}
			if s := e.Stats(); s.Pages != 0 || s.Shared == 0 || (pages > 0) != (s.Preempted > 0) {
				t.Errorf("%d pages: %+v", pages, s)
			}
		}
	})
}

// TestLeadersLeave cancels the request that reads a prompt for others, in its middle.
func TestLeadersLeave(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	rs := variants(4, 190, 30)
	want := generate(t, openWide(t, dev, Options{Slots: 1}), rs)
	e := openWide(t, dev, Options{Slots: 4})
	ctx, cancel := context.WithCancel(context.Background())
	runs := chain(0, 220).Runs(0, 190, 1)
	begun, asked := make(chan bool), false
	rs[0].Schedule = func() (system.Schedule, error) {
		if !asked {
			asked = true
			close(begun)
			for len(e.queue) < 3 {
				time.Sleep(time.Millisecond)
			}
		}
		return order.Fixed(runs...), nil
	}
	last := rs[3].Schedule
	rs[3].Schedule = func() (system.Schedule, error) { cancel(); return last() } // all follow now
	gone := make(chan error)
	go func() { _, err := e.Generate(ctx, rs[0]); gone <- err }()
	<-begun
	out := make([]Result, 4)
	errs := make(chan error, 3)
	for i := 1; i < 4; i++ {
		go func() {
			var err error
			out[i], err = e.Generate(context.Background(), rs[i])
			errs <- err
		}()
	}
	for i := 1; i < 4; i++ {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the leader: %v", err)
	}
	for i := 1; i < 4; i++ {
		if !slices.Equal(out[i].Tokens, want[i].Tokens) {
			t.Errorf("variant %d differs from alone", i)
		}
	}
	if s := e.Stats(); s.Pages != 0 || s.Shared != 2*190 {
		t.Errorf("%d pages lent, %d rows shared, want 0 and %d", s.Pages, s.Shared, 2*190)
	}
}

// TestDraftsShareToo draws variants with a draft of another size.
func TestDraftsShareToo(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	w := nn.File(weights(t, dev))
	rs := variants(4, 100, 40)
	want := generate(t, openWide(t, dev, Options{Slots: 1}), rs)
	e := openWide(t, dev, Options{Slots: 4, Draft: &Draft{System: wide(), Weights: w, Ahead: 4}})
	for i, got := range together(t, e, rs) {
		if !slices.Equal(got.Tokens, want[i].Tokens) {
			t.Errorf("variant %d differs", i)
		}
	}
	if s := e.Stats(); s.Shared != 300 || s.Kept != s.Checked*4 {
		t.Errorf("shared %d, checked %d, kept %d: the draft is the system itself", s.Shared, s.Checked, s.Kept)
	}
	if n := e.draft.lent(); n != 0 {
		t.Errorf("%d pages of the draft are still lent", n)
	}
}
