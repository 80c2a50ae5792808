package elementwise

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// perLane is how many pairs of floats a lane takes: U in axpy.comp.
const perLane = 16

// AddArgs are the operands of [Add].
type AddArgs struct {
	A, B  *gpu.Tensor // f32 of any shape, as many elements each
	Out   *gpu.Tensor // f32, as many; may be A or B
	Alpha float32     // 0 means 1
}

// Add adds to a program
//
//	out = a + alpha·b
//
// Its error is at most 2⁻²³·(|a| + |alpha·b|). If the number of elements is even,
// the tensors must start at an even element of their allocation. Shape errors
// wrap [gpu.ErrShape] and come out of the recorder's Finish.
func Add(r *gpu.Recorder, a AddArgs) {
	if a.Alpha == 0 {
		a.Alpha = 1
	}
	flat(r, "add", []*gpu.Tensor{a.A, a.B}, a.Out, a.Alpha)
}

// ScaleArgs are the operands of [Scale].
type ScaleArgs struct {
	X   *gpu.Tensor // f32 of any shape
	Out *gpu.Tensor // f32, as many elements; may be X
	By  float32     // taken as it is: 0 gives zeros (and NaN of NaN)
}

// Scale adds to a program
//
//	out = by·x
//
// rounded once. Alignment and errors are as for [Add].
func Scale(r *gpu.Recorder, a ScaleArgs) { flat(r, "scale", []*gpu.Tensor{a.X}, a.Out, a.By) }

func flat(r *gpu.Recorder, kernel string, in []*gpu.Tensor, out *gpu.Tensor, by float32) {
	where := "elementwise." + kernel
	if out == nil {
		r.Fail(launch.Error(where, "Out is nil"))
		return
	}
	n := out.Elems()
	wants := []launch.Want{launch.F32("Out", out, n)}
	for _, t := range in {
		wants = append(wants, launch.F32("input", t, n))
	}
	if err := launch.Check(where, wants...); err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "elementwise", kernel, launch.Flag(launch.Even(n))),
		Grid:   gpu.Linear(launch.Ceil(n, 2*perLane*r.Device().SubgroupWidth())),
		In:     in,
		Out:    []*gpu.Tensor{out},
		Params: []uint32{uint32(n), gpu.F32Param(by)},
		Work:   launch.Work(n*len(in), append(in, out)...),
	})
}
