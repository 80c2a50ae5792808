// Package adamw is the optimizer: the gradient's norm and one fused step over a
// flat tensor of parameters.
//
//	adamw.Norm(rec, adamw.NormArgs{G: g, Out: norm})
//	adamw.Step(rec, adamw.StepArgs{P: p, G: g, M: m, V: v, Norm: norm, Hyper: hyper, Decay: true, ZeroGrad: true})
//	…
//	err := hyper.WriteF32(adamw.Hyper(1e-3, 0.9, 0.95, 1e-8, 0.1, 1, 1, step)) // before each run
//
// It is not for learning-rate schedules (see models).
//
// Letters: n parameters, t the step, from 1.
package adamw
