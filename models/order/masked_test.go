package order

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

// maskedRuns returns the runs of a schedule.
func maskedRuns(t *testing.T, m Masked, seed uint32) (out []system.Run) {
	t.Helper()
	s, err := m.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	s.(system.Seeded).Seed(func(i uint32) uint32 { return (i + seed) * 2654435761 })
	for {
		r, err := s.Next(nil)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
}

// TestMasked checks the published counts: as many sets as steps, each position once, and
// two runs a set. Every run sees itself whole.
func TestMasked(t *testing.T) {
	for _, c := range []struct{ n, steps, sets int }{{256, 64, 64}, {256, 256, 256}, {256, 300, 256}, {1, 5, 1}, {16, 5, 5}, {256, 1, 1}} {
		m := Masked{
			N: c.n, Steps: c.steps, Class: []int32{4, 4}, OtherClass: []int32{9, 9}, Known: 10, Places: 11, Fill: 1, Stage: 1,
			Scale: func(left int) float32 { return float32(left) }, Passes: func(step int) (lo, hi int32) { return int32(step), int32(step) + 3 },
		}
		runs := maskedRuns(t, m, 1)
		if len(runs) != 2*c.sets {
			t.Fatalf("%+v: %d runs", c, len(runs))
		}
		known := map[int32]bool{}
		for i := 0; i < len(runs); i += 2 {
			read, fill := runs[i], runs[i+1]
			if read.N != 2+len(known) || read.GroupTargets != 0 || fill.N != 2+c.n || read.Steps() != 1 || fill.Steps() != 1 || fill.Stage != 1 {
				t.Fatalf("%+v: set %d reads %d rows and fills %d", c, i/2, read.N, fill.N)
			}
			for j := range read.N {
				at := read.Inputs[j]
				if j < 2 != (at == system.Nothing) || j >= 2 && (!known[at] || read.Keep[j] != at+2 || read.Fixed[2*j+1] != 11+2+at) || read.KVLen[j] != int32(read.N) || read.Slot[j] != int32(j) {
					t.Fatalf("%+v: set %d: row %d is fed %d and kept at %d", c, i/2, j, at, read.Keep[j])
				}
			}
			if read.Other.Fixed[0] != 9 || read.Fixed[0] != 4 || fill.Other != nil {
				t.Fatalf("%+v: the branches are %v and %v", c, read.Fixed[:2], read.Other.Fixed[:2])
			}
			for j := range fill.N {
				p := int32(j) - 2
				open := p >= 0 && !known[p]
				if open != (fill.Recall[j] == -1) || open != (fill.Fixed[2*j] == 0) || fill.Fixed[2*j+1] != 1+int32(j) || p >= 0 && fill.Axes[j] != p {
					t.Fatalf("%+v: set %d: row %d starts from %d", c, i/2, j, fill.Recall[j])
				}
			}
			if !slices.IsSorted(fill.Targets.At) {
				t.Errorf("%+v: set %d is not in raster order", c, i/2)
			}
			for j, at := range fill.Targets.At {
				if known[at] || fill.Targets.From[j] != at+2 {
					t.Fatalf("%+v: set %d predicts %d from row %d", c, i/2, at, fill.Targets.From[j])
				}
				known[at] = true
			}
			if got := int(fill.Targets.Scale[0]); got != c.n-len(known) {
				t.Errorf("%+v: set %d leaves %d, want %d", c, i/2, got, c.n-len(known))
			}
		}
		if len(known) != c.n {
			t.Errorf("%+v: %d positions are predicted", c, len(known))
		}
	}
}

// TestMaskedSizes holds the sizes of sets to the cosine: few at first, many at the end.
func TestMaskedSizes(t *testing.T) {
	m := Masked{N: 256, Steps: 64, Class: []int32{0}, OtherClass: []int32{0}, Passes: func(int) (int32, int32) { return 0, 1 }}
	var sizes []int
	for _, r := range maskedRuns(t, m, 1) {
		if r.GroupTargets > 0 {
			sizes = append(sizes, r.GroupTargets)
		}
	}
	if first, last := sizes[:4], sizes[60:]; !slices.Equal(first, []int{1, 1, 1, 1}) || slices.Min(last) < 6 || slices.Max(sizes) > 7 {
		t.Errorf("sets of %v at first and %v in the end", first, last)
	}
}

// TestShuffle checks that every order of three is as likely, and that a request's words
// decide it.
func TestShuffle(t *testing.T) {
	counts := map[[3]int32]int{}
	x := uint32(1)
	for range 6000 {
		o := Shuffle(3, func(uint32) uint32 { x ^= x << 13; x ^= x >> 17; x ^= x << 5; return x })
		counts[[3]int32(o)]++
	}
	for o, n := range counts { // a deviation is 29
		if n < 850 || n > 1150 {
			t.Errorf("%v comes %d times of 6000", o, n)
		}
	}
	if len(counts) != 6 {
		t.Errorf("%d orders of three", len(counts))
	}
}

// TestRewrites predicts some sets once more, behind the others and with all of them known.
func TestRewrites(t *testing.T) {
	for _, once := range []bool{false, true} {
		each := 2 // runs of a set
		if once {
			each = 1
		}
		m := Masked{N: 16, Steps: 5, Class: []int32{4}, OtherClass: []int32{9}, Once: once}
		plain := maskedRuns(t, m, 1)
		m.Rewrites = 2
		runs := maskedRuns(t, m, 1)
		if len(plain) != 5*each || len(runs) != 7*each {
			t.Fatalf("%d and %d runs", len(plain), len(runs))
		}
		for i := range 2 {
			first, again := runs[(i+1)*each-1].Targets, runs[(5+i+1)*each-1]
			if !slices.Equal(first.At, again.Targets.At) {
				t.Errorf("rewrite %d is of %v, want %v", i, again.Targets.At, first.At)
			}
			fed := 0
			for _, p := range runs[(5+i)*each].Inputs {
				if p >= 0 {
					fed++
				}
				if slices.Contains(again.Targets.At, p) {
					t.Errorf("rewrite %d is fed position %d, which it predicts", i, p)
				}
			}
			if fed != 16-len(first.At) {
				t.Errorf("rewrite %d knows %d tokens, want %d", i, fed, 16-len(first.At))
			}
		}
		m.Rewrites = 99 // at most all
		if n := len(maskedRuns(t, m, 1)); n != 10*each {
			t.Errorf("%d runs", n)
		}
	}
}

// TestMaskedAhead joins sets that a draft predicts. The first are alone. Each position keeps
// the passes and the scale of the set that it is of.
func TestMaskedAhead(t *testing.T) {
	m := Masked{
		N: 256, Steps: 64, Class: []int32{4}, OtherClass: []int32{9}, Known: 10, Places: 11, Fill: 1, Stage: 1,
		Scale: func(left int) float32 { return float32(left) }, Passes: func(step int) (lo, hi int32) { return int32(step), int32(step) + 3 },
	}
	alone := map[int32]system.Targets{} // by position
	for _, r := range maskedRuns(t, m, 1) {
		for i, at := range r.Targets.At {
			alone[at] = system.Targets{From: r.Targets.From[i : i+1], Scale: r.Targets.Scale[i : i+1], Passes: r.Targets.Passes[2*i : 2*i+2]}
		}
	}
	for _, once := range []bool{false, true} {
		m.Ahead, m.Once = 8, once
		var sizes, seen []int
		for _, r := range maskedRuns(t, m, 1) {
			if r.GroupTargets == 0 {
				continue
			}
			sets := map[int32]bool{}
			for i, at := range r.Targets.At {
				want, lo := alone[at], r.Targets.Passes[2*i]
				sets[lo] = true
				if r.Targets.From[i] != want.From[0] || r.Targets.Scale[i] != want.Scale[0] || !slices.Equal(r.Targets.Passes[2*i:2*i+2], want.Passes) {
					t.Fatalf("position %d: row %d, scale %g, passes from %d; alone %+v", at, r.Targets.From[i], r.Targets.Scale[i], lo, want)
				}
				seen = append(seen, int(at))
			}
			if r.Drafted != (len(sets) > 1) {
				t.Errorf("a run of %d sets says drafted: %v", len(sets), r.Drafted)
			}
			sizes = append(sizes, len(sets))
		}
		// Ten sets of 64 are not more than 15%.
		if want := append(slices.Repeat([]int{1}, 10), 8, 8, 8, 8, 8, 8, 6); !slices.Equal(sizes, want) {
			t.Errorf("sets of the runs: %v, want %v", sizes, want)
		}
		slices.Sort(seen)
		if len(seen) != 256 || seen[0] != 0 || len(slices.Compact(seen)) != 256 {
			t.Errorf("%d positions, not each once", len(seen))
		}
	}
}

// TestMaskedSparse chooses keys once, behind a fifth of the steps.
func TestMaskedSparse(t *testing.T) {
	m := Masked{N: 256, Steps: 64, Class: []int32{4}, OtherClass: []int32{9}, Known: 10, Places: 11, Fill: 1, Stage: 1, Sparse: true, Whole: 0.2, Rewrites: 2}
	counts := map[system.Pattern]int{}
	for _, r := range maskedRuns(t, m, 1) {
		if r.GroupTargets > 0 {
			counts[r.Pattern]++
		} else if r.Pattern != system.Full {
			t.Errorf("reading has pattern %d", r.Pattern)
		}
	}
	if counts[system.Full] != 13 || counts[system.Chooses] != 1 || counts[system.Chosen] != 52 {
		t.Errorf("runs by pattern: %v", counts)
	}
}
