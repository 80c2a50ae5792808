package family

import (
	"context"
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	Register(request.Quads, func(device func() (*gpu.Device, error), s Spec) (Model, error) {
		dev, err := device()
		if err != nil {
			return nil, err
		}
		m, err := models.OpenQuads(dev, s.Dir, s.options())
		if err != nil {
			return nil, err
		}
		return quads{m, s.Limits}, nil
	})
}

// quads covers a surface with quads.
type quads struct {
	*models.Quads
	limits limit.Limits
}

func (f quads) Decode(_ context.Context, r request.Request) (Media, error) {
	if r.Input == "" {
		return Media{}, fmt.Errorf("family.Decode: %w: a quad model covers a mesh", ErrNoInput)
	}
	return readSurface(r, f.limits)
}

func (f quads) Tokenize(_ context.Context, r request.Request, m Media) (shard.Sample, Measures, error) {
	s, report, err := f.Quads.Tokenize(r.ID, m.Mesh)
	return s, Measures{
		"faces": float64(report.Faces), "quads": float64(report.Quads), "triangles": float64(report.Triangles),
		"merged_vertices": float64(report.MergedVertices),
	}, err
}

func (f quads) Generate(ctx context.Context, r request.Request, m Media) (*Result, error) {
	out, err := f.Quads.Generate(ctx, models.QuadRequest{
		ID: r.ID, Seed: r.Seed, Sampling: sampling(r), Source: m.Mesh, Faces: r.Faces,
	})
	if err != nil {
		return nil, err
	}
	measures := dropped(out.Decode)
	measures["ended"] = 0 // the face budget ran out first
	if out.Ended {
		measures["ended"] = 1
	}
	return &Result{
		Media: Media{Mesh: out.Mesh}, Sample: out.Sample, Tokens: out.Stats.Tokens,
		Elapsed: out.Stats.Elapsed, Waited: out.Stats.Waited, Measures: measures,
	}, nil
}

func (f quads) Detokenize(_ context.Context, s shard.Sample) (*Result, error) {
	m, report, err := f.Quads.Detokenize(s)
	if err != nil {
		return nil, err
	}
	return &Result{Media: Media{Mesh: m}, Sample: s, Measures: dropped(report)}, nil
}

// dropped counts what was drawn and is no face.
func dropped(r sequence.DecodeReport) Measures {
	return Measures{
		"bad_faces": float64(r.BadFaces), "degenerate_faces": float64(r.DegenerateFaces),
		"duplicate_faces": float64(r.DuplicateFaces), "out_of_order_faces": float64(r.OutOfOrder),
	}
}
