package family

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/transforms/request"
)

func fault(name string) string {
	folder := "gltf"
	if strings.HasSuffix(name, ".obj") {
		folder = "obj"
	}
	return filepath.Join("..", "..", "mesh", folder, "testdata", name)
}

// TestDecodeMeshes: shape and quads give one answer to every file.
func TestDecodeMeshes(t *testing.T) {
	second, third := 1, 2
	for _, c := range []struct {
		name   string
		scene  *int
		limits limit.Limits
		faces  int
		err    error
	}{
		{"all_zeroarea.obj", nil, limit.Limits{}, 0, mesh.ErrNoArea},
		{"scale000.glb", nil, limit.Limits{}, 0, mesh.ErrNoArea},
		{"scale_1e-160.obj", nil, limit.Limits{}, 6, nil},
		{"far_1e9.obj", nil, limit.Limits{}, 6, nil},
		{"no_default_scene.glb", nil, limit.Limits{}, 12, nil},
		{"no_default_scene.glb", &second, limit.Limits{}, 12, nil},
		{"no_default_scene.glb", &third, limit.Limits{}, 0, gltf.ErrScene},
		{"utm.obj", nil, limit.Limits{FaceCorners: 4}, 6, nil},
		{"utm.obj", nil, limit.Limits{FaceCorners: 3}, 0, limit.ErrLimit},
		{"instancing_opt.glb", nil, limit.Limits{Vertices: 23}, 0, limit.ErrLimit},
	} {
		r := request.Request{ID: "a", Input: fault(c.name), Scene: c.scene}
		for kind, decode := range map[string]func(context.Context, *generator, request.Request) (Media, error){
			"shape": decodeShape, "quads": decodeQuads,
		} {
			m, err := decode(context.Background(), &generator{limits: c.limits}, r)
			if !errors.Is(err, c.err) || err == nil && m.Mesh.NumFaces() != c.faces {
				t.Errorf("%s of %s: %v, want %v", kind, c.name, err, c.err)
			}
		}
	}
}
