// Package models puts the parts together: model folders, published checkpoints, shipped
// weights, and open models that take media in and give media out. Its subpackages hold
// the parts. system, order, input, nn, head, sampler and tokenizer make a generator, and
// systems picks them, one file a system. engine runs it, train trains it.
//
// It is not for Beam (see transforms) nor for files of media (see codecs, mesh).
//
//	dev, err := gpu.Open(gpu.Options{})
//	m, err := models.Open(dev, system.Quads, "", models.Options{}) // the shipped model
//	defer m.Close()
//	res, err := m.Generate(ctx, models.Request{
//		ID: "chair", Seed: 1, Source: system.Media{Mesh: chair}, Extent: system.Extent{Faces: 200},
//	})
//
// A model folder holds config.json and model.safetensors, and for video
// tokenizer.safetensors. A published checkpoint may be one file, see [OpenPublished].
package models
