package surface_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// gridOf samples a field on n points a side of [-1, 1]³.
func gridOf(n int, f func(p mesh.Vec3) float64) *surface.Grid {
	g := &surface.Grid{N: n, Low: mesh.Vec3{-1, -1, -1}, Step: 2 / float64(n-1)}
	for i := range n * n * n {
		p := mesh.Vec3{float64(i / (n * n)), float64(i / n % n), float64(i % n)}
		g.Values = append(g.Values, float32(f(g.Low.Add(p.Scale(g.Step)))))
	}
	return g
}

func sphere(p mesh.Vec3) float64 { return p.Len() - 0.7 }

func up(p mesh.Vec3) mesh.Vec3 { return p }

// TestGridSphere contours a sphere both ways: closed, outwards, and as large as it.
func TestGridSphere(t *testing.T) {
	g := gridOf(33, sphere)
	for name, contour := range map[string]func() (*mesh.Mesh, error){
		"triangles": func() (*mesh.Mesh, error) { return g.Triangles(0.05) },
		"quads":     func() (*mesh.Mesh, error) { return g.Quads(0.05, up) },
	} {
		m, err := contour()
		if err != nil {
			t.Fatal(err)
		}
		r, err := mesh.Measure(m)
		if err != nil || !r.Watertight || !r.ConsistentWinding || r.Euler != 2 || r.Components != 1 {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		if want := 4 * math.Pi / 3 * math.Pow(0.75, 3); math.Abs(r.Volume-want) > 0.01*want {
			t.Errorf("%s: volume %g, want %g", name, r.Volume, want)
		}
		for _, p := range m.Vertices {
			if d := math.Abs(p.Len() - 0.75); d > 0.002 {
				t.Errorf("%s: a vertex is %g off", name, d)
			}
		}
		if (name == "quads") != (r.QuadRatio == 1) || (name == "triangles") != (r.Triangles == r.Faces) {
			t.Errorf("%s: %d triangles, %d quads", name, r.Triangles, r.Quads)
		}
	}
}

// TestGridEdges holds that dual contouring finds the edges and corners of a box.
func TestGridEdges(t *testing.T) {
	box := func(p mesh.Vec3) float64 { return max(math.Abs(p[0]), math.Abs(p[1]), math.Abs(p[2])) - 0.53 }
	m, err := gridOf(20, box).Quads(0, func(p mesh.Vec3) (n mesh.Vec3) {
		for axis, x := range p {
			if math.Abs(x) == max(math.Abs(p[0]), math.Abs(p[1]), math.Abs(p[2])) {
				n[axis] = x
			}
		}
		return n
	})
	if err != nil {
		t.Fatal(err)
	}
	corners := 0
	for _, p := range m.Vertices {
		far := mesh.Vec3{math.Abs(p[0]), math.Abs(p[1]), math.Abs(p[2])}.Sub(mesh.Vec3{0.53, 0.53, 0.53})
		if d := math.Abs(max(far[0], far[1], far[2])); d > 0.004 {
			t.Errorf("a vertex at %v is %g off", p, d)
		}
		if far.Len() < 0.006 {
			corners++
		}
	}
	if corners != 8 {
		t.Errorf("%d corners", corners)
	}
}

// TestGridNoise contours noise inside of a border that is outside. Whatever the signs, the
// meshes are closed, and quads are a manifold.
func TestGridNoise(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := gridOf(12, func(p mesh.Vec3) float64 {
			if max(math.Abs(p[0]), math.Abs(p[1]), math.Abs(p[2])) > 0.99 {
				return 1
			}
			return r.Float64() - 0.3 - 0.05*float64(seed)
		})
		m, err := g.Triangles(0)
		if err != nil {
			t.Fatal(err)
		}
		checkClosed(t, m)
		q, err := g.Quads(0, up)
		if err != nil {
			t.Fatal(err)
		}
		checkManifold(t, q)
	}
}

// checkClosed holds that every directed side of a triangle has one opposite.
func checkClosed(t *testing.T, m *mesh.Mesh) {
	t.Helper()
	if err := m.Validate(); err != nil || m.NumFaces() == 0 {
		t.Fatalf("%d faces, %v", m.NumFaces(), err)
	}
	sides := map[[2]int32]int{}
	for f := range m.NumFaces() {
		c := m.Face(f)
		for i := range c {
			sides[[2]int32{c[i], c[(i+1)%len(c)]}]++
		}
	}
	for s, n := range sides {
		if n != 1 || sides[[2]int32{s[1], s[0]}] != 1 {
			t.Fatalf("side %v comes %d times, and back %d times", s, n, sides[[2]int32{s[1], s[0]}])
		}
	}
}

// TestGridBorder holds that a surface that leaves the grid ends there, and that a grid with
// nothing inside is empty.
func TestGridBorder(t *testing.T) {
	g := gridOf(9, func(p mesh.Vec3) float64 { return p[0] - 0.1 })
	for name, contour := range map[string]func() (*mesh.Mesh, error){
		"triangles": func() (*mesh.Mesh, error) { return g.Triangles(0) },
		"quads":     func() (*mesh.Mesh, error) { return g.Quads(0, func(mesh.Vec3) mesh.Vec3 { return mesh.Vec3{} }) },
	} {
		m, err := contour()
		if err != nil {
			t.Fatal(err)
		}
		r, err := mesh.Measure(m)
		if err != nil || r.Watertight || r.NonManifoldEdges != 0 || r.BoundaryLoops != 1 || r.Euler != 1 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		closed, open := mesh.Closed(m)
		if closed.NumFaces() != 0 || open != 1 {
			t.Errorf("%s: %d faces are closed, %d parts are open", name, closed.NumFaces(), open)
		}
	}
	for _, level := range []float64{-9, 9} {
		if m, err := g.Triangles(level); err != nil || m.NumFaces() != 0 || m.Validate() != nil {
			t.Errorf("level %g: %d faces, %v", level, m.NumFaces(), err)
		}
		if m, err := g.Quads(level, up); err != nil || m.NumFaces() != 0 || m.Validate() != nil {
			t.Errorf("level %g: %d quads, %v", level, m.NumFaces(), err)
		}
	}
	for name, bad := range map[string]*surface.Grid{"few": {N: 3, Step: 1, Values: make([]float32, 26)}, "one": {N: 1, Step: 1, Values: make([]float32, 1)}, "no step": {N: 2, Values: make([]float32, 8)}} {
		if _, err := bad.Triangles(0); !errors.Is(err, octree.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	g.Values[5] = float32(math.NaN())
	if _, err := g.Quads(0, up); !errors.Is(err, mesh.ErrNotFinite) {
		t.Errorf("no number: %v", err)
	}
}
