package matmul

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// Record adds the product to a program:
//
//	C[m, n] = act(alpha · rstd(m) · Σ_k A(m, k)·B(k, n) (+ bias[n])) (+ C[m, n] if Add)
//
// where rstd is 1 unless NormEps is set. Bias and Scale are f32. B is f32, f16,
// bf16 or, for NT, packed integers, each exact in f32; beside 16 bits A may have the
// same type, and C too but for TN. C must not overlap an operand.
//
// The sum runs in the order of k in one f32 accumulator. For a packed B it runs over each
// group, which is then scaled and added. On a GPU, sums of floats run over 16 steps each,
// which are then added. The parts of a sum that is split (TN only) are added in order. So
// before act |error| <= (K+4)·2⁻²⁴·Σ|a·b|, and operands of 16 bits give the bits that
// their values in f32 do; a row's bits do not depend on m or on the other rows, nor on
// which of these kernels runs.
//
// Coop lets cooperative matrices do it, for B in f32 or f16. An f32 operand then
// counts as rounded to f16: its element x as one within
//
//	2⁻¹¹·|x| + 2⁻³⁹·max|x|
//
// the maximum over k, finite, as each row of A and column of B(k, n) is brought in
// range by a power of two; with 2⁻²⁸ on a device that takes subnormal numbers of
// f16 for zero. Nothing overflows that would not in f32. The products are exact,
// the sum in f32 is in an order of the device's that depends on k alone, and its
// additions may be truncated: |error| <= (3·K+8)·2⁻²⁴·Σ|a·b| beyond the rounding
// of the operands. A row's bits depend neither on m nor on the other rows.
//
// Shape errors wrap [gpu.ErrShape] and come out of the recorder's Finish, as does
// the [gpu.UnsupportedError] of MustCoop.
//
// Source of the gate: Shazeer, "GLU Variants Improve Transformer", 2020,
// arXiv:2002.05202.
func Record(r *gpu.Recorder, a Args) { record(r, a, r.Device().OnCPU()) }

// record is Record with the kernels for the CPU or for a GPU.
func record(r *gpu.Recorder, a Args, onCPU bool) {
	a.defaults()
	if err := a.check(); err != nil {
		r.Fail(err)
		return
	}
	k, ok, err := coop(&a, r.Device(), onCPU)
	if err != nil {
		r.Fail(err)
		return
	}
	if !ok {
		k = choose(&a, r.Device(), onCPU)
	}
	if s := splits(&a, k, onCPU); s > 1 {
		recordSplit(r, a, k, s)
		return
	}
	dispatch(r, &a, k, 0)
}

// dispatch records one kernel; kall is the whole of k if the batch splits it.
func dispatch(r *gpu.Recorder, a *Args, k kernel, kall int) {
	spec := append([]uint32{uint32(a.Layout), weights[a.B.DType], flags(r.Device(), a, k, kall > 0), uint32(a.Act)}, k.spec...)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "matmul", k.name, spec...),
		Grid:   k.grid(a),
		Work:   a.work(),
		Detail: a.detail(),
		In:     []*gpu.Tensor{a.A, a.B, a.Scale, a.Bias},
		Out:    []*gpu.Tensor{a.C},
		Params: []uint32{
			uint32(a.M), uint32(a.N), uint32(a.K), uint32(a.LDA), uint32(a.LDB), uint32(a.LDC), uint32(a.Inner),
			uint32(a.StrideA[0]), uint32(a.StrideA[1]), uint32(a.StrideB[0]), uint32(a.StrideB[1]),
			uint32(a.StrideC[0]), uint32(a.StrideC[1]), gpu.F32Param(a.Alpha), gpu.F32Param(a.NormEps), uint32(kall),
		},
	})
}

// recordSplit computes the product over s parts of k, as a batch, and adds them
// up in their order.
func recordSplit(r *gpu.Recorder, a Args, k kernel, s int) {
	part := a
	part.K = launch.Ceil(launch.Ceil(a.K, s), 2) * 2
	part.Batch = launch.Ceil(a.K, part.K)
	part.StrideA[0], part.StrideB[0], part.StrideC[0] = part.K*a.LDA, part.K*a.LDB, a.M*a.N
	part.LDC, part.Alpha, part.Bias, part.Add = a.N, 1, nil, false
	part.C = r.Temp(tensor.F32, part.Batch, a.M, a.N)
	dispatch(r, &part, k, a.K)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "matmul", "reduce", launch.Flag(a.Bias != nil), launch.Flag(a.Add)),
		Grid:   gpu.Linear(launch.Ceil(a.M*a.N, 16*r.Device().SubgroupWidth())),
		In:     []*gpu.Tensor{part.C, a.Bias},
		Out:    []*gpu.Tensor{a.C},
		Params: []uint32{uint32(a.M), uint32(a.N), uint32(part.Batch), uint32(a.LDC), gpu.F32Param(a.Alpha)},
		Work:   launch.Work(part.C.Elems(), part.C, a.Bias, a.C, launch.Again(a.Add, a.C)),
	})
}
