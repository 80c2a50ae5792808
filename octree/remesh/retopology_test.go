package remesh

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// TestQuads makes quads of sources that are no closed manifold: two boxes that overlap,
// a box with a wall inside, and loose faces. Each result is closed and within the budget,
// tells how many surfaces had a boundary, and has the same bits again. No quad is inverted
// but of the loose faces, where all budget goes to corners, which stay.
func TestQuads(t *testing.T) {
	overlap := merged(mesh.Box(mesh.Vec3{0, 0, 0}, mesh.Vec3{1, 1, 1}), mesh.Box(mesh.Vec3{0.5, 0.4, 0.3}, mesh.Vec3{2, 1.2, 0.9}))
	wall := merged(mesh.Cube(), mesh.Grid(1))
	wall, _ = mesh.Weld(wall, 0)
	var loose *mesh.Mesh
	for f, s := 0, mesh.QuadSphere(3); f < s.NumFaces(); f++ {
		one := &mesh.Mesh{}
		for _, v := range s.Face(f) {
			one.AddVertex(s.Vertices[v].Scale(1 + 0.01*float64(f)))
		}
		if err := one.AddFace(0, 1, 2, 3); err != nil {
			t.Fatal(err)
		}
		loose = merged(loose, one)
	}
	for name, m := range map[string]*mesh.Mesh{"overlapping boxes": overlap, "box and wall": wall, "loose faces": loose} {
		const faces = 400
		r, err := Quads(t.Context(), m, faces)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		q, err := mesh.Measure(r.Mesh)
		if err != nil {
			t.Fatal(err)
		}
		if !q.Watertight || !q.ConsistentWinding || q.Faces > faces || r.Method != DualContouring && q.QuadRatio < 1 {
			t.Errorf("%s, %s: closed %v, %d faces, %g quads", name, r.Method, q.Watertight, q.Faces, q.QuadRatio)
		}
		if r.Quality.Chamfer > 0.02 || r.Quality.Inverted > map[string]float64{"loose faces": 0.01}[name] {
			t.Errorf("%s, %s: Chamfer %g, inverted %g", name, r.Method, r.Quality.Chamfer, r.Quality.Inverted)
		}
		if want := map[string]int{"box and wall": 1, "loose faces": 54}[name]; r.Open != want {
			t.Errorf("%s, %s: %d open surfaces, want %d", name, r.Method, r.Open, want)
		}
		again, err := Quads(t.Context(), m, faces)
		if err != nil || !slices.Equal(again.Mesh.Corners, r.Mesh.Corners) || !slices.Equal(again.Mesh.Vertices, r.Mesh.Vertices) {
			t.Errorf("%s, %s: not the same mesh twice (%v)", name, r.Method, err)
		}
	}
}

// TestBowTie makes quads of two boxes that share a vertex: exact at each budget.
func TestBowTie(t *testing.T) {
	m, _ := mesh.Weld(merged(mesh.Cube(), mesh.Box(mesh.Vec3{1, 1, 1}, mesh.Vec3{2, 2, 2})), 0)
	for _, faces := range []int{50, 300, 600} {
		r, err := Quads(t.Context(), m, faces)
		if err != nil {
			t.Fatal(err)
		}
		q, err := mesh.Measure(r.Mesh)
		if err != nil {
			t.Fatal(err)
		}
		if !q.Watertight || q.Faces > faces || q.QuadRatio != 1 || r.Quality.Inverted > 0 || r.Quality.Chamfer > 1e-6 || r.Quality.Jacobian < 0.99 {
			t.Errorf("%d faces: closed %v, %d faces, %+v", faces, q.Watertight, q.Faces, r.Quality)
		}
	}
}

func merged(a, b *mesh.Mesh) *mesh.Mesh {
	if a == nil {
		return b
	}
	out, first := mesh.Clone(a), int32(len(a.Vertices))
	out.Vertices = append(out.Vertices, b.Vertices...)
	for f := range b.NumFaces() {
		for _, v := range b.Face(f) {
			out.Corners = append(out.Corners, v+first)
		}
		out.Starts = append(out.Starts, int32(len(out.Corners)))
	}
	return out
}

func TestQuadsErrors(t *testing.T) {
	if _, err := Quads(t.Context(), mesh.Cube(), 2); !errors.Is(err, ErrOptions) {
		t.Errorf("two faces: %v", err)
	}
	if _, err := Quads(t.Context(), mesh.Cube(), MaxQuads+1); !errors.Is(err, ErrOptions) {
		t.Errorf("more than the most: %v", err)
	}
	if _, err := Quads(t.Context(), &mesh.Mesh{}, 100); !errors.Is(err, mesh.ErrEmpty) {
		t.Errorf("no faces: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Quads(ctx, mesh.Cube(), 100); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
