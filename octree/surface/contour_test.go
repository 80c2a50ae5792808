package surface_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/distance"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/testmesh"
	"github.com/morton-gen/morton/octree/surface"
)

// TestContour compares a contour with what codes keep of it: the same faces, each
// vertex in its cell, and less error.
func TestContour(t *testing.T) {
	for _, name := range []string{"cc-0_rock2", "cc-0_deckchair", "cc-by_spoon"} {
		m := testmesh.ReadOBJ(t, "../../testdata/mesh/"+name+".obj")
		m = octree.Fit(m, 0.9).Mesh(m)
		coded, _, _ := rebuild(t, m, 5)
		c, err := surface.NewContour(m, 5)
		if err != nil {
			t.Fatal(err)
		}
		checkManifold(t, c.Mesh)
		if c.Mesh.NumFaces() != coded.NumFaces() || len(c.Mesh.Vertices) != len(coded.Vertices) {
			t.Errorf("%s: %d faces, %d by codes", name, c.Mesh.NumFaces(), coded.NumFaces())
		}
		for v, p := range c.Mesh.Vertices {
			x, y, z := c.Cells[v].Decode()
			for a, low := range [3]uint32{x, y, z} {
				if p[a] <= float64(low) || p[a] >= float64(low+1) {
					t.Fatalf("%s: vertex %d at %v is not in cell %d %d %d", name, v, p, x, y, z)
				}
			}
		}
		out := testmesh.Moved(c.Mesh, func(p mesh.Vec3) mesh.Vec3 { return octree.FromGrid(p, 5) })
		source := distance.New(m)
		of := func(m *mesh.Mesh) float64 {
			points, _, _ := mesh.SampleSurface(m, 5000, 1)
			mean, _ := spread(points, func(p mesh.Vec3) float64 { d, _, _ := source.Distance(p); return d })
			return mean
		}
		if exact, rounded := of(out), of(coded); exact > 1.01*rounded {
			t.Errorf("%s: mean error %g, %g by codes", name, exact, rounded)
		}
	}
}

// TestQuadric holds sums, shifts and least points to the formula.
func TestQuadric(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	at := func() mesh.Vec3 { return mesh.Vec3{r.NormFloat64(), r.NormFloat64(), r.NormFloat64()} }
	var sum, a, b surface.Quadric
	var normals, points []mesh.Vec3
	shift := mesh.Vec3{500, -300, 70}
	for i := range 30 {
		n, p := at().Unit(), at()
		normals, points = append(normals, n), append(points, p.Add(shift))
		if i%2 == 0 {
			a.Add(n, p, 2)
		} else {
			b.Add(n, p, 2)
		}
	}
	sum = a.Moved(shift)
	moved := b.Moved(shift)
	sum.Plus(&moved)
	formula := func(x mesh.Vec3) (e float64) {
		for i, n := range normals {
			d := n.Dot(x.Sub(points[i]))
			e += 2 * d * d
		}
		return e
	}
	x := at().Add(shift)
	if got, want := sum.Error(x), formula(x); math.Abs(got-want) > 1e-7*want {
		t.Errorf("error %g, want %g", got, want)
	}
	wide := mesh.Vec3{100, 100, 100}
	best := sum.Point(shift.Sub(wide), shift.Add(wide))
	for range 100 {
		if other := best.Add(at().Scale(0.3)); formula(other) < 0.999*formula(best) {
			t.Fatalf("%g at %v, %g at %v", formula(best), best, formula(other), other)
		}
	}
	tight := sum.Point(shift.Add(mesh.Vec3{2, 2, 2}), shift.Add(mesh.Vec3{3, 3, 3}))
	for i, low := range shift.Add(mesh.Vec3{2, 2, 2}) {
		if tight[i] < low || tight[i] > low+1 {
			t.Errorf("%v is outside its box", tight)
		}
	}
	if w := sum.Weight(); w != 60 {
		t.Errorf("weight %g", w)
	}
}
