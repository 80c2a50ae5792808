package tokenizer_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/models/tokenizer/octree"
)

// The shipped systems of meshes need no device.
var (
	shapes = octree.Tokenizer{Config: octree.Config{MinDepth: 5, MaxDepth: 6}}
	quads  = faces.Tokenizer{Config: faces.Config{Levels: 128, Points: 128, Faces: 188}, Length: 16384}
)

func encode(t *testing.T, k system.Tokenizer, m *mesh.Mesh, depth int) shard.Sample {
	t.Helper()
	s, _, err := k.Encode("a", system.Media{Mesh: m}, system.Extent{Depth: depth})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stored takes a sample through a shard.
func stored(t *testing.T, s shard.Sample) shard.Sample {
	t.Helper()
	path := filepath.Join(t.TempDir(), "one.parquet")
	w, err := shard.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(s), w.Close()); err != nil {
		t.Fatal(err)
	}
	all, err := shard.ReadAll(path, shard.Limits{})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d samples: %v", len(all), err)
	}
	return all[0]
}

// TestDetokenizeAtTheSourcesPlace tokenizes a torus that lies far away, is tiny or
// huge, and wants it back within a cell of where it was, whatever the family. The
// torus is 2.8 of its units wide.
func TestDetokenizeAtTheSourcesPlace(t *testing.T) {
	for _, to := range []mesh.Transform{
		{Scale: 1},
		{Scale: 1, Offset: mesh.Vec3{500000.25, 4100000.5, 120}}, // as in surveyors' files
		{Scale: 1, Offset: mesh.Vec3{1e9, -1e9, 1e9}},
		{Scale: 1e-160},
		{Scale: 1e12, Offset: mesh.Vec3{1e12, 0, 3e12}},
	} {
		source := mesh.Transformed(mesh.Torus(16, 10, 1, 0.4), to.Matrix())
		m, _, err := shapes.Decode(stored(t, encode(t, shapes, source, 6)))
		if err != nil {
			t.Fatal(err)
		}
		checkNear(t, "shape", to, m.Mesh, source, 2/0.9/64/2)
		m, _, err = quads.Decode(stored(t, encode(t, quads, source, 0)))
		if err != nil {
			t.Fatal(err)
		}
		checkNear(t, "quads", to, m.Mesh, source, 2/0.95/128/2)
	}
}

// checkNear wants a mesh within a cell of its source; the cell is in the source's
// longest side.
func checkNear(t *testing.T, what string, at mesh.Transform, m, source *mesh.Mesh, cell float64) {
	t.Helper()
	r, err := compare.Surfaces(m, source, compare.Options{Samples: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if r.Hausdorff > cell {
		t.Errorf("%s at %+v: %g of the side away, a cell is %g", what, at, r.Hausdorff, cell)
	}
}

// TestDetokenizeWithoutPlace leaves samples of earlier versions in their box, and
// refuses places that are none.
func TestDetokenizeWithoutPlace(t *testing.T) {
	far := mesh.Transformed(mesh.QuadSphere(4), mesh.Transform{Scale: 3, Offset: mesh.Vec3{100}}.Matrix())
	for what, k := range map[string]system.Tokenizer{"shape": shapes, "quads": quads} {
		made := encode(t, k, far, 5)
		detokenize := func(meta map[string]string) (*mesh.Mesh, error) {
			s := made
			s.Meta = meta
			m, _, err := k.Decode(s)
			return m.Mesh, err
		}
		m, err := detokenize(nil)
		if err != nil {
			t.Fatal(err)
		}
		if lo, hi := mesh.Bounds(m); min(lo[0], lo[1], lo[2]) < -1 || max(hi[0], hi[1], hi[2]) > 1 {
			t.Errorf("%s without a place: %v to %v", what, lo, hi)
		}
		for _, place := range []string{
			"", "here", "[]", `{"scale":0,"offset":[0,0,0]}`, `{"scale":-1,"offset":[0,0,0]}`,
			`{"scale":1e999,"offset":[0,0,0]}`, `{"scale":1e308,"offset":[1.7e308,0,0]}`,
		} {
			if _, err := detokenize(map[string]string{tokenizer.PlaceKey: place}); !errors.Is(err, shard.ErrSample) {
				t.Errorf("%s at %q: %v", what, place, err)
			}
		}
	}
}

// FuzzPlace reads any text as a place: what is taken is a finite mesh.
func FuzzPlace(f *testing.F) {
	f.Add(`{"scale":2,"offset":[1,2,3]}`)
	f.Add(`{"scale":1e308,"offset":[1e308,0,0]}`)
	f.Add("[]")
	f.Fuzz(func(t *testing.T, text string) {
		s := shard.Sample{ID: "f", Meta: map[string]string{tokenizer.PlaceKey: text}}
		m, err := tokenizer.Placed(&s, mesh.Cube())
		if err != nil {
			if !errors.Is(err, shard.ErrSample) {
				t.Fatal(err)
			}
			return
		}
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}
