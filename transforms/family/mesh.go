package family

import (
	"context"
	"fmt"

	"github.com/morton-gen/morton/internal/interrupt"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	registerKind(request.Shape, reader{decode: decodeShape})
}

// decodeShape reads a request's mesh and the features of its text. Without an input a shape
// is generated from the text alone, or unconditionally.
func decodeShape(ctx context.Context, g *generator, r request.Request) (m Media, err error) {
	if r.Input != "" {
		m, err = readSurface(ctx, r, g.limits)
	}
	if r.Text != "" && err == nil {
		m.Text, err = readText(r.Text, g.model.System().TextWidth())
	}
	return m, err
}

// decodeQuads reads the mesh whose surface a request covers.
func decodeQuads(ctx context.Context, g *generator, r request.Request) (Media, error) {
	if r.Input == "" {
		return Media{}, fmt.Errorf("family.Decode: %w: a quad model covers a mesh", ErrNoInput)
	}
	return readSurface(ctx, r, g.limits)
}

// readSurface reads the mesh of a request, which must have area.
func readSurface(ctx context.Context, r request.Request, limits limit.Limits) (Media, error) {
	return interrupt.Value(ctx, func() (Media, error) {
		m, _, err := meshfile.Read(r.Input, meshfile.Options{Limits: limits, Scene: r.Scene})
		if err != nil {
			return Media{}, err
		}
		if err := mesh.CheckArea(m); err != nil {
			return Media{}, err
		}
		return Media{Mesh: m}, nil
	})
}
