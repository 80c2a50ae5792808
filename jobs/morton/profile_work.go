package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/shape"
)

// work is what profile runs: some requests to a model at once, made up so that no
// file is needed and every run draws the same.
type work struct {
	name  string
	batch int
	close func()
	one   func(ctx context.Context, id string) (tokens int, err error)
}

// openWork opens the family's model; dir "" is the shipped one.
func openWork(dev *gpu.Device, family, dir string, batch int) (*work, error) {
	o := models.Options{Slots: batch}
	ball, stick := mesh.UVSphere(24, 12), mesh.Box(mesh.Vec3{-1, -0.1, -0.1}, mesh.Vec3{1, 0.1, 0.1}) // a stick has few cells
	switch family {
	case shard.KindQuad:
		m, err := models.OpenQuads(dev, dir, o)
		if err != nil {
			return nil, err
		}
		return &work{m.Name(), batch, m.Close, func(ctx context.Context, id string) (int, error) {
			out, err := m.Generate(ctx, models.QuadRequest{ID: id, Seed: 1, Source: ball, Faces: 40})
			if err != nil {
				return 0, err
			}
			return out.Stats.Tokens, nil
		}}, nil
	case shard.KindOctree:
		m, err := models.OpenShapes(dev, dir, o)
		if err != nil {
			return nil, err
		}
		return &work{m.Name(), batch, m.Close, func(ctx context.Context, id string) (int, error) {
			r := models.ShapeRequest{ID: id, Seed: 1, Source: stick, Depth: m.DefaultDepth() - 1}
			out, err := m.Generate(ctx, r)
			if errors.Is(err, shape.ErrDepth) { // the model knows one depth
				r.Depth++
				out, err = m.Generate(ctx, r)
			}
			if err != nil {
				return 0, err
			}
			return out.Stats.Tokens, nil
		}}, nil
	}
	m, err := models.OpenVideos(dev, dir, o)
	if err != nil {
		return nil, err
	}
	waves := waves(m.Config())
	return &work{m.Name(), batch, m.Close, func(ctx context.Context, id string) (int, error) {
		out, err := m.Generate(ctx, models.VideoRequest{ID: id, Seed: 1, Prefix: waves, Frames: waves.T})
		if err != nil {
			return 0, err
		}
		return out.Stats.Tokens, nil
	}}, nil
}

// all runs the batch and returns how many tokens it drew.
func (w *work) all(ctx context.Context) (int, error) {
	tokens, errs := make([]int, w.batch), make([]error, w.batch)
	var wg sync.WaitGroup
	for i := range w.batch {
		wg.Go(func() { tokens[i], errs[i] = w.one(ctx, fmt.Sprint("profile-", i)) })
	}
	wg.Wait()
	sum := 0
	for i, err := range errs {
		if errors.Is(err, mesh.ErrEmpty) {
			errs[i] = nil // drawn, and no mesh: the time is the same
		}
		sum += tokens[i]
	}
	return sum, errors.Join(errs...)
}

// waves is a clip of two cubes of frames in which something moves.
func waves(c models.VideoConfig) *clip.Clip {
	out := clip.New(2*c.FramesPerCube, c.Size, c.Size, c.Rate)
	for t := range out.T {
		f := out.Frame(t)
		for i := range f {
			x, y := float64(i/3%c.Size), float64(i/3/c.Size)
			f[i] = uint8(127.5 + 127*math.Sin((x+2*float64(t))/5)*math.Cos((y+float64(10*(i%3)))/7))
		}
	}
	return out
}
