package train

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// conditioned is a counting sequence whose first row has another fixed id without the
// condition.
func conditioned(t *testing.T, n int) *Sequence {
	t.Helper()
	var rows order.Positions
	var tokens []uint32
	for p := range n {
		rows.Add([]int32{int32(p % 3)}, []int32{int32(p - 1)}, []int32{int32(p)}, int32(p+1), 0, 8)
		tokens = append(tokens, uint32(p%8))
	}
	run := rows.Runs(0, 0, 1)[0]
	other := run.Rows
	other.Fixed = slices.Clone(other.Fixed)
	other.Fixed[0] = 3
	run.Other = &other
	return must(Join(config.System(), order.Fixed(run), tokens))(t)
}

// TestDropTakesTheOtherRows uploads a window with and without its condition.
func TestDropTakesTheOtherRows(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		net := must(NewNetwork(dev, config.System(), 1, batchRows, NetworkOptions{}))(t)
		defer net.Free()
		check(t, net.Store().Init(1))
		q := conditioned(t, batchRows)
		var ids [2][]int32
		var losses [2]float64
		for i, drop := range []bool{false, true} {
			must(net.SetBatch([]Window{{Seq: q, To: q.N, Drop: drop}}))(t)
			ids[i], losses[i] = slices.Clone(net.in.hostIDs), must(net.Forward())(t)
		}
		if ids[0][0] != 0 || ids[1][0] != 3 || !slices.Equal(ids[0][1:], ids[1][1:]) || losses[0] == losses[1] {
			t.Errorf("with the condition %v, loss %g; without %v, loss %g", ids[0], losses[0], ids[1], losses[1])
		}
	})
}

// TestShareWithoutCondition draws many windows. The same seed drops the same.
func TestShareWithoutCondition(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := task(t, dev)
		s.net.sys.Dropout = 0.1
		s.train = held{conditioned(t, 16)}
		s.ends = []int{16}
		var drawn [2][]bool
		for i := range drawn {
			r := rand.New(rand.NewPCG(5, 5))
			for range 4000 {
				drawn[i] = append(drawn[i], must(s.draw(r))(t).Drop)
			}
		}
		dropped := 0
		for _, d := range drawn[0] {
			if d {
				dropped++
			}
		}
		if dropped < 320 || dropped > 480 { // 400 ± 19
			t.Errorf("%d of 4000 windows have no condition, want a tenth", dropped)
		}
		if !slices.Equal(drawn[0], drawn[1]) {
			t.Error("the same seed drops other conditions")
		}
	})
}

// TestJoinRefuses gives schedules that do not fit the tokens.
func TestJoinRefuses(t *testing.T) {
	s := config.System()
	rows := func(n int) system.Run {
		var p order.Positions
		for i := range n {
			p.Add([]int32{0}, []int32{int32(i - 1)}, []int32{int32(i)}, int32(i+1), 0, 8)
		}
		return p.Runs(0, 0, 1)[0]
	}
	slots := rows(4)
	slots.Slot = []int32{0, 0, 0, 0}
	for name, c := range map[string]struct {
		run    system.Run
		tokens int
	}{"too few": {rows(3), 4}, "too many": {rows(5), 4}, "slots": {slots, 4}} {
		if q, err := Join(s, order.Fixed(c.run), make([]uint32, c.tokens)); err == nil {
			t.Errorf("%s: %d draws of %d tokens", name, q.Draws.N, c.tokens)
		}
	}
	if _, err := Join(s, order.Fixed(rows(3)), make([]uint32, 4)); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("too few: %v", err)
	}
	if q := must(Join(s, order.Fixed(rows(4)), make([]uint32, 4)))(t); q.N != 4 || q.Draws.N != 4 || q.First != 0 {
		t.Errorf("%d rows, %d draws from %d", q.N, q.Draws.N, q.First)
	}
}

// TestShareOfStarts draws many windows of a sample of three windows' length.
func TestShareOfStarts(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s := task(t, dev)
		n := 3 * s.room()
		s.train = held{conditioned(t, n)}
		s.ends = []int{n}
		for _, c := range []struct {
			starts      float64
			least, most int
		}{{0, 990, 1190}, {0.7, 2700, 2900}, {1, 4000, 4000}} {
			s.Starts = c.starts
			r, first, last := rand.New(rand.NewPCG(5, 5)), 0, 0
			for range 4000 {
				w := must(s.draw(r))(t)
				if w.From == w.Seq.Sinks {
					first++
				}
				last = max(last, w.To)
			}
			if first < c.least || first > c.most || (last == n) != (c.starts < 1) {
				t.Errorf("share %g: %d of 4000 windows begin where the sample does, want %d to %d; the last ends at %d of %d", c.starts, first, c.least, c.most, last, n)
			}
		}
	})
}
