// Package models puts the families together: model folders, shipped weights, and
// generators that take media in and give media out. Its subpackages hold the
// parts: the shared transformer, the decoding engine, training, and a package a
// family (cube, shape, quad).
//
// It is not for Beam (see transforms) nor for files of media (see codecs, mesh).
//
//	dev, err := gpu.Open(gpu.Options{})
//	q, err := models.OpenQuads(dev, "", models.Options{}) // the shipped model
//	defer q.Close()
//	res, err := q.Generate(ctx, models.QuadRequest{ID: "chair", Seed: 1, Source: m, Faces: 200})
//
// A model folder holds config.json and model.safetensors, and for video
// tokenizer.safetensors.
package models
