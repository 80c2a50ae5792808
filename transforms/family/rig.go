package family

import (
	"context"
	"errors"
	"fmt"

	"github.com/morton-gen/morton/internal/interrupt"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	registerKind(request.Rig, reader{decode: decodeRig})
}

// decodeRig reads the mesh that a request wants a skeleton for, with the skeleton that it has: which
// samples are made of, and nothing is generated from.
func decodeRig(ctx context.Context, g *generator, r request.Request) (Media, error) {
	if r.Input == "" {
		return Media{}, fmt.Errorf("family.Decode: %w: a rig is made for a mesh", ErrNoInput)
	}
	f, err := meshfile.Detect(r.Input)
	if err != nil {
		return Media{}, err
	}
	if f != meshfile.GLTF {
		return readSurface(ctx, r, g.limits)
	}
	return interrupt.Value(ctx, func() (Media, error) {
		skinned, _, err := gltf.ReadRig(r.Input, gltf.ReadOptions{Limits: g.limits, Scene: r.Scene})
		switch {
		case errors.Is(err, rig.ErrRig):
			return readSurface(ctx, r, g.limits)
		case err == nil:
			err = mesh.CheckArea(skinned.Mesh)
		}
		if err != nil {
			return Media{}, err
		}
		return Media{Mesh: skinned.Mesh, Rig: skinned}, nil
	})
}
