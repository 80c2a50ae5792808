package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// count scores tokens by how many of them are one token.
func count(token uint32) func([]uint32) float64 {
	return func(tokens []uint32) (n float64) {
		for _, x := range tokens {
			if x == token {
				n++
			}
		}
		return n
	}
}

// searching is a request for a search, behind some given tokens.
func searching(id string, given, n int, s *Search) Request {
	r := variants(1, given, n-given)[0]
	r.ID, r.Search = id, s
	return r
}

// byHand searches with plain requests: each goes on behind given tokens with the random
// stream of a hypothesis.
func byHand(t *testing.T, e *Engine, r Request, n int) ([]uint32, float64) {
	t.Helper()
	s := r.Search
	beams := make([][]uint32, s.Width)
	for i := range beams {
		beams[i] = r.Tokens
	}
	for at := len(r.Tokens); at < n; {
		to := min(at+s.Every, n)
		for i := range beams {
			part := scheduled(r.ID, beams[i], to)
			if i > 0 {
				part.ID = fmt.Sprintf("%s\x00hypothesis %d", r.ID, i)
			}
			beams[i] = generate(t, e, []Request{part})[0].Tokens
		}
		ranked := make([]int, s.Width)
		for i := range ranked {
			ranked[i] = i
		}
		slices.SortStableFunc(ranked, func(a, b int) int { return int(s.Score(beams[b]) - s.Score(beams[a])) })
		if at = to; at == n {
			best := beams[ranked[0]]
			return best, s.Score(best)
		}
		for i, b := range ranked[s.Keep:] {
			beams[b] = beams[ranked[i%s.Keep]]
		}
	}
	return r.Tokens, 0
}

// TestSearchFindsWhatAPlainEngineFinds holds searches to the same search by plain requests:
// within a page, from page to page, and behind the context.
func TestSearchFindsWhatAPlainEngineFinds(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		plain := openWide(t, dev, Options{Slots: 1, Apart: true})
		e := openWide(t, dev, Options{Slots: 5})
		for i, c := range []struct{ given, n, width, keep, every int }{
			{3, 30, 4, 2, 5}, {60, 90, 3, 1, 7}, {126, 140, 5, 3, 2}, {190, 230, 4, 2, 9}, {0, 20, 4, 4, 3},
		} {
			r := searching(fmt.Sprint("s", i), c.given, c.n, &Search{Width: c.width, Keep: c.keep, Every: c.every, Score: count(uint32(i))})
			want, score := byHand(t, plain, r, c.n)
			got := generate(t, e, []Request{r})[0]
			if !slices.Equal(got.Tokens, want) || got.Score != score {
				t.Errorf("%+v: score %g, by hand %g\n%v\n%v", c, got.Score, score, got.Tokens[c.given:], want[c.given:])
			}
			if steps := c.width * (c.n - c.given); got.Steps != steps || got.Sampled != c.n-c.given {
				t.Errorf("%+v: %d steps and %d tokens, want %d and %d", c, got.Steps, got.Sampled, steps, c.n-c.given)
			}
		}
		if s := e.Stats(); s.Pages != 0 || s.Requests != 5 {
			t.Errorf("%+v", s)
		}
	})
}

// searches are searches of several schedules with plain requests between.
func searches() (out []Request) {
	for i := range 3 {
		s := &Search{Width: 3, Keep: 1 + i%2, Every: 4 + i, Score: count(uint32(i))}
		out = append(out, searching(fmt.Sprint("s", i), 50, 100, s), request(i))
		guided := searching(fmt.Sprint("b", i), 50, 80, s)
		guided.Guidance, guided.Schedule = 2, prompted(50, 80)
		grouped := searching(fmt.Sprint("g", i), 8, 40, s)
		grouped.Schedule = groups(8, 40)
		grown := searching(fmt.Sprint("w", i), 4, 60, s)
		grown.Schedule = growing
		out = append(out, guided, grouped, grown)
	}
	return out
}

// growing is a schedule whose runs depend on the tokens before: their number on the last.
func growing() (system.Schedule, error) {
	return order.Grow(func(tokens []uint32) ([]system.Run, error) {
		at := len(tokens)
		if at >= 60 {
			return nil, nil
		}
		return chain(at, min(at+1+int(tokens[at-1]), 60)).Runs(at, 0, 1), nil
	}, chain(0, 8).Runs(0, 4, 1)...), nil
}

// TestSearchesDoNotDependOnTheCompany runs searches alone, together, and with few pages.
func TestSearchesDoNotDependOnTheCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		rs := searches()
		var want []Result
		alone := openWide(t, dev, Options{Slots: 6, Steps: 2, Apart: true})
		for _, r := range rs {
			want = append(want, generate(t, alone, []Request{r})...)
		}
		for _, pages := range []int{0, 12} {
			e := openWide(t, dev, Options{Slots: 40, Pages: pages})
			for i, got := range together(t, e, rs) {
				if !slices.Equal(got.Tokens, want[i].Tokens) || got.Score != want[i].Score || got.Steps != want[i].Steps {
					t.Errorf("%d pages: %s differs from alone", pages, rs[i].ID)
				}
			}
			if s := e.Stats(); s.Pages != 0 || (pages > 0) != (s.Preempted > 0) {
				t.Errorf("%d pages: %+v", pages, s)
			}
		}
	})
}

