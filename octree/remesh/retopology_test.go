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
// tells how many surfaces had a boundary, has the same bits again, and no inverted quad.
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
		if r.Quality.Chamfer > 0.02 || r.Quality.Inverted > 0 {
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

// TestQuadsThinParts makes quads of a lantern of thin posts between plates that they pierce, and
// of an open crate of slats, which touch. At each budget the result is closed, of quads
// alone, none inverted, and near.
func TestQuadsThinParts(t *testing.T) {
	box := func(x, y, z, dx, dy, dz float64) *mesh.Mesh {
		return mesh.Box(mesh.Vec3{x, y, z}, mesh.Vec3{x + dx, y + dy, z + dz})
	}
	lantern := merged(box(0, 0, 0, 1, 1, 0.05), box(-0.1, -0.1, 1.5, 1.2, 1.2, 0.04))
	for i := range 4 {
		lantern = merged(lantern, box(0.1+0.78*float64(i%2), 0.1+0.78*float64(i/2), -0.1, 0.02, 0.02, 1.7))
	}
	var crate *mesh.Mesh
	for i := range 4 {
		at := 0.3 * float64(i)
		crate = merged(crate, box(0, at, 0, 1.2, 0.2, 0.02)) // the bottom
		crate = merged(merged(crate, box(0, -0.02, at+0.02, 1.2, 0.02, 0.2)), box(0, 1.1, at+0.02, 1.2, 0.02, 0.2))
		crate = merged(merged(crate, box(-0.02, 0, at+0.02, 0.02, 1.1, 0.2)), box(1.2, 0, at+0.02, 0.02, 1.1, 0.2))
	}
	for name, c := range map[string]struct {
		m     *mesh.Mesh
		faces int
	}{
		"lantern": {lantern, 300}, "lantern of few faces": {lantern, 60}, "crate": {crate, 500}, "crate of few faces": {crate, 150},
	} {
		r, err := Quads(t.Context(), c.m, c.faces)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		q, err := mesh.Measure(r.Mesh)
		if err != nil {
			t.Fatal(err)
		}
		if !q.Watertight || !q.ConsistentWinding || q.Faces > c.faces || q.InvertedQuadRatio > 0 || q.QuadRatio < 1 || r.Open != 0 {
			t.Errorf("%s, %s: closed %v, %d faces, %g inverted, %d open", name, r.Method, q.Watertight, q.Faces, q.InvertedQuadRatio, r.Open)
		}
		if r.Quality.Chamfer > 1e-4 || r.Quality.Hausdorff > 1e-3 {
			t.Errorf("%s, %s: Chamfer %g, Hausdorff %g", name, r.Method, r.Quality.Chamfer, r.Quality.Hausdorff)
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
