package remesh

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/octree"
)

func fixture(t testing.TB, name string) *mesh.Mesh {
	t.Helper()
	m, _, err := obj.ReadFile(filepath.Join("..", "..", "testdata", "mesh", name+".obj"), obj.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func remesh(t testing.TB, m *mesh.Mesh, o Options) *Result {
	t.Helper()
	r, err := Remesh(context.Background(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	checkManifold(t, r.Mesh)
	return r
}

// TestBudgetBeatsUniform holds a budget to less error than one depth with as many
// faces or fewer has, and on most shapes than the next depth with its more faces.
func TestBudgetBeatsUniform(t *testing.T) {
	beaten := 0
	for _, c := range []struct {
		name  string
		below int     // a depth with at most so many faces
		share float64 // of its error that may be left
	}{
		{"scopia_bowl", 3, 0.1}, {"cc-0_rock2", 4, 0.9}, {"cc-0_horse2", 4, 0.2},
	} {
		m := fixture(t, c.name)
		r := remesh(t, m, Options{Faces: 800, Depth: 6})
		uniform := remesh(t, m, Options{Depth: c.below})
		if n := uniform.Mesh.NumFaces(); n > 800 {
			t.Fatalf("%s: depth %d has %d faces", c.name, c.below, n)
		}
		t.Logf("%-26s %d faces, %.5f; depth %d: %d faces, %.5f; replaced %+v", c.name, r.Mesh.NumFaces(), r.ChamferL1, c.below, uniform.Mesh.NumFaces(), uniform.ChamferL1, *r.Replaced)
		if n := r.Mesh.NumFaces(); n > 800 || n < 760 {
			t.Errorf("%s: %d faces of 800", c.name, n)
		}
		if r.ChamferL1 > c.share*uniform.ChamferL1 {
			t.Errorf("%s: Chamfer %g of %g at depth %d", c.name, r.ChamferL1, uniform.ChamferL1, c.below)
		}
		if r.Replaced.Faces < r.Mesh.NumFaces() || r.Replaced.Depth <= c.below {
			t.Errorf("%s: replaced %+v", c.name, r.Replaced)
		}
		if r.ChamferL1 < r.Replaced.ChamferL1 {
			beaten++
		}
	}
	if beaten < 2 {
		t.Errorf("%d of 3 are better than the depth they replace", beaten)
	}
}

// TestThinParts goes by a depth whose nodes alone need twice the budget: a frame of
// slats, which a coarser depth thickens.
func TestThinParts(t *testing.T) {
	r := remesh(t, fixture(t, "cc-0_crate"), Options{Faces: 800, Depth: 6})
	if r.Depth != 6 || r.ChamferL1 > 0.006 || r.Mesh.NumFaces() > 800 {
		t.Errorf("depth %d, %d faces, %+v", r.Depth, r.Mesh.NumFaces(), r.Error)
	}
}

// TestFlatFacesAreFree spends no faces on flat places: a box needs few.
func TestFlatFacesAreFree(t *testing.T) {
	box := mesh.Box(mesh.Vec3{-3, -1.1, -2}, mesh.Vec3{3, 1.3, 2.2})
	r := remesh(t, box, Options{Faces: 60, Depth: 6})
	if r.ChamferL1 > 1e-3 || r.Hausdorff > 0.01 {
		t.Errorf("%d faces: %+v", r.Mesh.NumFaces(), r.Error)
	}
	lo, hi := mesh.Bounds(r.Mesh)
	for a := range 3 {
		if math.Abs(hi[a]-box.Vertices[7][a]) > 0.05 || math.Abs(lo[a]-box.Vertices[0][a]) > 0.05 {
			t.Errorf("bounds %v to %v", lo, hi)
		}
	}
}

func TestDepthAlone(t *testing.T) {
	for _, name := range []string{"cc-0_chicken", "cc-0_deckchair", "cc-by_siamesecat"} {
		r := remesh(t, fixture(t, name), Options{Depth: 5})
		if r.Depth != 5 || r.Replaced != nil || len(r.Mesh.Corners) != 4*r.Mesh.NumFaces() {
			t.Errorf("%s: depth %d, replaced %v, %d faces of %d corners", name, r.Depth, r.Replaced, r.Mesh.NumFaces(), len(r.Mesh.Corners))
		}
	}
}

// TestPlaceAndSize turns a mesh far away back to where it was.
func TestPlaceAndSize(t *testing.T) {
	m := mesh.Transformed(mesh.QuadSphere(12), mesh.Transform{Scale: 1e-3, Offset: mesh.Vec3{5e5, -4e6, 100}}.Matrix())
	r := remesh(t, m, Options{Faces: 300, Depth: 5})
	if r.ChamferL1 > 5e-3 || r.Mesh.NumFaces() > 300 {
		t.Errorf("%d faces, %+v", r.Mesh.NumFaces(), r.Error)
	}
}

func TestDoesNotDependOnWorkers(t *testing.T) {
	m := fixture(t, "cc-0_chicken")
	first := remesh(t, m, Options{Faces: 300, Depth: 5})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, workers := range []int{1, 3} {
		runtime.GOMAXPROCS(workers)
		if again := remesh(t, m, Options{Faces: 300, Depth: 5}); !reflect.DeepEqual(first, again) {
			t.Errorf("%d workers: another result", workers)
		}
	}
}

func TestErrors(t *testing.T) {
	cube := mesh.Cube()
	bad := mesh.Clone(cube)
	bad.Vertices[0][0] = math.NaN()
	point := &mesh.Mesh{Vertices: make([]mesh.Vec3, 3), Corners: []int32{0, 1, 2}, Starts: []int32{0, 3}}
	var two mesh.Mesh // boxes at opposite ends, which no depth joins
	for i := range int32(2) {
		for _, p := range cube.Vertices {
			two.AddVertex(p.Add(mesh.Vec3{9, 9, 9}.Scale(float64(2*i - 1))))
		}
		for _, c := range cube.Corners {
			two.Corners = append(two.Corners, c+8*i)
		}
	}
	for i := range int32(13) {
		two.Starts = append(two.Starts, 4*i)
	}
	stop, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		m    *mesh.Mesh
		o    Options
		want error
	}{
		"nothing asked": {nil, cube, Options{}, ErrOptions}, "deep": {nil, cube, Options{Depth: MaxDepth + 1}, ErrOptions},
		"few": {nil, cube, Options{Faces: 3}, ErrOptions}, "many": {nil, cube, Options{Faces: MaxFaces + 1}, ErrOptions},
		"negative": {nil, cube, Options{Depth: -1}, ErrOptions}, "no faces": {nil, &mesh.Mesh{}, Options{Faces: 80}, octree.ErrEmpty},
		"not finite": {nil, bad, Options{Faces: 80}, mesh.ErrNotFinite}, "budget": {nil, &two, Options{Faces: 6, Depth: 4}, ErrBudget},
		"stopped": {stop, cube, Options{Faces: 80}, context.Canceled},
	} {
		if c.ctx == nil {
			c.ctx = context.Background()
		}
		if _, err := Remesh(c.ctx, c.m, c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
	if _, err := Remesh(context.Background(), point, Options{Faces: 80}); err == nil {
		t.Error("a point has a surface")
	}
}

func ExampleRemesh() {
	torus := mesh.Torus(64, 32, 3, 1)
	r, err := Remesh(context.Background(), torus, Options{Faces: 500, Depth: 6})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := mesh.Measure(r.Mesh)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("at most 500 faces:", report.Faces <= 500, "closed:", report.Watertight, "Euler number:", report.Euler)
	fmt.Println("nearer than depth", r.Replaced.Depth, "with more faces:", r.ChamferL1 < r.Replaced.ChamferL1)
	// Output:
	// at most 500 faces: true closed: true Euler number: 0
	// nearer than depth 4 with more faces: true
}
