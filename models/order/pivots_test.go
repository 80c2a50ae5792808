package order

import (
	"errors"
	"io"
	"testing"

	"github.com/morton-gen/morton/models/system"
)

// TestPivots counts Hi-MAR's sets: 32 for 64 pivots, 4 for 256 tokens. Each pivot is predicted
// once, and its state is kept for the second picture. Each set of that predicts all its tokens, of
// which each is read once.
func TestPivots(t *testing.T) {
	s := Pivots{Small: 64, Large: 256, SmallSteps: 32, LargeSteps: 4, Class: make([]int32, 64), OtherClass: make([]int32, 64)}
	schedule, err := s.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	schedule.(system.Seeded).Seed(func(i uint32) uint32 { return i * 0x9E3779B9 })
	var steps [4]int
	drawn, kept, read := map[int32]int{}, map[int32]bool{}, map[int32]bool{}
	for {
		r, err := schedule.Next(nil)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		steps[r.Stage]++
		for i, at := range r.Inputs {
			if at >= 0 && drawn[at] != 1 {
				t.Fatalf("stage %d: row %d is fed position %d, which was predicted %d times", r.Stage, i, at, drawn[at])
			}
			read[at] = true
		}
		for i, place := range r.Recall {
			if place >= 0 && !kept[place] {
				t.Fatalf("stage %d: row %d starts from state %d, which is not there", r.Stage, i, place)
			}
		}
		for _, place := range r.Keep {
			kept[place] = true
		}
		for _, at := range r.Targets.At {
			drawn[at]++
		}
	}
	if steps != [4]int{32, 32, 4, 4} {
		t.Errorf("%v steps by stage", steps)
	}
	if len(drawn) != 64+4*256 || len(kept)-1 > s.States() { // and -1
		t.Errorf("%d positions are predicted, %d states are kept of %d", len(drawn), len(kept)-1, s.States())
	}
	for at, n := range drawn {
		if n != 1 || int(at) >= s.Positions() {
			t.Errorf("position %d of %d is predicted %d times", at, s.Positions(), n)
		}
	}
	for at := range int32(64 + 256) {
		if drawn[at] != 1 {
			t.Errorf("token %d is predicted %d times", at, drawn[at])
		}
	}
	if _, err := (Pivots{Small: 1, Large: 2, Order: []int32{0, 1, 1}}).Schedule(); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("an order with a position twice: %v", err)
	}
}
