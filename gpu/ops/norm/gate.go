package norm

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// GateArgs are the operands of [Gate].
type GateArgs struct {
	X        *gpu.Tensor // f32 [n, d]: B samples of n/B rows
	Gate     *gpu.Tensor // f32 [B, d], rows LDMod apart
	Residual *gpu.Tensor // f32 [n, d], optional: nil is all zeros
	Out      *gpu.Tensor // f32 [n, d], may be X or Residual
	B        int
	LDMod    int // 0 means d
}

// Gate adds to a program what a block of an adaptive network gives back:
//
//	out[r, c] = residual[r, c] + gate[s, c]·x[r, c],  s = r/(n/B)
//
// Its error is at most 2⁻²³·(|residual| + |gate·x|). Alignment, errors and source
// are as for [Adaptive].
func Gate(r *gpu.Recorder, a GateArgs) {
	const where = "norm.Gate"
	v, err := adaptive(where, a.X, a.Gate, a.B, a.LDMod)
	if err == nil {
		err = launch.Check(where, launch.F32("Out", a.Out, v.n*v.d), launch.Optional(launch.F32("Residual", a.Residual, v.n*v.d)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	v.gate(r, a.X, a.Gate, a.Residual, a.Out)
}

// GateGradArgs are the operands of [GateGrad].
type GateGradArgs struct {
	X, Gate  *gpu.Tensor // as given to Gate
	DOut     *gpu.Tensor // f32 [n, d]: also the residual's gradient
	DX       *gpu.Tensor // f32 [n, d], may be DOut unless AddDX; nil if not wanted
	AddDX    bool        // add to DX instead of overwriting it
	DGate    *gpu.Tensor // f32 [B, d], rows LDMod apart, accumulates; nil if not wanted
	B, LDMod int         // as for Gate
}

// GateGrad adds to a program the gradients of [Gate]:
//
//	dx[r, c] = gate[s, c]·dout[r, c] (+ dx[r, c] if AddDX)
//	dgate[s, c] += Σ_{r of s} dout[r, c]·x[r, c]
//
// Order of sums, alignment and errors are as for [AdaptiveGrad].
func GateGrad(r *gpu.Recorder, a GateGradArgs) {
	const where = "norm.GateGrad"
	v, err := adaptive(where, a.X, a.Gate, a.B, a.LDMod)
	if err == nil {
		err = launch.Check(where, launch.F32("DOut", a.DOut, v.n*v.d), launch.Optional(launch.F32("DX", a.DX, v.n*v.d)),
			launch.Optional(v.mod("DGate", a.DGate)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	if a.DGate != nil {
		backward{x: a.X, dout: a.DOut, dgain: a.DGate}.columns(r, "gate_gain", v)
	}
	if a.DX != nil {
		var add *gpu.Tensor
		if a.AddDX {
			add = a.DX
		}
		v.gate(r, a.DOut, a.Gate, add, a.DX)
	}
}

func (v rows) gate(r *gpu.Recorder, x, gate, add, out *gpu.Tensor) {
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", "gate", launch.Flag(launch.Even(v.d, v.ldm))),
		Grid:   gpu.Linear(v.n),
		In:     []*gpu.Tensor{x, gate, add},
		Out:    []*gpu.Tensor{out},
		Params: []uint32{uint32(v.n), uint32(v.d), uint32(v.per), uint32(v.ldm)},
		Work:   v.work(2, 2, gate, add),
	})
}

// ModulateArgs are the operands of [Modulate].
type ModulateArgs struct {
	X            *gpu.Tensor // f32 [n, d]: B samples of n/B rows
	Scale, Shift *gpu.Tensor // f32 [B, d], rows LDMod apart
	Heat         *gpu.Tensor // f32 [B, k], optional: the first of each row scales the shift; nil is all ones
	Out          *gpu.Tensor // f32 [n, d], may be X
	B            int
	LDMod        int // 0 means d
}

// Modulate adds to a program the second half of [Adaptive] alone, for rows that were
// normalized with a gain of their own:
//
//	out[r, c] = x[r, c]·(1 + scale[s, c]) + heat[s]·shift[s, c],  s = r/(n/B)
//
// Its error is at most 2⁻²²·(|x·(1 + scale)| + |heat·shift|). Alignment, errors and source are
// as for Adaptive.
func Modulate(r *gpu.Recorder, a ModulateArgs) {
	const where = "norm.Modulate"
	v, err := adaptive(where, a.X, a.Scale, a.B, a.LDMod)
	if err == nil {
		err = launch.Check(where, launch.F32("Out", a.Out, v.n*v.d), v.mod("Shift", a.Shift))
	}
	heat := 0
	if err == nil && a.Heat != nil {
		heat = a.Heat.Dim(-1)
		err = launch.Check(where, launch.F32("Heat", a.Heat, a.B*heat))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", "modulate", launch.Flag(launch.Even(v.d, v.ldm))),
		Grid:   gpu.Linear(v.n),
		In:     []*gpu.Tensor{a.X, a.Scale, a.Shift, a.Heat},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(v.n), uint32(v.d), uint32(v.per), uint32(v.ldm), uint32(heat)},
		Work:   v.work(4, 2, a.Scale, a.Shift),
	})
}
