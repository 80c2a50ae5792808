package step

import (
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

func readI32(t *testing.T, x *gpu.Tensor) []int32 {
	t.Helper()
	out, err := x.I32()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// keep copies a temporary into a tensor the test can read.
func keep(t *testing.T, r *gpu.Recorder, x *gpu.Tensor) *gpu.Tensor {
	t.Helper()
	out, err := r.Device().NewTensor(x.DType, x.Shape...)
	if err != nil {
		t.Fatal(err)
	}
	r.Copy(out, x)
	return out
}

// TestGatherThenCommit walks one step of two lanes by hand: lane 0 is at its
// second group, lane 1 at its last row.
func TestGatherThenCommit(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		d := Dims{Slots: 2, Length: 5, Static: 1, Fed: 2, Sub: 2, Axes: 3, Vocab: 10, Base: 100}
		s, err := NewState(dev, d)
		if err != nil {
			t.Fatal(err)
		}
		var plan, tokens []int32
		for b := range int32(2) {
			for p := range int32(5) {
				plan = append(plan, 50+p, p-2, -1, b, p, 9, p+1, 1, 8)
				tokens = append(tokens, p, 9-p)
			}
		}
		check(t, s.Plan.WriteI32(plan))
		check(t, s.Tokens.WriteI32(tokens))
		check(t, s.SetSlot(0, Sampling{Seed: 1<<32 | 7, Request: 3, Temperature: 0.5, TopK: 4, TopP: 0.9, End: -1}))
		check(t, s.SetSlot(1, Sampling{End: 6}))
		lane := gputest.I32(t, dev, []int32{0, 2, 5, 0, 1, 4, 5, 4}, 2, 4)
		drawn := gputest.I32(t, dev, []int32{1, 2, 3, 4, 6, 5, 7, 8}, 4, 2)
		var ids, seq, slot, length, axes, draw *gpu.Tensor
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			rows := Gather(r, s, lane, 2)
			ids, seq, slot, length = keep(t, r, rows.IDs), keep(t, r, rows.Seq), keep(t, r, rows.Slot), keep(t, r, rows.Len)
			axes, draw = keep(t, r, rows.Axes), keep(t, r, rows.Draw)
			Commit(r, s, lane, 2, rows, drawn)
		})
		// Position 2 of slot 0 is fed from position 0, whose sub-tokens are 0 and 9.
		want := []int32{52, d.FedID(0, 0, 0), d.FedID(0, 1, 9), d.FedID(1, 0, -1), d.FedID(1, 1, -1)}
		if got := readI32(t, ids); !slices.Equal(got[:5], want) {
			t.Errorf("ids %v, want %v", got[:5], want)
		} else if !slices.Equal(got[15:], []int32{-1, -1, -1, -1, -1}) {
			t.Errorf("inactive row has ids %v", got[15:])
		}
		equal(t, "seq", readI32(t, seq), []int32{0, 0, 1, 1})
		equal(t, "slot", readI32(t, slot), []int32{2, 3, 4, -1})
		equal(t, "len", readI32(t, length), []int32{3, 4, 5, 0})
		equal(t, "axes", readI32(t, axes)[:9], []int32{0, 2, 9, 0, 3, 9, 1, 4, 9})
		key, counter := sample.Stream(1<<32|7, 3)
		equal(t, "draw", readI32(t, draw)[:8], []int32{int32(key[0]), int32(key[1]), int32(counter), 2, 1, 8, 4, 1})
		equal(t, "lane", readI32(t, lane), []int32{0, 4, 5, 0, 1, 5, 5, 4})
		tok := readI32(t, s.Tokens)
		equal(t, "tokens of slot 0", tok[:10], []int32{0, 9, 1, 8, 1, 2, 3, 4, 4, 5})
		equal(t, "tokens of slot 1", tok[10:], []int32{0, 9, 1, 8, 2, 7, 3, 6, 6, 5})
	})
}

