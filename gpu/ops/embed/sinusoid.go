package embed

import (
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// Order says where an axis' sines and cosines stand.
type Order int

// The orders that systems have.
const (
	SinCos      Order = iota // all sines, then all cosines
	CosSin                   // all cosines, then all sines: the timesteps of DiT
	Interleaved              // sine and cosine in turn: the positions of OctGPT
)

// Frequencies returns base^(-i/h) for i of 0..h-1 as the table [2, h] that
// [SinusoidArgs] has: each as a float, and in the second row what that leaves out.
func Frequencies(h int, base float64) []float32 {
	out := make([]float32, 2*h)
	for i := range h {
		f := math.Pow(base, -float64(i)/float64(h))
		out[i] = float32(f)
		out[h+i] = float32(f - float64(out[i]))
	}
	return out
}

// SinusoidArgs are the operands of [Sinusoid].
type SinusoidArgs struct {
	Pos   *gpu.Tensor // f32 [n, axes]: timesteps, or positions
	Freq  *gpu.Tensor // f32 [2, h], see Frequencies
	Out   *gpu.Tensor // f32 [n, axes·2h]
	Order Order
	Add   bool // add to Out instead of overwriting it
}

// Sinusoid adds to a program the sines and cosines of positions at h frequencies, axis
// after axis:
//
//	out[r, a·2h + …] = sin(pos[r, a]·freq[i]), cos(pos[r, a]·freq[i])
//
// in the places of [Order]. Angles have more digits than a float, so |error| <= 8·10⁻⁷ +
// 2·10⁻¹⁰·|angle| for angles up to 10⁵, and one rounding more with Add. A row's bits do
// not depend on the other rows. There is no gradient: positions are not learned. Shape errors wrap
// [gpu.ErrShape] and come out of Finish.
//
// Source: Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762, section
// 3.5; for timesteps, Peebles and Xie, arXiv:2212.09748, with a base of 10000; for the
// three axes of an octree, OctGPT, arXiv:2504.09975, with a base of 100.
func Sinusoid(r *gpu.Recorder, a SinusoidArgs) {
	const where = "embed.Sinusoid"
	n, axes, err := launch.Matrix(where, "Pos", a.Pos)
	if err == nil && (a.Freq == nil || a.Freq.Elems()%2 != 0 || a.Order < SinCos || a.Order > Interleaved) {
		err = launch.Error(where, "no table of two rows, or order %d", a.Order)
	}
	if err != nil {
		r.Fail(err)
		return
	}
	h := a.Freq.Elems() / 2
	if err := launch.Check(where, launch.F32("Pos", a.Pos, n*axes), launch.F32("Freq", a.Freq, 2*h), launch.F32("Out", a.Out, n*axes*2*h)); err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "embed", "sinusoid", uint32(a.Order), launch.Flag(a.Add)),
		Grid:   gpu.Linear(n),
		In:     []*gpu.Tensor{a.Pos, a.Freq},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(n), uint32(axes), uint32(h)},
		Work:   launch.Work(12*a.Out.Elems(), a.Pos, a.Freq, a.Out, launch.Again(a.Add, a.Out)),
	})
}
