package step

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

// read is what a step made, on the host.
type read map[string][]int32

// gathered records Gather and keeps what it makes; commit goes on, if not nil.
func gathered(t *testing.T, dev *gpu.Device, s *State, b *Batch, drawn *gpu.Tensor) read {
	t.Helper()
	kept := map[string]*gpu.Tensor{}
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		rows := Gather(r, s, b)
		for name, x := range map[string]*gpu.Tensor{
			"seq": rows.Seq, "slot": rows.Slot, "len": rows.Len, "ids": rows.IDs, "words": rows.Words, "valid": rows.Valid, "axes": rows.Axes,
			"canvas": rows.Canvas, "keep": rows.Keep, "recall": rows.Recall, "ranges": rows.Ranges, "draw": rows.Target, "picks": rows.Picks, "temp": rows.Temp, "scale": rows.Scale,
		} {
			if x == nil {
				continue
			}
			y, err := dev.NewTensor(x.DType, x.Shape...)
			check(t, err)
			r.Copy(y, x)
			kept[name] = y
		}
		Commit(r, s, b, rows, drawn)
	})
	out := read{}
	for name, x := range kept {
		if x.DType == tensor.F32 {
			f, err := x.F32()
			check(t, err)
			for _, y := range f {
				out[name] = append(out[name], int32(math.Float32bits(y)))
			}
			continue
		}
		i, err := x.I32()
		check(t, err)
		out[name] = i
	}
	return out
}

func (r read) equal(t *testing.T, name string, from int, want ...int32) {
	t.Helper()
	if got := r[name][from : from+len(want)]; !slices.Equal(got, want) {
		t.Errorf("%s from %d on: %v, want %v", name, from, got, want)
	}
}

func bits(x float32) int32 { return int32(math.Float32bits(x)) }

