package mesh

import (
	"math"
	"slices"
	"testing"
)

func TestWeldEqual(t *testing.T) {
	m := &Mesh{Vertices: []Vec3{{0, 1, 2}, {3, 4, 5}, {math.Copysign(0, -1), 1, 2}, {3, 4, 5.0000001}}}
	m.appendFace([]int32{0, 1, 2, 3})
	out, to := Weld(m, 0)
	if want := []int32{0, 1, 0, 2}; !slices.Equal(to, want) || !slices.Equal(out.Corners, want) {
		t.Fatalf("welded to %v with corners %v, want %v", to, out.Corners, want)
	}
	if len(out.Vertices) != 3 || len(m.Vertices) != 4 {
		t.Fatalf("%d vertices, want 3; source has %d, want 4", len(out.Vertices), len(m.Vertices))
	}
}

// TestWeldNear compares the grid with a look at all earlier kept vertices.
func TestWeldNear(t *testing.T) {
	points := randomMesh(2, 800, 0).Vertices
	for _, tolerance := range []float64{0.01, 0.07, 0.5} {
		var kept []Vec3
		want := make([]int32, len(points))
		for i, p := range points {
			best, nearest := -1, tolerance
			for j, q := range kept {
				if d := q.Sub(p).Len(); d < nearest || d == nearest && best < 0 {
					best, nearest = j, d
				}
			}
			if best < 0 {
				best = len(kept)
				kept = append(kept, p)
			}
			want[i] = int32(best)
		}
		got, to := weldNear(points, tolerance)
		if !slices.Equal(got, kept) || !slices.Equal(to, want) {
			t.Fatalf("tolerance %g: kept %d vertices, want %d", tolerance, len(got), len(kept))
		}
	}
}

func TestWeldNearHugeCoordinates(t *testing.T) {
	kept, _ := weldNear([]Vec3{{1e300, 0, 0}, {1e300, 0, 0}, {-1e300, 0, 0}}, 1e-300)
	if len(kept) != 2 {
		t.Fatalf("%d kept, want 2", len(kept))
	}
}

// TestWeldNearAcrossCells puts the kept vertex in each of the cells around, and
// checks both ends of the rule: what is exactly as far as the tolerance, and
// what is equally near to two.
func TestWeldNearAcrossCells(t *testing.T) {
	for i := range 27 {
		step := Vec3{float64(i/9 - 1), float64(i/3%3 - 1), float64(i%3 - 1)}
		kept, _ := weldNear([]Vec3{Vec3{0.5, 0.5, 0.5}.Add(step.Scale(0.505)), Vec3{0.5, 0.5, 0.5}.Add(step.Scale(0.495))}, 1)
		if len(kept) != 1 {
			t.Errorf("neighbours across %v do not merge", step)
		}
	}
	for _, first := range []float64{-1, 1} {
		if _, to := weldNear([]Vec3{{first}, {-first}, {0}}, 1); !slices.Equal(to, []int32{0, 1, 0}) {
			t.Errorf("first at %g: %v, want the middle to join the first", first, to)
		}
	}
}
