package family

import (
	"errors"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/quadfield"
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

// TestMethods has the shipped model and the surface method make a cube of few faces: auto
// takes one of them, with both scores, and each is made alone when it is asked for.
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
	for method, want := range map[request.Method]string{"": "model", request.MethodModel: "model", request.MethodSurface: "surface: ", request.MethodAuto: ""} {
		r, err := m.Generate(t.Context(), request.Request{ID: "a", Seed: 1, Method: method, Faces: 24}, Media{Mesh: mesh.Cube()})
		if err != nil {
			t.Fatalf("%q: %v", method, err)
		}
		if !strings.HasPrefix(r.Method, want) || r.Method == "" {
			t.Errorf("%q: made by %q", method, r.Method)
		}
		if method != request.MethodAuto {
			continue
		}
		model, surface := r.Measures["score_model"], r.Measures["score_surface"]
		if (r.Method == "model") != (model < surface) || model == 0 || len(r.Notes) > 0 {
			t.Errorf("auto takes %q at scores %g of the model and %g of the surface: %v", r.Method, model, surface, r.Notes)
		}
	}
	r, err := m.Generate(t.Context(), request.Request{ID: "a", Method: request.MethodAuto, Faces: 400}, Media{Mesh: mesh.Cube()})
	if err != nil || !strings.HasPrefix(r.Method, "surface") || len(r.Notes) != 1 {
		t.Errorf("beyond the model's training: %v, %+v", err, r)
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
