package step

import (
	"embed"
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// Rows is a step's rows and targets, as Gather makes them.
type Rows struct {
	Seq, Slot, Len *gpu.Tensor // i32 [r]: sequence, cache slot (-1: none), slots seen
	IDs            *gpu.Tensor // i32 [r, ids]
	Words          *gpu.Tensor // u32 [r·f, s], codes only
	Valid          *gpu.Tensor // i32 [r·f], codes only: 0 where nothing is fed
	Axes           *gpu.Tensor // i32 [r, a]
	// Keep is i32 [r] and Recall [k, r], with Places only: where a row's hidden state is
	// kept among those of all slots, and the kept ones that it starts from; -1: none.
	Keep, Recall *gpu.Tensor
	Ranges       *gpu.Tensor // i32 [r, n, 2], with Ranges only: of the slots seen, those from lo to below hi

	// Of the targets, nil without any. Canvas is i32 [m]. Draw, u32 [m, 8], and Temp, f32
	// [m, 3], are for package sample. Scale, f32 [n-1, m], is of the guidance between n
	// branches. Picks, i32 [h, n·m], names the rows of the step that a target is made from.
	// By direction, it has those of every branch; -1 is none.
	Canvas, Target, Temp, Scale, Picks *gpu.Tensor
}

// Gather reads the next rows and targets of every sequence out of the tables.
func Gather(r *gpu.Recorder, s *State, b *Batch) Rows {
	rows, draws, h, n := b.Rows, b.Targets, s.directions(), s.branches()
	states, packed := 0, 0
	if s.Places > 0 {
		states = 1 + s.recalls()
		packed = s.Places | s.recalls()<<28
	}
	ints := r.Temp(tensor.I32, rows*(3+s.Axes+s.Inputs+states+2*s.Ranges)+draws*(1+n*h))
	floats := r.Temp(tensor.F32, max((2+n)*draws, 1))
	at := 0
	next := func(shape ...int) *gpu.Tensor {
		v := ints.View(at, shape...)
		at += v.Elems()
		return v
	}
	out := Rows{Seq: next(rows), Slot: next(rows), Len: next(rows), Axes: next(rows, s.Axes)}
	if s.Inputs > 0 {
		out.Valid = next(rows * s.Inputs)
	}
	out.IDs = r.Temp(tensor.I32, rows, max(s.IDColumns(), 1))
	out.Words = r.Temp(tensor.U32, rows*max(s.Inputs, 1), s.Sub)
	draw := r.Temp(tensor.U32, max(draws, 1), sample.DrawWords)
	if draws > 0 {
		out.Canvas, out.Picks = next(draws), next(h, n*draws)
		out.Target, out.Temp, out.Scale = draw, floats.View(0, draws, 3), floats.View(3*draws, (n-1)*draws)
	}
	if states > 0 {
		at = rows*(3+s.Axes+s.Inputs) + draws*(1+n*h)
		out.Keep, out.Recall = next(rows), next(s.recalls(), rows)
	}
	if s.Ranges > 0 {
		at = rows*(3+s.Axes+s.Inputs+states) + draws*(1+n*h)
		out.Ranges = next(rows, s.Ranges, 2)
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "step", "gather", launch.Flag(s.Codes), uint32(s.Ranges), uint32(n)), Grid: gpu.Linear(rows + draws),
		In:  []*gpu.Tensor{b.t, s.Sampling, s.Rows, s.Targets, s.Tokens},
		Out: []*gpu.Tensor{ints, out.IDs, out.Words, draw, floats},
		Params: []uint32{
			uint32(rows), uint32(draws), uint32(b.sequences), uint32(s.Length), uint32(s.Fixed), uint32(s.Inputs), uint32(s.Sub), uint32(s.Axes),
			uint32(s.Base), uint32(s.Vocab), uint32(h), uint32(packed),
		},
		Work: s.gathered(b, ints, out.IDs, out.Words, draw, floats),
	})
	return out
}

// gathered returns the bytes that Gather moves: of the tables, and of its results.
func (s *State) gathered(b *Batch, made ...*gpu.Tensor) gpu.Work {
	w := launch.Work(0, append(made, b.t)...)
	w.Bytes += 4 * int64(b.Rows*(s.RowColumns()+s.Inputs*s.Sub)+b.Targets*(s.TargetColumns()+samplingWords))
	return w
}

// Commit writes a step's drawn tokens to their positions: u32 [m, s], nil if the batch
// draws nothing. It moves every sequence's cursors by a step, up to the limits. An end
// token lowers the limits to just behind it.
func Commit(r *gpu.Recorder, s *State, b *Batch, rows Rows, drawn *gpu.Tensor) {
	if b.Targets > 0 && (drawn == nil || drawn.Elems() != b.Targets*s.Sub) {
		r.Fail(fmt.Errorf("step.Commit: %w: tokens of %d draws of %d words are wanted", gpu.ErrShape, b.Targets, s.Sub))
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "step", "commit"), Grid: gpu.Linear(b.sequences),
		In:     []*gpu.Tensor{s.Sampling, rows.Target, drawn},
		Out:    []*gpu.Tensor{b.t, s.Tokens},
		Params: []uint32{uint32(b.sequences), uint32(s.Length), uint32(s.Sub)},
		Work:   launch.Work(0, b.t, b.t, rows.Target, drawn, drawn), // the last into the tables
	})
}
