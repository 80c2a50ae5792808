package gray

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// QuantizeArgs are the operands of [Quantize]; at least one output is given.
type QuantizeArgs struct {
	Z    *gpu.Tensor // f32 [n, c]
	Plan *Plan
	Code *gpu.Tensor // f32 [n, c], optional; may be Z
	Bits *gpu.Tensor // u32 [n, words], optional
}

// Quantize adds to a program, for a coordinate of L = 2ᵇ levels,
//
//	q = ⌊(tanh(z) + 1)/2·L⌋, 0 to L-1
//	Code = atanh((2q + 1)/L - 1),   its bits = q xor ⌊q/2⌋, the highest first
//
// so that Code approximates z. tanh errs by 4·10⁻⁷; where it is that near to an edge, the
// level may be the other. Bits from l on are 0. A row's bits do not depend on the other
// rows. Errors wrap [gpu.ErrShape] and come out of Finish.
func Quantize(r *gpu.Recorder, a QuantizeArgs) {
	const where = "gray.Quantize"
	n, err := a.Plan.rows(where, "Z", a.Z)
	if err == nil && a.Code == nil && a.Bits == nil {
		err = launch.Error(where, "no output")
	}
	if err == nil {
		err = launch.Check(where, launch.Optional(launch.F32("Code", a.Code, n*a.Plan.coordinates)), launch.Optional(launch.U32("Bits", a.Bits, n*a.Plan.Words())))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	p := a.Plan
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "gray", "quantize"),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Z, p.start, p.owner},
		Out:    []*gpu.Tensor{a.Code, a.Bits},
		Params: []uint32{uint32(n), uint32(p.coordinates), uint32(p.bits)},
		Work:   launch.Work(12*n*p.bits, a.Z, a.Code, a.Bits),
	})
}

// ExpandArgs are the operands of [Expand].
type ExpandArgs struct {
	Bits *gpu.Tensor // u32 [n, words]
	Plan *Plan
	Code *gpu.Tensor // f32 [n, c]
}

// Expand adds to a program the way back from bits to the values that [Quantize] writes,
// to the bit. Errors wrap [gpu.ErrShape].
func Expand(r *gpu.Recorder, a ExpandArgs) {
	const where = "gray.Expand"
	n, err := a.Plan.rows(where, "Code", a.Code)
	if err == nil {
		err = launch.Check(where, launch.U32("Bits", a.Bits, n*a.Plan.Words()))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	p := a.Plan
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "gray", "expand"),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Bits, p.start},
		Out:    []*gpu.Tensor{a.Code},
		Params: []uint32{uint32(n), uint32(p.coordinates), uint32(p.bits)},
		Work:   launch.Work(4*n*p.coordinates, a.Bits, a.Code),
	})
}

// QuantizeGradArgs are the operands of [QuantizeGrad].
type QuantizeGradArgs struct {
	Z     *gpu.Tensor // f32 [n, c]
	Plan  *Plan
	DCode *gpu.Tensor // f32 [n, c]
	DZ    *gpu.Tensor // f32 [n, c], overwritten; may be Z or DCode
}

// QuantizeGrad adds to a program the straight-through gradient of [Quantize], for which
// rounding is the identity:
//
//	dz = 0 if |z| > 2·atanh(1 - 1/L) and dcode·z < 0, else dcode
//
// The first case would move z further away from all levels. Errors wrap [gpu.ErrShape].
func QuantizeGrad(r *gpu.Recorder, a QuantizeGradArgs) {
	const where = "gray.QuantizeGrad"
	n, err := a.Plan.rows(where, "Z", a.Z)
	if err == nil {
		err = launch.Check(where, launch.F32("DCode", a.DCode, n*a.Plan.coordinates), launch.F32("DZ", a.DZ, n*a.Plan.coordinates))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "gray", "gradient"),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Z, a.Plan.start, a.DCode},
		Out:    []*gpu.Tensor{a.DZ},
		Params: []uint32{uint32(n), uint32(a.Plan.coordinates)},
		Work:   launch.Work(4*n*a.Plan.coordinates, a.Z, a.DCode, a.DZ),
	})
}
