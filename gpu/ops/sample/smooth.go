package sample

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// SmoothArgs are the operands of [Smooth].
type SmoothArgs struct {
	Logits *gpu.Tensor // f32 [n, v]
	Draw   *gpu.Tensor // u32 [n, 8]
	Temp   *gpu.Tensor // f32 [n, 2 or 3], as for Softmax
	Gain   float32     // of the logits, behind the filters
	Tau    float32     // temperature of the weights, above 0
	// Recorded are Gumbel numbers in place of random ones, f32 [slots, l, ...] of at least v
	// numbers a position, and Canvas the slot of each row, i32 [n]. Nil: none.
	Recorded, Canvas *gpu.Tensor
	Out              *gpu.Tensor // f32 [n, v]
}

// Smooth adds to a program the weights of a relaxed draw of a token for every row of logits:
//
//	w = softmax((gain·logits/T + g)/tau)
//
// over the tokens that the filters of [Softmax] leave, which see the logits as they are. T
// is the temperature and g are the Gumbel numbers of Softmax. For small tau all weight is on
// the token that Softmax draws. T = 0 gives it to the likeliest. Errors wrap [gpu.ErrShape].
//
// Source: Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax", 2016,
// arXiv:1611.01144; of scales, the option more_smooth of Tian et al., "Visual
// Autoregressive Modeling", 2024, arXiv:2404.02905.
func Smooth(r *gpu.Recorder, a SmoothArgs) {
	const where = "sample.Smooth"
	n, v, err := launch.Matrix(where, "Logits", a.Logits)
	temps, l, e := 2, 1, 0
	if a.Temp != nil && a.Temp.Elems() == 3*n {
		temps = 3
	}
	if err == nil && a.Recorded != nil {
		if len(a.Recorded.Shape) < 3 || a.Recorded.DType != tensor.F32 || a.Canvas == nil {
			err = launch.Error(where, "recorded numbers of %v", a.Recorded.Shape)
		} else if l = a.Recorded.Dim(1); a.Recorded.Elems()/a.Recorded.Dim(0)/l < v {
			err = launch.Error(where, "recorded numbers of %v for %d tokens", a.Recorded.Shape, v)
		} else {
			e = a.Recorded.Elems() / a.Recorded.Dim(0) / l
		}
	}
	if err == nil && !(a.Tau > 0) {
		err = launch.Error(where, "a temperature of weights of %g", a.Tau)
	}
	if err == nil {
		err = launch.Check(where, launch.F32("Logits", a.Logits, n*v), launch.U32("Draw", a.Draw, n*DrawWords), launch.F32("Temp", a.Temp, n*temps),
			launch.Optional(launch.I32("Canvas", a.Canvas, n)), launch.F32("Out", a.Out, n*v))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "smooth", launch.Flag(a.Recorded != nil)), Grid: gpu.Linear(n),
		In: []*gpu.Tensor{a.Logits, a.Draw, a.Temp, a.Canvas, a.Recorded}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(n), uint32(v), uint32(temps), uint32(l), uint32(e), gpu.F32Param(a.Gain), gpu.F32Param(a.Tau)},
		Work:   launch.Work(20*n*v, a.Logits, a.Draw, a.Temp, a.Out, a.Out),
	})
}
