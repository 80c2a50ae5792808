package norm

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// UnitArgs are the operands of [Unit].
type UnitArgs struct {
	X, Out *gpu.Tensor // f32, n rows LD elements apart (even), heads first; Out may be X
	// Log is f32 [s], the logarithms of the first s heads' scales; the others have none.
	Log                   *gpu.Tensor
	Cap                   float32 // of a logarithm
	N, Heads, HeadDim, LD int     // HeadDim is even; LD of 0 means no gaps
}

// Unit adds to a program heads brought to unit length, and scaled:
//
//	out[r, h] = exp(min(log[h], cap))·x[r, h]/max(|x[r, h]|, 1e-12)
//
// Columns behind the heads stay. Queries and keys so treated make attention by cosines.
// For heads of d columns its relative error is at most (d/W + 32)·2⁻²⁴. A row's bits do
// not depend on the other rows. X and Out must start at an even element of their
// allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Liu et al., "Swin Transformer V2", 2021, arXiv:2111.09883, section 3.2, with the
// scale in place of its inverse; Tian et al., "Visual Autoregressive Modeling", 2024,
// arXiv:2404.02905.
func Unit(r *gpu.Recorder, a UnitArgs) {
	unit(r, "norm.Unit", a, UnitGradArgs{})
}

// UnitGradArgs are the operands of [UnitGrad].
type UnitGradArgs struct {
	UnitArgs             // as given to Unit, without Out; X as it was
	DOut, DX *gpu.Tensor // f32, rows like those of X; DX may be DOut
	DLog     *gpu.Tensor // f32 [s], accumulates; nil if not wanted
}

// UnitGrad adds to a program the gradients of [Unit]; with u = x/|x| and g the scale:
//
//	dx[r, h] = g/|x|·(dout[r, h] - u·(u·dout[r, h]))
//	dlog[h] += Σ_r g·(u·dout[r, h]), nothing where log[h] > cap
//
// dx overwrites DX; columns behind the heads stay. Alignment and errors are as for Unit.
func UnitGrad(r *gpu.Recorder, a UnitGradArgs) {
	a.UnitArgs.Out = a.DX
	unit(r, "norm.UnitGrad", a.UnitArgs, a)
}

func unit(r *gpu.Recorder, where string, a UnitArgs, g UnitGradArgs) {
	scaled, cols := 0, a.Heads*a.HeadDim
	if a.Log != nil {
		scaled = a.Log.Elems()
	}
	if a.LD == 0 {
		a.LD = cols
	}
	rows := func(name string, t *gpu.Tensor) launch.Want { return launch.Rows(name, t, a.N, cols, a.LD) }
	err := launch.Check(where, rows("X", a.X), rows("Out or DX", a.Out), launch.Optional(launch.F32("Log", a.Log, scaled)), launch.Optional(launch.F32("DLog", g.DLog, scaled)))
	if err == nil && (a.N < 1 || cols < 1 || !launch.Even(a.HeadDim, a.LD) || a.LD < cols || scaled > a.Heads) {
		err = launch.Error(where, "%d rows of %d heads of %d, %d apart, %d of them scaled", a.N, a.Heads, a.HeadDim, a.LD, scaled)
	}
	kernel := "unit"
	if err == nil && g.DX != nil {
		kernel, err = "unit_grad", launch.Check(where, rows("DOut", g.DOut))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	var partial *gpu.Tensor
	if g.DLog != nil {
		partial = r.Temp(tensor.F32, a.N, scaled)
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", kernel, 1),
		Grid:   gpu.Linear(a.N),
		In:     []*gpu.Tensor{a.X, a.Log, g.DOut},
		Out:    []*gpu.Tensor{a.Out, partial},
		Params: []uint32{uint32(a.N), uint32(a.Heads), uint32(a.HeadDim), uint32(a.LD), uint32(scaled), gpu.F32Param(a.Cap)},
		Work:   gpu.Work{Flops: int64(6 * a.N * cols), Bytes: int64(8 * a.N * cols)},
	})
	if partial != nil {
		elementwise.ColumnSum(r, elementwise.ColumnSumArgs{X: partial, Out: g.DLog, Add: true})
	}
}
