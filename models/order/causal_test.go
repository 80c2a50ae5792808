package order

import (
	"errors"
	"io"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

// TestCausal counts the steps and rows of clips of 7 frames of 16x16 tokens, from nothing and
// behind given frames. Every position is predicted once, by a row that sees the frames before
// it whose tokens stand in the cache, and its own.
func TestCausal(t *testing.T) {
	const frames, n, prefix = 7, 256, 3
	class := []int32{1, 1, 1}
	for known, want := range map[int]struct{ draws, prompts int }{0: {7 * 64, 0}, 1: {6 * 64, 1}, 3: {4 * 64, 2}} {
		s, err := Causal{T: frames, H: 16, W: 16, Known: known, Steps: 64, Class: class, OtherClass: []int32{0, 0, 0}, Token: 2, Unknown: 3}.Schedule()
		if err != nil {
			t.Fatal(err)
		}
		s.(system.Seeded).Seed(func(i uint32) uint32 { return i * 2654435761 })
		drawn := map[int32]bool{}
		cached := map[int32]bool{} // slots of rows whose tokens are known
		draws, prompts := 0, 0
		for {
			r, err := s.Next(nil)
			if errors.Is(err, io.EOF) {
				break
			}
			for i, slot := range r.Slot {
				cached[slot] = r.Fixed[i] != 3
			}
			if r.GroupTargets == 0 {
				prompts++
				continue
			}
			draws++
			for i, at := range r.Targets.At {
				from := r.Targets.From[i]
				if drawn[at] || r.Slot[from] != prefix+at || r.Fixed[from] != 3 || int(r.KVLen[from]) != prefix+(int(at)/n+1)*n {
					t.Fatalf("%d is predicted by row %d in slot %d, which sees %d", at, from, r.Slot[from], r.KVLen[from])
				}
				for slot := range int32(prefix + int(at)/n*n) {
					if !cached[slot] {
						t.Fatalf("%d is predicted before slot %d is read", at, slot)
					}
				}
			}
			for _, at := range r.Targets.At {
				drawn[at] = true
			}
		}
		if draws != want.draws || prompts != want.prompts || len(drawn) != (frames-known)*n {
			t.Errorf("%d frames given: %d positions in %d steps behind %d prompts, want %+v", known, len(drawn), draws, prompts, want)
		}
	}
}
