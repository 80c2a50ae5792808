package octree

import (
	"cmp"
	"fmt"
	"maps"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// Tokenizer implements [system.Tokenizer]. It needs no device.
type Tokenizer struct{ Config }

// Close implements [system.Tokenizer].
func (t Tokenizer) Close() {}

// Encode turns a mesh into a sample of the wanted depth. The measures are its parts, and
// what of it is not in the sample's surface. Errors are mesh's and octree's.
func (t Tokenizer) Encode(id string, m system.Media, e system.Extent) (shard.Sample, system.Measures, error) {
	source, frame, err := t.fit(m)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	s, parts, err := Tokenize(id, source, t.depth(e), e)
	if err != nil {
		return s, nil, err
	}
	tokenizer.SetPlace(&s, backFrom(frame))
	all := system.Measures{
		"solid_parts": float64(parts.Solid), "sealed_parts": float64(parts.Sealed), "sheet_parts": float64(parts.Sheets),
	}
	if made, _, err := Decode(s); err == nil {
		addLoss(all, source, made, t.depth(e), parts)
	}
	return s, all, nil
}

// fit returns the mesh of media in the domain.
func (t Tokenizer) fit(m system.Media) (*mesh.Mesh, octree.Frame, error) {
	source, err := tokenizer.Source(m)
	if err == nil {
		err = source.Validate()
	}
	if err != nil {
		return nil, octree.Frame{}, err
	}
	frame := octree.Fit(source, surface.FitExtent)
	return frame.Mesh(source), frame, nil
}

func (t Tokenizer) depth(e system.Extent) int {
	return cmp.Or(e.Depth, t.Default())
}

// backFrom returns the map from the domain to the source's units.
func backFrom(f octree.Frame) mesh.Transform {
	return mesh.Transform{Scale: 1 / f.Scale, Offset: f.Center}
}

// addLoss adds what of a source is not in a surface. A loss that cannot be measured is
// left out, and costs no result.
func addLoss(all system.Measures, source, made *mesh.Mesh, depth int, parts surface.Parts) {
	if loss, err := surface.LossOf(source, made, depth, parts); err == nil {
		maps.Copy(all, LossMeasures(loss))
	}
}

// LossMeasures are the measures of what an octree lost.
func LossMeasures(l surface.Loss) system.Measures {
	return system.Measures{
		"lost_share": l.Share, "lost_parts": float64(l.Parts), "source_parts": float64(l.Of),
		"buried_parts": float64(l.Buried), "thickened_leaves": float64(l.Thickened),
	}
}

// Decode turns a sample into a closed quad mesh, at its source's place and size if the
// sample has them, else in [-1, 1]³. The error wraps [ErrSample] or shard.ErrSample.
func (t Tokenizer) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	m, report, err := Decode(s)
	if err == nil {
		m, err = tokenizer.Placed(&s, m)
	}
	return system.Media{Mesh: m}, measures(report), err
}

func measures(r surface.Report) system.Measures {
	return system.Measures{
		"active_leaves": float64(r.Active), "idle_leaves": float64(r.Idle), "added_cells": float64(r.Added),
		"disputed_corners": float64(r.Disputed),
	}
}

// Begin starts from the coarse octree of a mesh, or from the root without one. Finish
// gives a closed quad surface. Errors: mesh's and octree's for a bad source, [ErrDepth],
// mesh.ErrEmpty.
func (t Tokenizer) Begin(id string, m system.Media, e system.Extent) (*system.Beginning, error) {
	r := refinement{id: id, depth: t.depth(e), back: mesh.Transform{Scale: 1}}
	if err := t.CheckDepth(r.depth); err != nil {
		return nil, err
	}
	var given []uint32
	if m.Mesh != nil {
		var err error
		if given, err = t.prefix(&r, m, e); err != nil {
			return nil, err
		}
	}
	return &system.Beginning{Prompt: system.Prompt{Given: given, Depth: r.depth}, Finish: r.finish}, nil
}

// prefix returns the tokens of a mesh's first levels. They are of the tree of the full
// depth, cut. Its cells are those that the model was trained on, which a thickened sheet
// makes more than the surface alone touches.
func (t Tokenizer) prefix(r *refinement, m system.Media, e system.Extent) ([]uint32, error) {
	levels := e.PrefixDepth
	if levels == 0 {
		levels = max(r.depth-2, 1)
	}
	if levels < 1 || levels > r.depth {
		return nil, fmt.Errorf("octree.Begin: %w: prefix depth %d for depth %d", ErrDepth, levels, r.depth)
	}
	source, frame, err := t.fit(m)
	if err != nil {
		return nil, err
	}
	full, _, parts, err := surface.Build(source, r.depth)
	if err != nil {
		return nil, err
	}
	tree, err := full.Truncate(levels)
	if err != nil {
		return nil, err
	}
	r.source, r.parts, r.back = source, parts, backFrom(frame)
	return nodes(tree), nil
}

// refinement is a request on its way.
type refinement struct {
	id     string
	depth  int
	source *mesh.Mesh // in the domain; nil: from nothing
	parts  surface.Parts
	back   mesh.Transform
}

func (r *refinement) finish(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
	s, err := Sample(r.id, tokens, r.depth)
	if err != nil {
		return system.Media{}, s, nil, err
	}
	made, report, err := Decode(s)
	if err != nil {
		return system.Media{}, s, nil, err
	}
	if made.NumFaces() == 0 {
		return system.Media{}, s, nil, fmt.Errorf("octree.Finish: %w: no leaf's code crosses the surface", mesh.ErrEmpty)
	}
	all := measures(report)
	if r.source != nil {
		tokenizer.SetPlace(&s, r.back)
		addLoss(all, r.source, made, r.depth, r.parts)
	}
	return system.Media{Mesh: mesh.Transformed(made, r.back.Matrix())}, s, all, nil
}