// TestGatherThenCommit walks one step of three sequences by hand. Sequence 0 draws three tokens
// from two rows. Sequence 1 is its branch without the condition, and reads the canvas of
// sequence 0. Sequence 2 is at its last row and reads a prompt.
func TestGatherThenCommit(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		d := Dims{Slots: 3, Length: 5, Fixed: 1, Inputs: 2, Sub: 2, Axes: 3, Vocab: 10, Base: 100, Directions: 2}
		s, err := NewState(dev, d)
		check(t, err)
		var rows, draws, tokens []int32
		for b := range int32(3) {
			for p := range int32(5) {
				rows = append(rows, 50+p+10*b, p-2, Nothing, b, p, 9, p+20, p+1)
				draws = append(draws, p+1, 1, 8, bits(2.5), bits(3), p%2, -1)
				tokens = append(tokens, p+b, 9-p)
			}
		}
		rows[1*8+1] = Start // row 1 of slot 0
		check(t, s.Rows.WriteI32(rows))
		check(t, s.Targets.WriteI32(draws))
		check(t, s.Tokens.WriteI32(tokens))
		check(t, s.SetSampling(0, Sampling{Seed: 1<<32 | 7, Request: 3, Temperature: 0.5, TopK: 4, TopP: 0.9, MinP: 0.1, End: -1}))
		batch, err := NewBatch(dev, 4, 8, 4)
		check(t, err)
		sequences := []Sequence{
			{Row: 1, Rows: 5, Group: 2, Target: 1, Targets: 5, GroupTargets: 3, Unconditional: 1},
			{Slot: 1, Row: 1, Rows: 5, Group: 2, Unconditional: -1},
			{Slot: 2, Canvas: 2, Row: 4, Rows: 5, Group: 3, Unconditional: -1},
		}
		check(t, batch.Write(sequences))
		r := gathered(t, dev, s, batch, gputest.I32(t, dev, []int32{1, 2, 3, 4, 6, 5, 7, 8}, 4, 2))
		// Row 1 of slot 0 has a start; row 2 of slots 0 and 1 reads position 0 of canvas 0.
		r.equal(t, "ids", 0, 51, d.InputID(0, 0, -1), d.InputID(0, 1, -1), -1, -1)
		r.equal(t, "ids", 5, 52, d.InputID(0, 0, 0), d.InputID(0, 1, 9), -1, -1)
		r.equal(t, "ids", 15, 62, d.InputID(0, 0, 0), d.InputID(0, 1, 9), -1, -1)
		r.equal(t, "ids", 20, 74, d.InputID(0, 0, 4), d.InputID(0, 1, 7), -1, -1)
		r.equal(t, "ids", 25, -1, -1, -1, -1, -1)
		r.equal(t, "seq", 0, 0, 0, 1, 1, 2)
		r.equal(t, "slot", 0, 21, 22, 21, 22, 24, -1, -1, -1)
		r.equal(t, "len", 0, 2, 3, 2, 3, 5, 0, 0, 0)
		r.equal(t, "axes", 0, 0, 1, 9, 0, 2, 9, 1, 1, 9)
		key, counter := sample.Stream(1<<32|7, 3)
		r.equal(t, "draw", 0, int32(key[0]), int32(key[1]), int32(counter), 2, 1, 8, 4, 1)
		r.equal(t, "draw", 3*8+7, 0) // nobody's
		r.equal(t, "canvas", 0, 0, 0, 0)
		r.equal(t, "temp", 0, bits(1.5), bits(0.9), bits(0.1))
		r.equal(t, "scale", 0, bits(2.5))
		// Draw 1 comes from row 1 of its step, draw 2 from row 0; direction 1 has none.
		r.equal(t, "picks", 0, 1, 0, 1, -1)
		r.equal(t, "picks", 4, 3, 2, 3, -1)
		r.equal(t, "picks", 8, -1, -1, -1, -1, -1, -1, -1, -1)
		check(t, batch.Read(sequences))
		for i, want := range [][4]int{{3, 5, 4, 5}, {3, 5, 0, 0}, {5, 5, 0, 0}} {
			if l := sequences[i]; [4]int{l.Row, l.Rows, l.Target, l.Targets} != want {
				t.Errorf("sequence %d is at %+v, want %v", i, l, want)
			}
		}
		got, err := s.Tokens.I32()
		check(t, err)
		if want := []int32{0, 9, 1, 8, 1, 2, 3, 4, 6, 5}; !slices.Equal(got[:10], want) {
			t.Errorf("tokens of slot 0: %v, want %v", got[:10], want)
		}
		if !slices.Equal(got[10:], tokens[10:]) {
			t.Errorf("tokens of other slots changed: %v", got[10:])
		}
	})
}

// TestBranchesGather checks the rows and scales of a target of three branches, of one beside it
// that has one branch, and columns behind those.
func TestBranchesGather(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s, err := NewState(dev, Dims{Slots: 4, Length: 2, Fixed: 1, Inputs: 1, Sub: 1, Axes: 1, Vocab: 9, Directions: 2, Branches: 3, Ranges: 1})
		check(t, err)
		var rows, draws []int32
		for i := range int32(8) {
			rows = append(rows, i, Nothing, i, i, 20+i, 30+i, 40+i)
			draws = append(draws, i%2, 0, 9, bits(2), bits(1), i%2, 1-i%2, bits(3+float32(i)))
		}
		check(t, s.Rows.WriteI32(rows))
		check(t, s.Targets.WriteI32(draws))
		check(t, s.Tokens.WriteI32(make([]int32, 8)))
		for slot := range 4 {
			check(t, s.SetSampling(slot, Sampling{End: -1}))
		}
		batch, err := NewBatch(dev, 4, 8, 4)
		check(t, err)
		check(t, batch.Write([]Sequence{
			{Slot: 3, Canvas: 3, Rows: 2, Group: 2, Targets: 2, GroupTargets: 2, Unconditional: -1},
			{Rows: 2, Group: 2, Targets: 2, GroupTargets: 2, Unconditional: 2, Branches: 3},
			{Slot: 1, Rows: 2, Group: 2, Unconditional: -1},
			{Slot: 2, Rows: 2, Group: 2, Unconditional: -1},
		}))
		r := gathered(t, dev, s, batch, gputest.I32(t, dev, make([]int32, 4), 4, 1))
		r.equal(t, "picks", 0, 0, 1, 2, 3, -1, -1, 4, 5, -1, -1, 6, 7)
		r.equal(t, "picks", 12, 1, 0, 3, 2, -1, -1, 5, 4, -1, -1, 7, 6)
		r.equal(t, "scale", 0, bits(2), bits(2), bits(2), bits(2), bits(9), bits(10), bits(3), bits(4))
		r.equal(t, "ranges", 0, 36, 46, 37, 47, 30, 40, 31, 41, 32, 42, 33, 43, 34, 44, 35, 45)
	})
}

