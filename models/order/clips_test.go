package order

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

// pyramids are an image's and two clips', the second a short one.
func pyramids() []ClipPyramid {
	image := [][2]int{{1, 1}, {1, 1}, {2, 3}, {4, 5}, {4, 5}}
	clip := [][2]int{{1, 1}, {2, 3}, {2, 3}, {4, 5}}
	return []ClipPyramid{{T: 1, Passes: image, Stage: 1}, {T: 3, Passes: clip, Stage: 20}, {T: 3, Passes: clip, Stage: 20}, {T: 2, Passes: clip, Stage: 30}}
}

// TestClips follows the passes of a video: what each is fed and sees, where its keys go, and
// which positions it predicts.
func TestClips(t *testing.T) {
	for known := range 4 {
		const text = 7
		c := Clips{Text: system.Run{Rows: system.Rows{N: text}, Group: text}, Pyramids: pyramids(), Known: known, ID: 3, PassAxis: 512}
		for _, p := range c.Pyramids {
			c.Fed = max(c.Fed, p.Fed())
		}
		w := pyramidWalk{t: t, Clips: c, slots: make([]int, c.Slots(text))}
		for i := range text {
			w.slots[i] = -1
		}
		s := c.Schedule()
		if r, err := s.Next(nil); err != nil || r.N != text {
			t.Fatalf("the text is a run of %d rows, %v", r.N, err)
		}
		for i := range c.Pyramids {
			w.follow(s, i)
		}
		if _, err := s.Next(nil); !errors.Is(err, io.EOF) || w.at != c.Positions() {
			t.Errorf("%d positions of %d, %v", w.at, c.Positions(), err)
		}
	}
}

// pyramidWalk knows which pass, from 1 on, wrote each slot of the cache last; -1 is the text.
type pyramidWalk struct {
	t *testing.T
	Clips
	slots []int
	// at is the next position, pass counts passes, last is the last one of the pyramid before,
	// and frame is the first of this one.
	at, pass, last, frame int
}

// follow goes through one pyramid.
func (w *pyramidWalk) follow(s system.Schedule, pyramid int) {
	t, p := w.t, &w.Pyramids[pyramid]
	from := w.at
	for i, side := range p.Passes {
		w.pass++
		n := p.T * side[0] * side[1]
		given := pyramid < w.Known
		if given && i < len(p.Passes)-1 {
			w.at += n
			continue
		}
		r, err := s.Next(nil)
		if err != nil || r.N != n || r.Group != n || r.Stage != p.Stage+i || (r.GroupTargets == 0) != given {
			t.Fatalf("pyramid %d, pass %d: %d rows in stage %d of which %d are asked, %v", pyramid, i, r.N, r.Stage, r.GroupTargets, err)
		}
		if !given && !slices.Equal(r.Targets.At, count(w.at, w.at+n)) {
			t.Errorf("pyramid %d, pass %d predicts positions %v", pyramid, i, r.Targets.At)
		}
		var fed []int32
		for _, x := range r.Inputs {
			if x != system.Nothing {
				fed = append(fed, x)
			}
		}
		if len(r.Inputs) != n*w.Fed || !slices.Equal(fed, count(from, w.at)) {
			t.Errorf("pyramid %d, pass %d is fed %v, want %d to %d", pyramid, i, fed, from, w.at)
		}
		for j, slot := range r.Slot {
			w.slots[slot] = w.pass
			y, x := j/side[1]%side[0], j%side[1]
			if got := r.Axes[4*j : 4*j+2]; got[0] != int32(512+w.pass-1) || got[1] != int32(w.frame+j/(side[0]*side[1])) || y == 0 != (r.Axes[4*j+2] == 0) || x == 0 != (r.Axes[4*j+3] == 0) {
				t.Fatalf("pyramid %d, pass %d: row %d is at %v", pyramid, i, j, r.Axes[4*j:4*j+4])
			}
		}
		w.sees(&r, pyramid)
		w.at += n
	}
	w.last, w.frame = w.pass, w.frame+p.T
}

// sees holds rows to the text, their own pass, and the last pass of the pyramid before.
func (w *pyramidWalk) sees(r *system.Run, pyramid int) {
	want := map[int]int{-1: w.Text.N, w.pass: r.N}
	if pyramid > 0 {
		want[w.last] = w.Pyramids[pyramid-1].last()
	}
	for i := range r.N {
		seen := map[int]int{}
		for j := range ClipRanges {
			lo, hi := r.Ranges[2*(i*ClipRanges+j)], r.Ranges[2*(i*ClipRanges+j)+1]
			for slot := lo; slot < min(hi, r.KVLen[i]); slot++ {
				seen[w.slots[slot]]++
			}
		}
		if len(seen) != len(want) {
			w.t.Fatalf("pyramid %d: row %d of pass %d sees %v, want %v", pyramid, i, w.pass, seen, want)
		}
		for pass, n := range want {
			if seen[pass] != n {
				w.t.Fatalf("pyramid %d: row %d of pass %d sees %v, want %v", pyramid, i, w.pass, seen, want)
			}
		}
	}
}

// TestFinest places rows of a coarse scale on the finest one: halves go to the even place.
func TestFinest(t *testing.T) {
	var got []int32
	for i := range 4 {
		got = append(got, finest(i, 4, 6))
	}
	if want := []int32{0, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
