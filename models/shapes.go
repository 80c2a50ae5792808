package models

import (
	"context"
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/shape"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// Shapes makes closed quad surfaces: it refines the coarse octree of a mesh, or
// starts from nothing. Safe for concurrent use.
type Shapes struct{ *generator }

// OpenShapes opens an octree model; dir "" is the shipped one.
func OpenShapes(dev *gpu.Device, dir string, o Options) (*Shapes, error) {
	g, err := openGenerator(dev, dir, shard.KindOctree, o)
	if err != nil {
		return nil, err
	}
	return &Shapes{g}, nil
}

// ShapeRequest asks for one surface.
type ShapeRequest struct {
	ID          string
	Seed        uint64
	Sampling    *Sampling  // nil: the model's defaults
	Source      *mesh.Mesh // nil: from nothing
	PrefixDepth int        // levels taken from the source; 0 means two above Depth
	Depth       int        // of the leaves; 0 means the deepest the model knows
}

// ShapeResult is one surface.
type ShapeResult struct {
	Mesh    *mesh.Mesh // in the source's coordinates; in [-1, 1]³ without one
	Prompt  *mesh.Mesh // the cells the prompt alone has; nil without a source
	Sample  shard.Sample
	Parts   surface.Parts // of the source
	Surface surface.Report
	Stats   Stats
}

// DefaultDepth returns the depth of a request that names none.
func (g *Shapes) DefaultDepth() int { return g.cfg.Shape.MaxDepth }

// Tokenize turns a mesh into a sample of the given depth (0: the default).
func (g *Shapes) Tokenize(id string, m *mesh.Mesh, depth int) (shard.Sample, surface.Parts, error) {
	if depth == 0 {
		depth = g.DefaultDepth()
	}
	if err := m.Validate(); err != nil {
		return shard.Sample{}, surface.Parts{}, err
	}
	frame := octree.Fit(m, surface.FitExtent)
	s, parts, err := shape.Tokenize(id, frame.Mesh(m), depth)
	if err == nil {
		setPlace(&s, backFrom(frame))
	}
	return s, parts, err
}

// backFrom returns the map from the domain to the source's units.
func backFrom(f octree.Frame) mesh.Transform {
	return mesh.Transform{Scale: 1 / f.Scale, Offset: f.Center}
}

// Detokenize turns a sample into a closed quad mesh, at its source's place and
// size if the sample has them, else in [-1, 1]³. The error wraps shape.ErrSample or
// shard.ErrSample.
func (g *Shapes) Detokenize(s shard.Sample) (*mesh.Mesh, surface.Report, error) {
	m, report, err := shape.Decode(s)
	if err != nil {
		return nil, report, err
	}
	m, err = placed(&s, m)
	return m, report, err
}

// Loss says what of a source is not in the surface of a sample made from it, whose
// parts Tokenize or Generate returned.
func (g *Shapes) Loss(source *mesh.Mesh, s shard.Sample, parts surface.Parts) (surface.Loss, error) {
	m, _, err := shape.Decode(s)
	if err != nil {
		return surface.Loss{}, err
	}
	return surface.LossOf(octree.Fit(source, surface.FitExtent).Mesh(source), m, int(s.Grid[0]), parts)
}

// Generate makes one surface. Errors: mesh's and octree's for a bad source,
// shape.ErrDepth, engine.ErrTooLong, gpu.ErrDeviceLost.
func (g *Shapes) Generate(ctx context.Context, r ShapeRequest) (*ShapeResult, error) {
	if r.Depth == 0 {
		r.Depth = g.DefaultDepth()
	}
	tree, frame, parts, err := g.prompt(&r)
	if err != nil {
		return nil, err
	}
	seq, _, err := g.cfg.Shape.Prompt(tree, r.Depth)
	if err != nil {
		return nil, err
	}
	req := g.request(r.ID, r.Seed, r.Sampling)
	req.Tokens = seq.Tokens
	req.Schedule = func() (system.Schedule, error) {
		seq, next, err := g.cfg.Shape.Prompt(tree, r.Depth)
		if err != nil {
			return nil, err
		}
		return g.cfg.Network.Schedule(seq, seq.Draw, next), nil
	}
	res, err := g.engine.Generate(ctx, req)
	if err != nil {
		return nil, err
	}
	out := &ShapeResult{Parts: parts, Stats: stats(res)}
	if out.Sample, err = shape.Sample(r.ID, res.Tokens, r.Depth); err != nil {
		return nil, err
	}
	m, report, err := shape.Decode(out.Sample)
	if err != nil {
		return nil, err
	}
	if m.NumFaces() == 0 {
		return nil, fmt.Errorf("models.Shapes: %w: no leaf's code crosses the surface", mesh.ErrEmpty)
	}
	out.Mesh, out.Surface = frame.InvertMesh(m), report
	if r.Source != nil {
		out.Prompt = frame.InvertMesh(cells(tree))
		setPlace(&out.Sample, backFrom(frame))
	}
	return out, nil
}

// prompt returns the tree that a request starts from, and the parts of its source.
func (g *Shapes) prompt(r *ShapeRequest) (*octree.Octree, octree.Frame, surface.Parts, error) {
	var parts surface.Parts
	if r.Source == nil {
		root, err := octree.FromKeys(0, []octree.Key{0})
		return root, octree.Frame{Scale: 1}, parts, err
	}
	if r.PrefixDepth == 0 {
		r.PrefixDepth = max(r.Depth-2, 1)
	}
	if r.PrefixDepth < 1 || r.PrefixDepth > r.Depth {
		return nil, octree.Frame{}, parts, fmt.Errorf("models.Shapes: %w: prefix depth %d for depth %d", shape.ErrDepth, r.PrefixDepth, r.Depth)
	}
	if err := g.cfg.Shape.CheckDepth(r.Depth); err != nil {
		return nil, octree.Frame{}, parts, err
	}
	if err := r.Source.Validate(); err != nil {
		return nil, octree.Frame{}, parts, err
	}
	frame := octree.Fit(r.Source, surface.FitExtent)
	// The tree of the full depth, cut: its cells are those the model was trained
	// on, which a thickened sheet makes more than the surface alone touches.
	full, _, parts, err := surface.Build(frame.Mesh(r.Source), r.Depth)
	if err != nil {
		return nil, frame, parts, err
	}
	tree, err := full.Truncate(r.PrefixDepth)
	return tree, frame, parts, err
}

// cells returns the boxes of a tree's leaves as one quad mesh of its outer faces.
func cells(o *octree.Octree) *mesh.Mesh {
	m := &mesh.Mesh{}
	corner := map[[3]uint32]int32{}
	vertex := func(x, y, z uint32) int32 {
		k := [3]uint32{x, y, z}
		if i, ok := corner[k]; ok {
			return i
		}
		i := m.AddVertex(octree.FromGrid(mesh.Vec3{float64(x), float64(y), float64(z)}, o.Depth))
		corner[k] = i
		return i
	}
	for row, key := range o.Leaves() {
		x, y, z := key.Decode()
		near := o.Neighbours26(o.Depth, row)
		for _, f := range boxFaces {
			if near[f.neighbour] >= 0 {
				continue
			}
			var c [4]int32
			for i, d := range f.corners {
				c[i] = vertex(x+d[0], y+d[1], z+d[2])
			}
			_ = m.AddFace(c[:]...) // the corners were just added
		}
	}
	return m
}

// boxFaces are a cell's faces, counter-clockwise from outside, with the entry of
// octree.Neighbours26 behind each.
var boxFaces = []struct {
	neighbour int
	corners   [4][3]uint32
}{
	{4, [4][3]uint32{{0, 0, 0}, {0, 0, 1}, {0, 1, 1}, {0, 1, 0}}},
	{22, [4][3]uint32{{1, 0, 0}, {1, 1, 0}, {1, 1, 1}, {1, 0, 1}}},
	{10, [4][3]uint32{{0, 0, 0}, {1, 0, 0}, {1, 0, 1}, {0, 0, 1}}},
	{16, [4][3]uint32{{0, 1, 0}, {0, 1, 1}, {1, 1, 1}, {1, 1, 0}}},
	{12, [4][3]uint32{{0, 0, 0}, {0, 1, 0}, {1, 1, 0}, {1, 0, 0}}},
	{14, [4][3]uint32{{0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}}},
}