// TestEndTokenStopsALane checks that what follows an end token is not drawn.
func TestEndTokenStopsALane(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s, err := NewState(dev, Dims{Slots: 1, Length: 8, Fixed: 1, Inputs: 1, Sub: 1, Axes: 1, Vocab: 4})
		check(t, err)
		check(t, s.Rows.WriteI32(make([]int32, 8*5)))
		check(t, s.Tokens.WriteI32(make([]int32, 8)))
		var draws []int32
		for p := range int32(8) {
			draws = append(draws, p, 0, 4, 0, 0, 0)
		}
		check(t, s.Targets.WriteI32(draws))
		for _, end := range []int64{3, -1} {
			check(t, s.SetSampling(0, Sampling{End: end}))
			batch, err := NewBatch(dev, 1, 2, 2)
			check(t, err)
			sequences := []Sequence{{Rows: 8, Group: 2, Targets: 8, GroupTargets: 2, Unconditional: -1}}
			check(t, batch.Write(sequences))
			rec := dev.NewRecorder()
			rows := Gather(rec, s, batch)
			Commit(rec, s, batch, rows, gputest.I32(t, dev, []int32{3, -1}, 2, 1)) // a code of all ones is no end
			p, err := rec.Finish()
			check(t, err)
			check(t, p.Run(3))
			check(t, batch.Read(sequences))
			want := Sequence{Row: 2, Rows: 2, Group: 2, Target: 1, Targets: 1, GroupTargets: 2, Unconditional: -1}
			if end < 0 {
				want = Sequence{Row: 6, Rows: 8, Group: 2, Target: 6, Targets: 8, GroupTargets: 2, Unconditional: -1}
			}
			if sequences[0] != want {
				t.Errorf("end %d: the sequence is at %+v, want %+v", end, sequences[0], want)
			}
		}
	})
}

// TestCodesGather checks the words and flags that a row is fed binary codes by.
func TestCodesGather(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s, err := NewState(dev, Dims{Slots: 1, Length: 4, Fixed: 1, Inputs: 2, Sub: 2, Axes: 1, Codes: true})
		check(t, err)
		check(t, s.Rows.WriteI32([]int32{
			0, -1, -1, 0, 0, 1,
			1, 0, -1, 1, 1, 2,
			2, 1, 0, 2, 2, 3,
			3, 2, 1, 3, 3, 4,
		}))
		check(t, s.Targets.WriteI32(make([]int32, 4*6)))
		check(t, s.Tokens.WriteI32([]int32{11, 12, 21, 22, 31, 32, 41, 42}))
		check(t, s.SetSampling(0, Sampling{End: -1}))
		batch, err := NewBatch(dev, 1, 2, 0)
		check(t, err)
		check(t, batch.Write([]Sequence{{Row: 1, Rows: 4, Group: 2, Unconditional: -1}}))
		r := gathered(t, dev, s, batch, nil)
		r.equal(t, "words", 0, 11, 12, 0, 0, 21, 22, 11, 12)
		r.equal(t, "valid", 0, 1, 0, 1, 1)
	})
}