// TestEndTokenStopsALane checks that what follows an end token is not drawn.
func TestEndTokenStopsALane(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s, err := NewState(dev, Dims{Slots: 1, Length: 8, Static: 1, Fed: 1, Sub: 1, Axes: 1, Vocab: 4})
		if err != nil {
			t.Fatal(err)
		}
		check(t, s.Plan.WriteI32(make([]int32, 8*6)))
		check(t, s.Tokens.WriteI32(make([]int32, 8)))
		check(t, s.SetSlot(0, Sampling{End: 3}))
		lane := gputest.I32(t, dev, []int32{0, 0, 8, 0}, 1, 4)
		drawn := gputest.I32(t, dev, []int32{3}, 1, 1)
		rec := dev.NewRecorder()
		rows := Gather(rec, s, lane, 1)
		Commit(rec, s, lane, 1, rows, drawn)
		p, err := rec.Finish()
		check(t, err)
		check(t, p.Run(3))
		equal(t, "lane", readI32(t, lane), []int32{0, 1, 1, 0})
		equal(t, "tokens", readI32(t, s.Tokens), []int32{3, 0, 0, 0, 0, 0, 0, 0})
	})
}

// TestCodesGather checks the words and flags a binary-code family is fed.
func TestCodesGather(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s, err := NewState(dev, Dims{Slots: 1, Length: 4, Static: 1, Fed: 2, Sub: 2, Axes: 1, Codes: true})
		if err != nil {
			t.Fatal(err)
		}
		check(t, s.Plan.WriteI32([]int32{
			0, -1, -1, 0, 1, 0, 0,
			1, 0, -1, 1, 2, 0, 0,
			2, 1, 0, 2, 3, 0, 0,
			3, 2, 1, 3, 4, 0, 0,
		}))
		check(t, s.Tokens.WriteI32([]int32{11, 12, 21, 22, 31, 32, 41, 42}))
		check(t, s.SetSlot(0, Sampling{End: -1}))
		lane := gputest.I32(t, dev, []int32{0, 1, 4, 0}, 1, 4)
		var words, valid *gpu.Tensor
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			rows := Gather(r, s, lane, 2)
			words, valid = keep(t, r, rows.Words), keep(t, r, rows.Valid)
		})
		equal(t, "words", readI32(t, words), []int32{11, 12, 0, 0, 21, 22, 11, 12})
		equal(t, "valid", readI32(t, valid), []int32{1, 0, 1, 1})
		if sample.DrawWords != 8 || words.DType != tensor.U32 {
			t.Error("layout changed")
		}
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, what string, got, want []int32) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// TestCacheIsARing walks a slot past its cache: pinned positions stay, others
// take the place of the oldest.
func TestCacheIsARing(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s, err := NewState(dev, Dims{Slots: 1, Length: 12, Context: 6, Static: 1, Axes: 1, Sub: 1, Vocab: 4})
		check(t, err)
		var plan []int32
		for p := range int32(12) {
			plan = append(plan, 0, 0, p+1, 0, 4)
		}
		check(t, s.Plan.WriteI32(plan))
		check(t, s.SetSlot(0, Sampling{End: -1, Pinned: 2}))
		lane := gputest.I32(t, dev, []int32{0, 0, 12, 0}, 1, 4)
		var slot, length *gpu.Tensor
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			rows := Gather(r, s, lane, 12)
			slot, length = keep(t, r, rows.Slot), keep(t, r, rows.Len)
		})
		equal(t, "slot", readI32(t, slot), []int32{0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 2, 3})
		equal(t, "len", readI32(t, length), []int32{1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6})
	})
}

// TestAnyWordMayBeACode draws the word of all ones, which no end token stops.
func TestAnyWordMayBeACode(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s, err := NewState(dev, Dims{Slots: 1, Length: 8, Static: 1, Fed: 1, Sub: 1, Axes: 1, Codes: true})
		check(t, err)
		check(t, s.Plan.WriteI32(make([]int32, 8*6)))
		check(t, s.Tokens.WriteI32(make([]int32, 8)))
		check(t, s.SetSlot(0, Sampling{End: -1}))
		lane := gputest.I32(t, dev, []int32{0, 0, 8, 0}, 1, 4)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			rows := Gather(r, s, lane, 2)
			Commit(r, s, lane, 2, rows, gputest.I32(t, dev, []int32{-1, -1}, 2, 1))
		})
		equal(t, "lane", readI32(t, lane), []int32{0, 2, 8, 0})
	})
}