// scattered is a schedule of n positions, which it draws far from each other. A row is fed
// the token that was drawn last.
func scattered(at []int32) func() (system.Schedule, error) {
	return func() (system.Schedule, error) {
		run := chain(0, len(at)).Runs(0, 0, 1)[0]
		run.Targets.At, run.Inputs = at, append([]int32{-1}, at[:len(at)-1]...)
		return order.Fixed(run), nil
	}
}

// poison fills what slots hold of earlier requests: canvases with tokens, caches with NaN.
func poison(t *testing.T, d *Decoder, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	for slot := range d.Slots() {
		tokens := make([]uint32, d.sys.Layout.Length)
		for i := range tokens {
			tokens[i] = uint32(r.IntN(16))
		}
		if err := d.SetTokens(slot, 0, tokens); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range d.caches {
		for _, x := range []*gpu.Tensor{c.K, c.V} {
			if err := x.WriteBytes(bytes.Repeat([]byte{0xff}, int(x.SizeBytes()))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSearchSeesNothingOfEarlierRequests searches where positions are drawn out of order, in
// slots that hold other things each time. A position without a token must be 0.
func TestSearchSeesNothingOfEarlierRequests(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const width, every = 3, 5
		at := make([]int32, 40)
		for i := range at {
			at[i] = int32((7*i + 3) % len(at))
		}
		e := openWide(t, dev, Options{Slots: 2 * width})
		for _, guidance := range []float32{0, 2} {
			var want Result
			for round := range uint64(8) {
				poison(t, e.dec, round)
				compared, stale := 0, 0
				r := searching("a", 0, len(at), &Search{Width: width, Keep: 1, Every: every, Score: func(tokens []uint32) (sum float64) {
					for i, x := range tokens {
						if x != 0 && slices.Index(at, int32(i)) >= every*(1+compared/width) {
							stale++
						}
						sum += float64(x)
					}
					compared++
					return sum
				}})
				r.Guidance, r.Schedule = guidance, scattered(at)
				got := generate(t, e, []Request{r})[0]
				if round == 0 {
					want = got
				}
				if stale > 0 || compared < width*len(at)/every || got.Score != want.Score || !slices.Equal(got.Tokens, want.Tokens) {
					t.Errorf("guidance %g, round %d: %d tokens of other requests in %d comparisons; score %g, at first %g", guidance, round, stale, compared, got.Score, want.Score)
				}
			}
		}
	})
}

// TestSearchOfOneIsNone searches among one hypothesis.
func TestSearchOfOneIsNone(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	e := openWide(t, dev, Options{Slots: 2})
	plain := searching("a", 10, 60, nil)
	one := searching("a", 10, 60, &Search{Width: 1, Keep: 1, Every: 7, Score: count(2)})
	want, got := generate(t, e, []Request{plain})[0], generate(t, e, []Request{one})[0]
	if !slices.Equal(got.Tokens, want.Tokens) || got.Steps != want.Steps || got.Score != count(2)(want.Tokens) {
		t.Errorf("%v, without search %v; steps %d and %d", got.Tokens, want.Tokens, got.Steps, want.Steps)
	}
}

// TestSearchBeatsSamplesOfAsManySteps compares searches with the best of as many samples.
func TestSearchBeatsSamplesOfAsManySteps(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		e := openWide(t, dev, Options{Slots: 8})
		const trials = 24
		found, sampled, better := 0., 0., 0
		for i := range trials {
			run := func(keep int) Result {
				return generate(t, e, []Request{searching(fmt.Sprint(i), 1, 49, &Search{Width: 8, Keep: keep, Every: 4, Score: count(5)})})[0]
			}
			a, b := run(2), run(8) // keeping all is best of 8
			if a.Steps != b.Steps || a.Score != count(5)(a.Tokens) {
				t.Fatalf("%d steps, without search %d; score %g of %v", a.Steps, b.Steps, a.Score, a.Tokens)
			}
			found, sampled = found+a.Score, sampled+b.Score
			if a.Score > b.Score {
				better++
			}
		}
		t.Logf("of 48 tokens %.1f are the wanted one, of the best sample's %.1f; better in %d of %d", found/trials, sampled/trials, better, trials)
		if found < 1.3*sampled || better < trials*2/3 {
			t.Errorf("searches find %g, samples %g, better in %d of %d", found, sampled, better, trials)
		}
	})
}

// TestHundredSearchesGiveEverythingBack counts pages and slots, also behind searches that
// end early or are cancelled in the middle.
func TestHundredSearchesGiveEverythingBack(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	e := openWide(t, dev, Options{Slots: 8, Pages: 20})
	for i := range 100 {
		ctx, cancel := context.WithCancel(context.Background())
		compared := 0
		score := func(tokens []uint32) float64 {
			if compared++; i%4 == 0 && compared > 3 {
				cancel()
			}
			return count(1)(tokens)
		}
		r := searching(fmt.Sprint(i), 1+i, 10+i, &Search{Width: 2 + i%3, Keep: 1, Every: 2, Score: score})
		if i%4 == 1 {
			r.Guidance, r.Schedule = 2, prompted(1+i, 10+i)
		}
		if i%4 == 2 {
			r.End = 3
		}
		res, err := e.Generate(ctx, r)
		if cancel(); i%4 == 0 != errors.Is(err, context.Canceled) || i%4 > 0 && err != nil {
			t.Fatalf("search %d: %v", i, err)
		}
		if i%4 == 2 && res.Ended != (res.Tokens[len(res.Tokens)-1] == 3) {
			t.Errorf("search %d: ended %v with %v", i, res.Ended, res.Tokens[1+i:])
		}
		if s := e.Stats(); s.Pages != 0 {
			t.Fatalf("after search %d: %d pages are still lent", i, s.Pages)
		}
	}
	e.Close()
	if n := len(e.sched.free); n != 8 || len(e.sched.active) != 0 {
		t.Errorf("%d slots are free, %d jobs active", n, len(e.sched.active))
	}
}

// TestSearchErrors asks for what makes no sense, and for what fails on the way.
func TestSearchErrors(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	e := openWide(t, dev, Options{Slots: 4, Pages: 4})
	good := Search{Width: 4, Keep: 2, Every: 3, Score: count(1)}
	for name, change := range map[string]func(*Search){
		"none":     func(s *Search) { s.Width = 0 },
		"no score": func(s *Search) { s.Score = nil },
		"keep 0":   func(s *Search) { s.Keep = 0 },
		"keep 5":   func(s *Search) { s.Keep = 5 },
		"every 0":  func(s *Search) { s.Every = 0 },
		"slots":    func(s *Search) { s.Width = 5 },
		"overflow": func(s *Search) { s.Width = math.MaxInt },
	} {
		s := good
		change(&s)
		if _, err := e.Generate(context.Background(), searching("a", 1, 20, &s)); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := searching("long", 1, 150, &good)
	if _, err := e.Generate(context.Background(), r); !errors.Is(err, ErrTooLong) {
		t.Errorf("a search that its cache cannot hold: %v", err)
	}
	boom, asked := errors.New("boom"), 0
	r = searching("a", 1, 20, &good)
	begin := r.Schedule
	r.Schedule = func() (system.Schedule, error) {
		if asked++; asked == 3 || asked == 10 { // the third hypothesis, and later a fork
			return nil, boom
		}
		return begin()
	}
	for range 2 {
		if _, err := e.Generate(context.Background(), r); !errors.Is(err, boom) {
			t.Errorf("an error of the schedule came out as %v", err)
		}
	}
	if res, err := e.Generate(context.Background(), searching("a", 1, 20, &good)); err != nil || len(res.Tokens) != 20 || e.Stats().Pages != 0 {
		t.Errorf("behind errors: %v, %+v", err, e.Stats())
	}
	nan := good
	nan.Score = func(tokens []uint32) float64 {
		if count(1)(tokens) == 0 {
			return math.NaN()
		}
		return 1
	}
	if res, err := e.Generate(context.Background(), searching("nan", 1, 40, &nan)); err != nil || res.Score != 1 {
		t.Errorf("scores that are not numbers: %g, %v", res.Score, err)
	}
}

// TestOthersGoOnWhileASearchScores has a verifier that asks the engine itself for samples, and
// one during which the engine closes.
func TestOthersGoOnWhileASearchScores(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	search := Search{Width: 2, Keep: 1, Every: 9, Score: count(1)}
	want := generate(t, openWide(t, dev, Options{Slots: 2}), []Request{searching("s", 50, 100, &search)})[0]
	e := openWide(t, dev, Options{Slots: 3})
	asks, asked := search, 0
	asks.Score = func(tokens []uint32) float64 {
		asked++
		if res, err := e.Generate(context.Background(), scheduled(fmt.Sprint(asked), nil, 20)); err != nil || res.Sampled != 20 {
			t.Errorf("a request of the verifier: %d tokens, %v", res.Sampled, err)
		}
		return count(1)(tokens)
	}
	got := generate(t, e, []Request{searching("s", 50, 100, &asks)})[0]
	if !slices.Equal(got.Tokens, want.Tokens) || got.Score != want.Score || got.Steps != want.Steps || asked < 10 {
		t.Errorf("score %g in %d steps, want %g in %d; %d samples asked for", got.Score, got.Steps, want.Score, want.Steps, asked)
	}
	e = openWide(t, dev, Options{Slots: 2})
	last := search
	last.Score = func([]uint32) float64 { e.Close(); return 0 }
	if _, err := e.Generate(context.Background(), searching("s", 50, 100, &last)); !errors.Is(err, ErrClosed) {
		t.Errorf("a search whose engine closes as it scores: %v", err)
	}
}
