package rope

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// FreqGradArgs are the operands of [FreqGrad].
type FreqGradArgs struct {
	// Args are what Apply was given, with learned frequencies; Out holds what it
	// wrote, and neither X nor Inverse is looked at.
	Args
	DOut  *gpu.Tensor // f32, the gradient of Out, rows LDDOut apart
	DFreq *gpu.Tensor // f32 [axes, fh, dh/2], accumulates
	// LDDOut is a row stride in elements; 0 means Heads·HeadDim.
	LDDOut int
}

// FreqGrad adds to a program the gradient of learned frequencies:
//
//	dfreq[a, f, j] += Σ_r pos[r, a] · Σ_h (dout[r, h, q(j)]·out[r, h, p(j)] - dout[r, h, p(j)]·out[r, h, q(j)])
//
// over the heads h that turn by head f of the frequencies. The gradient of what
// was turned is [Apply] with Inverse, on DOut, thereafter if in place.
//
// Rows are summed in blocks, in order, then the blocks' sums, in order: |error| <=
// (n/64 + 2·heads + 140)·2⁻²⁴·Σ|pos|·(|dout[q]·out[p]| + |dout[p]·out[q]|) beside
// Out's own. Shape errors wrap [gpu.ErrShape] and come out of Finish.
func FreqGrad(r *gpu.Recorder, a FreqGradArgs) {
	const where = "rope.FreqGrad"
	a.X = a.Out
	err := a.Args.complete(where)
	if err == nil && a.Axis != nil {
		err = launch.Error(where, "a table is not learned")
	}
	if err == nil {
		set(&a.LDDOut, a.Heads*a.HeadDim)
		err = launch.Check(where, launch.Rows("DOut", a.DOut, a.N, a.Heads*a.HeadDim, max(a.LDDOut, a.Heads*a.HeadDim)), launch.F32("DFreq", a.DFreq, a.Freq.Elems()))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	blocks, height := launch.Blocks(a.N)
	partial := r.Temp(tensor.F32, blocks, a.Freq.Elems())
	chunks := launch.Ceil(a.freqHeads()*a.HeadDim/2, r.Device().SubgroupWidth())
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "rope", "freq", uint32(a.Axes), launch.Flag(a.Half)),
		Grid:   gpu.Linear(blocks * chunks),
		In:     []*gpu.Tensor{a.Out, a.DOut, a.Pos},
		Out:    []*gpu.Tensor{partial},
		Params: []uint32{
			uint32(a.N), uint32(a.Heads), uint32(a.HeadDim), uint32(a.LDOut), uint32(a.LDDOut),
			uint32(a.freqHeads()), uint32(a.Group), uint32(height), uint32(chunks),
		},
		Work: a.work(2+a.Axes, a.Pos, partial),
	})
	elementwise.ColumnSum(r, elementwise.ColumnSumArgs{X: partial, Out: a.DFreq.View(0, a.DFreq.Elems()), Add: true})
}
