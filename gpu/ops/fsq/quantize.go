package fsq

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// QuantizeArgs are the operands of [Quantize]; at least one output is given.
type QuantizeArgs struct {
	Z      *gpu.Tensor // f32 [n, d]
	Levels []int       // of each coordinate, 2 or more
	Code   *gpu.Tensor // f32 [n, d], optional; may be Z
	Index  *gpu.Tensor // i32 [n], optional
}

// Quantize adds to a program, for a coordinate of L levels,
//
//	b = tanh(z + shift)·half - offset
//	Code = round(b)/⌊L/2⌋,   Index = Σ_c (round(b) + ⌊L_c/2⌋)·L_0·…·L_{c-1}
//
// with half = (L-1)·(1-0.001)/2, offset 1/2 for an even L and else 0, and shift =
// atanh(offset/half), so that z = 0 is level 0; for L = 2, shift is 0 and z = 0 the
// edge between the levels. b errs by 4·10⁻⁷·L; where it is that near to an edge, the
// level may be the other. A row's bits do not depend on the other rows. Errors wrap
// [gpu.ErrShape] and come out of Finish.
//
// Source: arXiv:2309.15505, section 3.1 and appendix. Its authors' code has tan for
// atanh, which moves the edges by less than 0.001 from four levels on.
func Quantize(r *gpu.Recorder, a QuantizeArgs) {
	const where = "fsq.Quantize"
	n, err := rows(where, "Z", a.Z, a.Levels)
	if err == nil && a.Code == nil && a.Index == nil {
		err = launch.Error(where, "no output")
	}
	if err == nil {
		err = launch.Check(where, launch.Optional(launch.F32("Code", a.Code, n*len(a.Levels))), launch.Optional(launch.I32("Index", a.Index, n)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	record(r, "quantize", n, len(a.Levels), []*gpu.Tensor{a.Z}, []*gpu.Tensor{a.Code, a.Index}, params(n, a.Levels))
}

// ExpandArgs are the operands of [Expand].
type ExpandArgs struct {
	Index  *gpu.Tensor // i32 [n]
	Levels []int
	Code   *gpu.Tensor // f32 [n, d]
}

// Expand adds to a program the way back from indices to codes; an index that is none,
// such as -1, becomes zeros. It is exact: the values are those [Quantize] writes.
// Errors wrap [gpu.ErrShape].
func Expand(r *gpu.Recorder, a ExpandArgs) {
	const where = "fsq.Expand"
	n, err := rows(where, "Code", a.Code, a.Levels)
	if err == nil {
		err = launch.Check(where, launch.I32("Index", a.Index, n))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	record(r, "expand", n, len(a.Levels), []*gpu.Tensor{a.Index}, []*gpu.Tensor{a.Code}, params(n, a.Levels, uint32(Codes(a.Levels)))[:3+MaxDims])
}

// QuantizeGradArgs are the operands of [QuantizeGrad].
type QuantizeGradArgs struct {
	Z      *gpu.Tensor // f32 [n, d]
	Levels []int
	DCode  *gpu.Tensor // f32 [n, d]
	DZ     *gpu.Tensor // f32 [n, d], overwritten; may be Z or DCode
}

// QuantizeGrad adds to a program the straight-through gradient of [Quantize], for which
// rounding is the identity:
//
//	dz = dcode·half·(1 - tanh²(z + shift))/⌊L/2⌋
//
// Its error is at most 2·10⁻⁶·|dcode|. There are no other terms: such a code needs no
// commitment and no entropy. Errors wrap [gpu.ErrShape].
func QuantizeGrad(r *gpu.Recorder, a QuantizeGradArgs) {
	const where = "fsq.QuantizeGrad"
	n, err := rows(where, "Z", a.Z, a.Levels)
	if err == nil {
		err = launch.Check(where, launch.F32("DCode", a.DCode, n*len(a.Levels)), launch.F32("DZ", a.DZ, n*len(a.Levels)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	record(r, "gradient", n, len(a.Levels), []*gpu.Tensor{a.Z, a.DCode}, []*gpu.Tensor{a.DZ}, params(n, a.Levels))
}
