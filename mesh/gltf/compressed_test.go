package gltf

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// TestMeshopt reads files that glTF-Transform 4.5.1 packed with meshoptimizer
// 1.3.0: a torus with exponential and octahedral filters, the fixture
// AnimatedMorphCube, and three instances of a cube whose places are packed too.
// Counts and volumes are those of the files before; coordinates were quantised.
func TestMeshopt(t *testing.T) {
	for _, c := range []struct {
		name            string
		faces, vertices int
		volume          float64
		instances       int
	}{
		{"meshopt_torus.glb", 2048, 1024, 9.7434195, 1},
		{"meshopt_morph.glb", 12, 8, 8, 1},
		{"meshopt_instances.glb", 36, 24, 3, 3},
	} {
		m, info, err := Read(filepath.Join("testdata", c.name), ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		r, err := mesh.Measure(m)
		if err != nil || r.Faces != c.faces || r.WeldedVertices != c.vertices || !r.Watertight || math.Abs(r.Volume-c.volume) > 5e-4*c.volume {
			t.Errorf("%s: %d faces, %d vertices, watertight %v, volume %v, %v", c.name, r.Faces, r.WeldedVertices, r.Watertight, r.Volume, err)
		}
		if info.Instances != c.instances || len(info.Ignored) > 0 || !slices.Contains(info.ExtensionsUsed, "EXT_meshopt_compression") {
			t.Errorf("%s: %+v", c.name, info)
		}
	}
}
