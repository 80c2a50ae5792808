// Package models puts the parts together: model folders, published checkpoints, shipped
// weights, and generators that take media in and give media out. Its subpackages hold
// the parts. system, order, input, nn, head and sampler make a generator, and systems
// has the published ones. engine runs it, train trains it. cube, shape and quad are
// Morton's own families.
//
// It is not for Beam (see transforms) nor for files of media (see codecs, mesh).
//
//	dev, err := gpu.Open(gpu.Options{})
//	q, err := models.OpenQuads(dev, "", models.Options{}) // the shipped model
//	defer q.Close()
//	res, err := q.Generate(ctx, models.QuadRequest{ID: "chair", Seed: 1, Source: m, Faces: 200})
//
// A model folder holds config.json and model.safetensors, and for video
// tokenizer.safetensors. A published checkpoint may be one file, see [OpenPublished].
package models