// TestPlacesGather checks where hidden states are kept, and which ones rows start from.
func TestPlacesGather(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		s, err := NewState(dev, Dims{Slots: 2, Length: 3, Fixed: 1, Inputs: 0, Sub: 1, Axes: 1, Codes: true, Places: 10, Recalls: 2})
		check(t, err)
		check(t, s.Rows.WriteI32([]int32{
			0, 5, 0, 1, 4, -1, 1,
			1, 6, 1, 2, -1, 9, 2,
			2, 7, 2, 3, 10, 3, -1,
			3, 5, 0, 1, 4, 2, 3,
			4, 6, 1, 2, 0, 0, 4,
			5, 7, 2, 3, 1, -5, 5,
		}))
		check(t, s.Targets.WriteI32(make([]int32, 2*3*6)))
		check(t, s.Tokens.WriteI32(make([]int32, 6)))
		for slot := range 2 {
			check(t, s.SetSampling(slot, Sampling{End: -1}))
		}
		batch, err := NewBatch(dev, 2, 6, 2)
		check(t, err)
		check(t, batch.Write([]Sequence{{Rows: 3, Group: 3, Targets: 1, GroupTargets: 1, Unconditional: 1}, {Slot: 1, Rows: 3, Row: 1, Group: 3, Unconditional: -1}}))
		r := gathered(t, dev, s, batch, gputest.I32(t, dev, []int32{9, 9}, 2, 1))
		r.equal(t, "keep", 0, 4, -1, -1, 10, 11, -1)
		r.equal(t, "recall", 0, -1, 9, 3, 10, -1, -1)
		r.equal(t, "recall", 6, 1, 2, -1, 14, 15, -1)
		r.equal(t, "slot", 0, 0, 1, 2, 1, 2, -1)
		r.equal(t, "len", 0, 1, 2, 3, 2, 3, 0)
		r.equal(t, "picks", 0, 0, -1, 3, -1)
	})
}

// TestRangesGather checks which slots rows see, with and without places of hidden states.
func TestRangesGather(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, places := range []int{0, 9} {
			d := Dims{Slots: 2, Length: 2, Fixed: 1, Inputs: 1, Sub: 1, Axes: 2, Codes: true, Ranges: 2, Places: places}
			s, err := NewState(dev, d)
			check(t, err)
			var rows []int32
			for i := range int32(4) {
				rows = append(rows, i, Nothing, 7, 8, i, 20+i)
				if places > 0 {
					rows = append(rows, 3, 4)
				}
				rows = append(rows, 10*i, 10*i+1, 10*i+2, 10*i+3)
			}
			check(t, s.Rows.WriteI32(rows))
			check(t, s.Targets.WriteI32(make([]int32, 2*2*6)))
			check(t, s.Tokens.WriteI32(make([]int32, 4)))
			for slot := range 2 {
				check(t, s.SetSampling(slot, Sampling{End: -1}))
			}
			batch, err := NewBatch(dev, 2, 4, 2)
			check(t, err)
			check(t, batch.Write([]Sequence{{Rows: 2, Group: 2, Targets: 1, GroupTargets: 1, Unconditional: 1}, {Slot: 1, Rows: 2, Row: 1, Group: 1, Unconditional: -1}}))
			r := gathered(t, dev, s, batch, gputest.I32(t, dev, []int32{9, 9}, 2, 1))
			r.equal(t, "ranges", 0, 0, 1, 2, 3, 10, 11, 12, 13, 30, 31, 32, 33, 0, 0, 0, 0)
			r.equal(t, "len", 0, 20, 21, 23, 0)
			r.equal(t, "axes", 0, 7, 8, 7, 8, 7, 8)
			r.equal(t, "canvas", 0, 0, 0)
			if places > 0 {
				r.equal(t, "keep", 0, 3, 3, 12, -1)
				r.equal(t, "recall", 0, 4, 4, 13, -1)
			}
		}
	})
}

// TestBatchErrors checks what does not fit.
func TestBatchErrors(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	batch, err := NewBatch(dev, 1, 2, 1)
	check(t, err)
	for name, sequences := range map[string][]Sequence{
		"sequences": {{Unconditional: -1}, {Unconditional: -1}}, "rows": {{Group: 3, Unconditional: -1}}, "draws": {{GroupTargets: 2, Unconditional: -1}},
	} {
		if err := batch.Write(sequences); !errors.Is(err, gpu.ErrShape) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
