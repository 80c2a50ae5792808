package mesh

import (
	"math"
	"testing"
)

func TestPrimitives(t *testing.T) {
	for name, m := range map[string]*Mesh{
		"uv": UVSphere(16, 9), "quad": QuadSphere(5), "cube grid": CubeGrid(2), "cube": Cube(), "torus": Torus(5, 4, 2, 1),
	} {
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		r, err := Measure(m)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Watertight || !r.ConsistentWinding || r.Volume <= 0 || r.UnusedVertices != 0 || r.Vertices != r.WeldedVertices {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for i, p := range QuadSphere(4).Vertices {
		if math.Abs(p.Len()-1) > 1e-15 {
			t.Errorf("vertex %d at radius %g", i, p.Len())
		}
	}
}
