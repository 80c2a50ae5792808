package bsq

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// QuantizeArgs are the operands of Quantize; at least one output is given.
type QuantizeArgs struct {
	Z     *gpu.Tensor // f32 [n, L]
	Code  *gpu.Tensor // f32 [n, L], optional; may be Z
	Bits  *gpu.Tensor // u32 [n, words], optional
	RNorm *gpu.Tensor // f32 [n], optional: 1/|z|, 0 for a zero row
}

// Quantize adds to a program
//
//	Code[i, c] = ±1/√L with the sign of Z[i, c],   bit c of Bits[i] = Z[i, c] > 0
//
// Zero counts as negative. Bits from L on are 0. A row's bits do not depend on
// the other rows. Errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: arXiv:2406.07548, the binary quantiser on the sphere.
func Quantize(r *gpu.Recorder, a QuantizeArgs) {
	const where = "bsq.Quantize"
	n, l, err := launch.Matrix(where, "Z", a.Z)
	if err == nil && a.Code == nil && a.Bits == nil && a.RNorm == nil {
		err = launch.Error(where, "no output")
	}
	if err == nil {
		err = launch.Check(where,
			launch.Optional(launch.F32("Code", a.Code, n*l)),
			launch.Optional(launch.U32("Bits", a.Bits, n*words(l))),
			launch.Optional(launch.F32("RNorm", a.RNorm, n)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "bsq", "quantize"),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Z},
		Out:    []*gpu.Tensor{a.Code, a.Bits, a.RNorm},
		Work:   launch.Work(2*n*l, a.Z, a.Code, a.Bits, a.RNorm),
		Params: []uint32{uint32(n), uint32(l), side(l)},
	})
}

// ExpandArgs are the operands of Expand.
type ExpandArgs struct {
	Bits  *gpu.Tensor // u32 [n, words]
	Valid *gpu.Tensor // i32 [n], optional: a row of 0 becomes zeros
	Code  *gpu.Tensor // f32 [n, L]
	// Prefixes makes Code [n·words, L]: row i·words + k has the bits of the first k words
	// of Bits[i], and zeros behind them.
	Prefixes bool
}

// Expand adds to a program the way back from bits to codes:
//
//	Code[i, c] = +1/√L if bit c of Bits[i] is set, else −1/√L
//
// It is exact: the values are those Quantize writes. Errors wrap [gpu.ErrShape].
func Expand(r *gpu.Recorder, a ExpandArgs) {
	const where = "bsq.Expand"
	n, l, err := launch.Matrix(where, "Code", a.Code)
	rows, prefixes := n, uint32(0)
	if a.Prefixes && err == nil {
		if rows, prefixes = n/words(l), 1; n%words(l) != 0 || a.Valid != nil {
			err = launch.Error(where, "prefixes of codes of %d words in %d rows, and Valid %v", words(l), n, a.Valid != nil)
		}
	}
	if err == nil {
		err = launch.Check(where, launch.U32("Bits", a.Bits, rows*words(l)), launch.Optional(launch.I32("Valid", a.Valid, n)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "bsq", "expand"),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Bits, a.Valid},
		Work:   launch.Work(0, a.Bits, a.Valid, a.Code),
		Out:    []*gpu.Tensor{a.Code},
		Params: []uint32{uint32(n), uint32(l), side(l), prefixes},
	})
}
