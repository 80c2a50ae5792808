package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/octree"
)

// work is what profile runs: a batch of synthetic requests, the same in every
// run.
type work struct {
	name  string
	batch int
	close func()
	one   func(ctx context.Context, id string) (tokens int, err error)
}

// openWork opens the model of one of our systems; dir "" is the shipped one.
func openWork(dev *gpu.Device, p system.Published, dir string, batch int) (*work, error) {
	m, err := models.Open(dev, p.Kind, dir, models.Options{Slots: batch})
	if err != nil {
		return nil, err
	}
	ask := madeUp(p.Kind, m.System().Format)
	return &work{m.Name(), batch, m.Close, func(ctx context.Context, id string) (int, error) {
		r := ask
		r.ID, r.Seed = id, 1
		out, err := m.Generate(ctx, r)
		if errors.Is(err, octree.ErrDepth) { // the model has one depth
			r.Extent.Depth++
			out, err = m.Generate(ctx, r)
		}
		if err != nil {
			return 0, err
		}
		return out.Stats.Tokens, nil
	}}, nil
}

// madeUp returns a synthetic request for a kind: it covers a ball, refines a stick, which
// has few cells, or continues a clip.
func madeUp(kind string, f system.Format) (r models.Request) {
	switch kind {
	case system.Quads:
		r.Source.Mesh, r.Extent.Faces = mesh.UVSphere(24, 12), 40
	case system.Shape:
		r.Source.Mesh, r.Extent.Depth = mesh.Box(mesh.Vec3{-1, -0.1, -0.1}, mesh.Vec3{1, 0.1, 0.1}), f.Depth-1
	case system.Video:
		r.Source.Clip = waves(f)
		r.Extent.Frames = r.Source.Clip.T
	}
	return r
}

// all runs the batch and returns the number of sampled tokens.
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
			errs[i] = nil // sampled, but no mesh: the time is the same
		}
		sum += tokens[i]
	}
	return sum, errors.Join(errs...)
}

// waves is a clip of two cubes of frames with motion.
func waves(c system.Format) *clip.Clip {
	out := clip.New(2*c.Frames, c.H, c.W, c.Rate)
	for t := range out.T {
		f := out.Frame(t)
		for i := range f {
			x, y := float64(i/3%c.W), float64(i/3/c.W)
			f[i] = uint8(127.5 + 127*math.Sin((x+2*float64(t))/5)*math.Cos((y+float64(10*(i%3)))/7))
		}
	}
	return out
}
