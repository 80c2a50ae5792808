package order

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

// TestFrames walks a clip of NOVA's size at 480 by 768 pixels: 9 frames of 1440 tokens, in
// 63 sets for 64 steps and 126 for 128. Each row starts from what was kept before, and is
// input tokens that are known.
func TestFrames(t *testing.T) {
	for _, c := range []struct {
		frames      Frames
		sets, drawn int
	}{
		{Frames{T: 9, H: 30, W: 48, Steps: 64, Block: 2, Prefix: 258, Times: true}, 63, 9},
		{Frames{T: 2, H: 30, W: 48, Steps: 128, Block: 2, Prefix: 258, Times: true}, 126, 2},
		{Frames{T: 3, H: 4, W: 6, Steps: 4, Block: 2, Prefix: 7, First: true, Axes: true, Known: 1}, 4, 2},
	} {
		f := c.frames
		f.Stages, f.Passes = [4]int{5, 6, 7, 8}, func(int) (int32, int32) { return 0, 1 }
		f.Start, f.Read, f.Token, f.Unknown, f.ReadPlaces, f.TokenPlaces = 0, 1, 2, 3, 4, 4+int32(f.H*f.W/4)
		s, err := f.Schedule()
		if err != nil {
			t.Fatal(err)
		}
		w := newClipWalk(t, f)
		for {
			r, err := s.Next(nil)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			w.run(r)
		}
		if w.sets != c.sets*c.drawn || w.frames != f.T {
			t.Errorf("%d frames in %d sets, want %d in %d", w.frames, w.sets, f.T, c.sets*c.drawn)
		}
		for p := range f.T * f.H * f.W {
			if !w.known[int32(p)] {
				t.Fatalf("position %d was not predicted", p)
			}
		}
	}
}

// clipWalk checks a schedule's runs one by one.
type clipWalk struct {
	t            *testing.T
	f            Frames
	kept         map[int32]bool
	known        map[int32]bool
	frames, sets int
}

func newClipWalk(t *testing.T, f Frames) *clipWalk {
	w := &clipWalk{t: t, f: f, kept: map[int32]bool{}, known: map[int32]bool{}}
	kept := f.Prefix
	if f.Times {
		kept += f.T
	}
	for i := range kept {
		w.kept[int32(i)] = true
	}
	for p := range f.Known * f.H * f.W {
		w.known[int32(p)] = true
	}
	return w
}

func (w *clipWalk) run(r system.Run) {
	w.t.Helper()
	recalls := len(r.Recall) / r.N
	if want := map[bool]int{true: 2, false: 1}[w.f.First]; recalls != want || r.Steps() != 1 || len(r.Inputs) != 4*r.N || len(r.Fixed) != 2*r.N {
		w.t.Fatalf("stage %d: %d states, %d fed and %d ids for %d rows", r.Stage, recalls, len(r.Inputs), len(r.Fixed), r.N)
	}
	for i, place := range r.Recall {
		if place >= 0 && !w.kept[place] {
			w.t.Fatalf("stage %d: row %d starts from place %d, where nothing is kept", r.Stage, i/recalls, place)
		}
	}
	for _, p := range r.Inputs {
		if p >= 0 && !w.known[p] {
			w.t.Fatalf("stage %d: position %d is not known", r.Stage, p)
		}
	}
	for i, s := range r.Slot {
		if s >= r.KVLen[i] || r.KVLen[i] != r.KVLen[0] {
			w.t.Fatalf("stage %d: row %d at slot %d sees %d", r.Stage, i, s, r.KVLen[i])
		}
	}
	for _, place := range r.Keep {
		if place >= int32(w.f.Places()) {
			w.t.Fatalf("stage %d: place %d of %d", r.Stage, place, w.f.Places())
		}
		w.kept[place] = true
	}
	if r.Stage < 7 {
		w.frame(r)
	}
	if r.GroupTargets > 0 {
		w.sets++
		for _, p := range r.Targets.At {
			if w.known[p] || int(p)/w.f.H/w.f.W != w.frames-1 {
				w.t.Fatalf("position %d is predicted in frame %d", p, w.frames-1)
			}
			w.known[p] = true
		}
	}
}

// frame checks the run that begins a frame: it reads the whole frame before.
func (w *clipWalk) frame(r system.Run) {
	w.t.Helper()
	blocks, n := w.f.H*w.f.W/4, w.f.H*w.f.W
	want := blocks
	if w.frames == 0 {
		want += w.f.Prefix
	}
	if r.N != want || r.Stage != []int{5, 6}[min(w.frames, 1)] || int(r.KVLen[0]) != w.f.Prefix+(w.frames+1)*blocks {
		w.t.Fatalf("frame %d: %d rows in stage %d, which see %d", w.frames, r.N, r.Stage, r.KVLen[0])
	}
	if w.frames > 0 {
		fed := slices.Sorted(slices.Values(r.Inputs))
		if len(fed) != n || fed[0] != int32((w.frames-1)*n) || fed[n-1] != int32(w.frames*n-1) || len(slices.Compact(fed)) != n {
			w.t.Fatalf("frame %d is fed %d tokens from %d on", w.frames, len(fed), fed[0])
		}
	}
	w.frames++
}
