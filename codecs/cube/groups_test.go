package cube

import (
	"fmt"
	"testing"
)

// TestGroupsVisitEveryCubeOnce checks that numbers and places belong to each other, and
// that the cubes of a group, and of a set of it, are consecutive.
func TestGroupsVisitEveryCubeOnce(t *testing.T) {
	for _, g := range []Groups{
		{H: 4, W: 6, Size: Size{T: 2, H: 2, W: 3}},
		{H: 4, W: 12, Size: Size{T: 1, H: 2, W: 6}, Sets: 4},
		{H: 8, W: 24, Size: Size{T: 1, H: 8, W: 12}, Sets: 16},
	} {
		t.Run(fmt.Sprintf("%v sets=%d", g.Size, g.Sets), func(t *testing.T) { visit(t, g) })
	}
}

// TestSets compares the sets of a tile with those of the published matrices, of which a
// place's number is its set.
func TestSets(t *testing.T) {
	for _, want := range [][][]int{
		{{0, 2}, {3, 1}},
		{{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}},
	} {
		n := len(want)
		g := Groups{H: n, W: n, Size: Size{T: 1, H: n, W: n}, Sets: n * n}
		for h := range n {
			for w := range n {
				if g.SetOf(h, w) != want[h][w] || g.Number(0, h, w) != want[h][w] {
					t.Errorf("%d sets: (%d, %d) is number %d of set %d, want %d", n*n, h, w, g.Number(0, h, w), g.SetOf(h, w), want[h][w])
				}
			}
		}
		if !g.Valid() {
			t.Errorf("%d sets do not fit", n*n)
		}
	}
	one := Size{T: 1, H: 4, W: 4}
	for _, g := range []Groups{{Size: one, Sets: 2}, {Size: one, Sets: -1}, {Size: Size{T: 1, H: 4, W: 6}, Sets: 16}, {Size: Size{T: 2, H: 4, W: 4}, Sets: 4}} {
		if g.Valid() {
			t.Errorf("%d sets fit groups of %v", g.Sets, g.Size)
		}
	}
}

func visit(t *testing.T, g Groups) {
	const frames = 4
	seen := map[int]bool{}
	for n := range frames * g.H * g.W {
		i, j, k := g.Cube(n)
		if i >= frames || j >= g.H || k >= g.W || g.Number(i, j, k) != n {
			t.Fatalf("cube %d is at (%d, %d, %d), which is number %d", n, i, j, k, g.Number(i, j, k))
		}
		if set := n % g.Size.Volume() / (g.Size.Volume() / max(g.Sets, 1)); set != g.SetOf(j, k) {
			t.Fatalf("cube %d is of set %d, and counts to set %d", n, g.SetOf(j, k), set)
		}
		i0, j0, k0 := g.Cube(n / g.Size.Volume() * g.Size.Volume())
		if i/g.Size.T != i0/g.Size.T || j/g.Size.H != j0/g.Size.H || k/g.Size.W != k0/g.Size.W {
			t.Fatalf("cube %d is not in the group of the first of its group", n)
		}
		seen[g.Raster(n)] = true
	}
	if len(seen) != frames*g.H*g.W {
		t.Errorf("%d places of %d", len(seen), frames*g.H*g.W)
	}
	for _, out := range [][3]int{{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}, {0, g.H, 0}, {0, 0, g.W}} {
		if n := g.Number(out[0], out[1], out[2]); n != -1 {
			t.Errorf("%v has number %d", out, n)
		}
	}
}
