package mesh_test

import (
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/distance"
)

// FuzzSamples checks on meshes with every defect that samples lie on the surface.
func FuzzSamples(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 9, 0, 0, 9, 9, 0, 0, 9, 0, 1, 0, 1, 2, 3, 0, 0, 2, 1})
	f.Add([]byte{5, 0, 0, 0, 9, 0, 0, 3, 1, 0, 0, 9, 0, 1, 2, 0, 9, 9, 0, 3, 0, 1, 2, 3, 4, 5, 1, 3, 3, 2, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := mesh.Clean(mesh.FromBytes(data), 0)
		query := distance.New(m)
		points, _, _ := mesh.SampleSurface(m, 5, 1)
		for _, p := range points {
			if d, _, _ := query.Distance(p); d > 1e-9 {
				t.Fatalf("a sample lies %g off the surface", d)
			}
		}
	})
}
