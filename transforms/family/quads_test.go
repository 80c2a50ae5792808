package family

import (
	"errors"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/quadfield"
	"github.com/morton-gen/morton/octree/remesh"
	"github.com/morton-gen/morton/transforms/request"
)

// TestSurfaceNeedsNoDevice opens the surface method without a device, and makes quads.
func TestSurfaceNeedsNoDevice(t *testing.T) {
	none := func() (*gpu.Device, error) { return nil, errors.New("a device is asked for") }
	m, err := Registered(request.Quads)(none, Spec{Family: request.Quads, NoModel: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r, err := m.Generate(t.Context(), request.Request{ID: "a", Method: request.MethodSurface, Faces: 100}, Media{Mesh: mesh.Cube()})
	if err != nil {
		t.Fatal(err)
	}
	q, err := mesh.Measure(r.Media.Mesh)
	if err != nil || !q.Watertight || q.QuadRatio != 1 || q.Faces > 100 || r.Measures["open_surfaces"] != 0 || !strings.HasPrefix(r.Method, "surface: field") {
		t.Errorf("%d faces, closed %v, by %q: %v", q.Faces, q.Watertight, r.Method, err)
	}
	if _, err := m.Generate(t.Context(), request.Request{ID: "a"}, Media{Mesh: mesh.Cube()}); err == nil {
		t.Error("a model's result without a model")
	}
}

// TestMethods has the shipped model and the surface method make few faces: auto takes
// one of them, with both scores, and each is made alone when it is asked for. Where the
// model cannot win, auto says why it was not asked.
func TestMethods(t *testing.T) {
	dev, err := gpu.Open(gpu.Options{})
	if errors.Is(err, gpu.ErrNoDevice) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	m, err := Registered(request.Quads)(func() (*gpu.Device, error) { return dev, nil }, Spec{Family: request.Quads})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	generate := func(method request.Method, faces int, source *mesh.Mesh) *Result {
		r, err := m.Generate(t.Context(), request.Request{ID: "a", Seed: 1, Method: method, Faces: faces}, Media{Mesh: source})
		if err != nil {
			t.Fatalf("%q: %v", method, err)
		}
		return r
	}
	for method, want := range map[request.Method]string{"": "model", request.MethodModel: "model", request.MethodSurface: "surface: "} {
		if r := generate(method, 24, mesh.Cube()); !strings.HasPrefix(r.Method, want) || r.Method == "" {
			t.Errorf("%q: made by %q", method, r.Method)
		}
	}
	r := generate(request.MethodAuto, 24, strips(6))
	model, surface := r.Measures["score_model"], r.Measures["score_surface"]
	if (r.Method == "model") != (model < surface) || model == 0 || model >= 1000 || surface < modelScore {
		t.Errorf("auto takes %q at scores %g of the model and %g of the surface: %v", r.Method, model, surface, r.Notes)
	}
	for name, c := range map[string]struct {
		faces  int
		source *mesh.Mesh
		want   string
	}{
		"beyond the training": {400, mesh.Cube(), "trained for"},
		"closed":              {24, mesh.Cube(), "source is closed"},
		"good enough":         {60, strips(1), "score"},
	} {
		r := generate(request.MethodAuto, c.faces, c.source)
		if !strings.HasPrefix(r.Method, "surface") || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], c.want) || r.Measures["score_model"] != 0 {
			t.Errorf("%s: %q, %q", name, r.Method, r.Notes)
		}
	}
}

// strips is so many sheets side by side, which a few faces cannot cover.
func strips(n int) *mesh.Mesh {
	m := &mesh.Mesh{}
	for i := range n {
		x := 2 * float64(i)
		a := m.AddVertex(mesh.Vec3{x, 0, 0})
		m.AddVertex(mesh.Vec3{x + 1, 0, 0.2})
		m.AddVertex(mesh.Vec3{x + 1, 9, 0})
		m.AddVertex(mesh.Vec3{x, 9, 0.3})
		if err := m.AddFace(a, a+1, a+2, a+3); err != nil {
			panic(err)
		}
	}
	return m
}

// TestNotes: a result says that it has triangles or inverted quads.
func TestNotes(t *testing.T) {
	if n := notes(&remesh.Retopology{Method: remesh.FieldPairs}); len(n) != 0 {
		t.Errorf("a good mesh: %q", n)
	}
	n := notes(&remesh.Retopology{Method: remesh.DualContouring, Quality: quadfield.Quality{Folded: 3}})
	if len(n) != 2 || !strings.Contains(n[0], "triangles") || !strings.HasPrefix(n[1], "quads inverted: 3") {
		t.Errorf("triangles and inverted quads: %q", n)
	}
}

// TestScoreOfOpen: a stand-in for an open source need not be closed, and for a closed one
// nothing outweighs that.
func TestScoreOfOpen(t *testing.T) {
	open, closed := quadfield.Quality{Jacobian: 1}, quadfield.Quality{Closed: true, Chamfer: 0.5}
	if score(open, mesh.Grid(2)) >= score(closed, mesh.Grid(2)) || score(open, mesh.Cube()) <= score(closed, mesh.Cube()) {
		t.Error("closed or not counts the same for open and closed sources")
	}
}
