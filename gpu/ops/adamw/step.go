package adamw

import (
	"embed"
	"errors"
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

//go:embed *.spv
var shaders embed.FS

// perLane is how many pairs of floats a lane takes: U in step.comp.
const perLane = 16

// HyperLen is the length of the tensor [StepArgs].Hyper.
const HyperLen = 9

// StepArgs are the operands of [Step].
type StepArgs struct {
	P, G, M, V *gpu.Tensor // f32 [n]: parameters, gradient, first and second moment
	Norm       *gpu.Tensor // f32 [1]: the norm of the whole gradient, see [Norm]
	Hyper      *gpu.Tensor // f32 [9]: see [Hyper]
	Copy       *gpu.Tensor // f16 or bf16 [n], n even, optional: P as the network reads it
	Decay      bool        // apply the weight decay
	ZeroGrad   bool        // set G to 0 afterwards, also if the step was skipped
}

// Step adds one step of the optimizer to a program. G and Norm are scale times the
// gradient g and its norm. With g' = g·min(1, maxNorm/norm), or g if maxNorm is 0:
//
//	m ← β₁·m + (1-β₁)·g'
//	v ← β₂·v + (1-β₂)·g'²
//	p ← p - lr·( (m/(1-β₁ᵗ)) / (√(v/(1-β₂ᵗ)) + eps) + decay·p )   (decay only if Decay)
//
// If Norm is NaN or Inf, the step is skipped whole: P, M and V keep their bits.
// G is zeroed all the same if ZeroGrad, or a gradient that accumulates would
// never recover.
//
// Copy is set to P in its type, as by [elementwise.Narrow], whether or not the step was
// skipped.
//
// P, G, M and V may be views of one flat tensor each, one step a view, to decay
// some parameters and not others. If n is even they, and
// Copy, must start at an even element of their allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2017,
// arXiv:1711.05101, algorithm 2; as is usual now, the decay is multiplied by lr.
func Step(r *gpu.Recorder, a StepArgs) {
	const where = "adamw.Step"
	if a.P == nil {
		r.Fail(launch.Error(where, "P is nil"))
		return
	}
	n := a.P.Elems()
	err := launch.Check(where, launch.F32("P", a.P, n), launch.F32("G", a.G, n), launch.F32("M", a.M, n), launch.F32("V", a.V, n),
		launch.F32("Norm", a.Norm, 1), launch.F32("Hyper", a.Hyper, HyperLen))
	kind, narrow := launch.Narrow(where, "Copy", a.Copy, n)
	err = errors.Join(err, narrow)
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "adamw", "step", launch.Flag(launch.Even(n)), launch.Flag(a.Decay), launch.Flag(a.ZeroGrad), kind),
		Grid:   gpu.Linear(launch.Ceil(n, 2*perLane*r.Device().SubgroupWidth())),
		In:     []*gpu.Tensor{a.Norm, a.Hyper},
		Out:    []*gpu.Tensor{a.P, a.G, a.M, a.V, a.Copy},
		Params: []uint32{uint32(n)},
		Work:   launch.Work(16*n, a.Norm, a.Hyper, a.P, a.P, a.G, launch.Again(a.ZeroGrad, a.G), a.M, a.M, a.V, a.V, a.Copy),
	})
}

// Hyper returns the values of [StepArgs].Hyper at a step, counted from 1: lr, β₁, β₂, eps,
// weight decay, 1-β₁ᵗ, 1-β₂ᵗ, maxNorm (0: gradients are not clipped), 1/scale. The loss
// scale is a power of two, so dividing by it is exact. The corrections are computed in
// float64 from the betas as f32 has them. A step below 1 is a broken invariant of the
// caller, and panics.
func Hyper(lr, beta1, beta2, eps, wd, maxNorm, scale float64, step int) []float32 {
	if step < 1 {
		panic(fmt.Sprintf("adamw.Hyper: step %d, they count from 1", step))
	}
	correction := func(beta float64) float32 { return float32(1 - math.Pow(float64(float32(beta)), float64(step))) }
	return []float32{
		float32(lr), float32(beta1), float32(beta2), float32(eps), float32(wd),
		correction(beta1), correction(beta2), float32(maxNorm), float32(1 / scale),
	}
}
