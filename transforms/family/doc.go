// Package family gives the pipelines one face for every kind of model: decode an
// input, tokenize it, generate from it, turn tokens back into media. A new kind
// is one file here that registers itself. Models and devices are opened once a
// process and shared by whoever leases them.
//
// It is not for the models themselves (see models), and knows no Beam.
//
//	lease := family.Acquire(family.Spec{Family: request.Quads})
//	defer lease.Release()
//	model, err := lease.Model()
//	if err != nil {
//		return err
//	}
//	result, err := model.Generate(ctx, r, media)
package family
