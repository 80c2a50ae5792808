// Package family gives pipelines one interface to every kind of model: decode an
// input, tokenize it, generate from it, decode tokens to media. A new kind is
// one file here that registers itself. Models and devices are opened once per
// process and shared by their lessees.
//
// It is not for the models themselves (see models), and does not depend on Beam.
//
//	lease := family.Acquire(family.Spec{Family: request.Quads})
//	defer lease.Release()
//	model, err := lease.Model()
//	if err != nil {
//		return err
//	}
//	result, err := model.Generate(ctx, r, media)
package family
