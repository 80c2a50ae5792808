package family

import (
	"context"
	"maps"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/octree/surface"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	Register(request.Shape, func(device func() (*gpu.Device, error), s Spec) (Model, error) {
		dev, err := device()
		if err != nil {
			return nil, err
		}
		m, err := models.OpenShapes(dev, s.Dir, s.options())
		if err != nil {
			return nil, err
		}
		return shapes{m, s.Limits}, nil
	})
}

// shapes refines octrees, or makes them from nothing.
type shapes struct {
	*models.Shapes
	limits limit.Limits
}

func (f shapes) Decode(_ context.Context, r request.Request) (Media, error) {
	if r.Input == "" {
		return Media{}, nil
	}
	return readSurface(r, f.limits)
}

func (f shapes) Tokenize(_ context.Context, r request.Request, m Media) (shard.Sample, Measures, error) {
	s, parts, err := f.Shapes.Tokenize(r.ID, m.Mesh, r.Depth)
	if err != nil {
		return s, nil, err
	}
	all := Measures{
		"solid_parts": float64(parts.Solid), "sealed_parts": float64(parts.Sealed), "sheet_parts": float64(parts.Sheets),
	}
	f.addLoss(all, m, s, parts)
	return s, all, nil
}

// addLoss adds what of a source is not in a sample's surface. A loss that cannot be
// measured is left out, and costs no result.
func (f shapes) addLoss(all Measures, source Media, s shard.Sample, parts surface.Parts) {
	if source.Mesh == nil {
		return
	}
	if loss, err := f.Shapes.Loss(source.Mesh, s, parts); err == nil {
		maps.Copy(all, LossMeasures(loss))
	}
}

// LossMeasures are the measures of what an octree lost, as reports name them.
func LossMeasures(l surface.Loss) Measures {
	return Measures{
		"lost_share": l.Share, "lost_parts": float64(l.Parts), "source_parts": float64(l.Of),
		"buried_parts": float64(l.Buried), "thickened_leaves": float64(l.Thickened),
	}
}

func (f shapes) Generate(ctx context.Context, r request.Request, m Media) (*Result, error) {
	out, err := f.Shapes.Generate(ctx, models.ShapeRequest{
		ID: r.ID, Seed: r.Seed, Sampling: sampling(r), Source: m.Mesh, PrefixDepth: r.PrefixDepth, Depth: r.Depth,
	})
	if err != nil {
		return nil, err
	}
	all := leaves(out.Surface)
	f.addLoss(all, m, out.Sample, out.Parts)
	return &Result{
		Media: Media{Mesh: out.Mesh}, Sample: out.Sample, Tokens: out.Stats.Tokens,
		Elapsed: out.Stats.Elapsed, Waited: out.Stats.Waited, Measures: all,
	}, nil
}

func (f shapes) Detokenize(_ context.Context, s shard.Sample) (*Result, error) {
	m, report, err := f.Shapes.Detokenize(s)
	if err != nil {
		return nil, err
	}
	return &Result{Media: Media{Mesh: m}, Sample: s, Measures: leaves(report)}, nil
}

func leaves(r surface.Report) Measures {
	return Measures{
		"active_leaves": float64(r.Active), "idle_leaves": float64(r.Idle), "added_cells": float64(r.Added),
		"disputed_corners": float64(r.Disputed),
	}
}
