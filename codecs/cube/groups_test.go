package cube

import "testing"

// TestGroupsVisitEveryCubeOnce checks that numbers and places belong to each other, and
// that a group's cubes are consecutive.
func TestGroupsVisitEveryCubeOnce(t *testing.T) {
	g := Groups{H: 4, W: 6, Size: Size{T: 2, H: 2, W: 3}}
	const frames = 4
	seen := map[int]bool{}
	for n := range frames * g.H * g.W {
		i, j, k := g.Cube(n)
		if i >= frames || j >= g.H || k >= g.W || g.Number(i, j, k) != n {
			t.Fatalf("cube %d is at (%d, %d, %d), which is number %d", n, i, j, k, g.Number(i, j, k))
		}
		i0, j0, k0 := g.Cube(n / g.Size.Volume() * g.Size.Volume())
		if i/g.Size.T != i0/g.Size.T || j/g.Size.H != j0/g.Size.H || k/g.Size.W != k0/g.Size.W {
			t.Fatalf("cube %d is not in the group of the first of its twelve", n)
		}
		seen[g.Raster(n)] = true
	}
	if len(seen) != frames*g.H*g.W {
		t.Errorf("%d places of %d", len(seen), frames*g.H*g.W)
	}
	for _, out := range [][3]int{{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}, {0, 4, 0}, {0, 0, 6}} {
		if n := g.Number(out[0], out[1], out[2]); n != -1 {
			t.Errorf("%v has number %d", out, n)
		}
	}
}
