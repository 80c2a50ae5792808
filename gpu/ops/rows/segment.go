package rows

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// SegmentArgs are the operands of [Segment].
type SegmentArgs struct {
	X      *gpu.Tensor // f32 [n, d]
	Starts *gpu.Tensor // i32 [v+1]
	Rows   *gpu.Tensor // i32 [m]
	Out    *gpu.Tensor // f32 [v, d]
	Mean   bool        // divide by the number of terms
	Add    bool        // add to Out instead of overwriting it
}

// Segment adds to a program the sum or the mean of each segment's rows:
//
//	out[t, c] = Σ_{i = starts[t]}^{starts[t+1]-1} x[rows[i], c] (/ (starts[t+1] - starts[t])) (+ out[t, c] if Add)
//
// in the order of i; an empty segment gives zeros, or leaves Out alone with Add. Starts that point past Rows, and
// rows outside 0..n-1, are not followed. For N terms |error| <= (N+2)·2⁻²⁴·Σ|terms|,
// and a segment's bits do not depend on the others.
//
// The graph convolution of OctGPT (arXiv:2504.09975) averages a node's neighbours of
// each of seven types: with a segment for every (node, type), Out as [nodes, 7·d] is
// what its weights are multiplied with.
//
// Out must not overlap X. If d is even, both must start at an even element of their
// allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
func Segment(r *gpu.Recorder, a SegmentArgs) {
	segment(r, "rows.Segment", a, nil)
}

// SegmentGradArgs are the operands of [SegmentGrad].
type SegmentGradArgs struct {
	DOut             *gpu.Tensor // f32 [v, d]
	Starts           *gpu.Tensor // i32 [v+1], as given to Segment
	ToStarts, ToRows *gpu.Tensor // i32 [n+1] and [m]: the segments each row is in, see Transpose
	DX               *gpu.Tensor // f32 [n, d]
	AddDX            bool        // add to DX instead of overwriting it
	Mean             bool        // as given to Segment
}

// SegmentGrad adds to a program the gradient of [Segment]:
//
//	dx[j, c] = Σ_{t = toRows[i], i in toStarts[j]..toStarts[j+1]-1} dout[t, c] (/ (starts[t+1] - starts[t])) (+ dx[j, c] if AddDX)
//
// Order, error, alignment and errors are as for Segment.
func SegmentGrad(r *gpu.Recorder, a SegmentGradArgs) {
	const where = "rows.SegmentGrad"
	shares := a.Starts
	if a.DOut != nil {
		if err := launch.Check(where, launch.I32("Starts", a.Starts, a.DOut.Rows()+1)); err != nil {
			r.Fail(err)
			return
		}
	}
	if !a.Mean {
		shares = nil
	}
	segment(r, where, SegmentArgs{X: a.DOut, Starts: a.ToStarts, Rows: a.ToRows, Out: a.DX, Add: a.AddDX}, shares)
}

func segment(r *gpu.Recorder, where string, a SegmentArgs, shares *gpu.Tensor) {
	n, d, err := launch.Matrix(where, "X or DOut", a.X)
	if err == nil && (a.Out == nil || a.Rows == nil || a.Out.Elems()%d != 0) {
		err = launch.Error(where, "no rows, or an output that is not of %d columns", d)
	}
	if err != nil {
		r.Fail(err)
		return
	}
	v, m := a.Out.Elems()/d, a.Rows.Elems()
	if err := launch.Check(where, launch.F32("X or DOut", a.X, n*d), launch.I32("starts", a.Starts, v+1), launch.I32("rows", a.Rows, m), launch.F32("Out or DX", a.Out, v*d)); err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "rows", "segment", launch.Flag(launch.Even(d)), launch.Flag(a.Add), launch.Flag(a.Mean), launch.Flag(shares != nil)),
		Grid:   gpu.Linear(v),
		In:     []*gpu.Tensor{a.X, a.Starts, a.Rows, shares},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(n), uint32(d), uint32(v), uint32(m)},
		Work:   work(m*d, m*d, a.Starts, a.Rows, shares, a.Out, launch.Again(a.Add, a.Out)),
	})
}
