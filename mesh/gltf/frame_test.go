package gltf

import (
	"bytes"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	qgltf "github.com/qmuntal/gltf"
)

// moved returns m scaled, then shifted.
func moved(m *mesh.Mesh, scale float64, shift mesh.Vec3) *mesh.Mesh {
	return mesh.Transformed(m, mesh.Transform{Scale: scale, Offset: shift}.Matrix())
}

func fault(t *testing.T, name string) *mesh.Mesh {
	t.Helper()
	m, _, err := obj.ReadFile(filepath.Join("..", "obj", "testdata", name), obj.Limits{})
	must(t, err)
	return m
}

// TestPlaces writes meshes far from the origin, very large and very small, and
// reads them back: the same faces over the same vertices, to 2^-24 of the
// distance that the furthest has from the node's origin.
func TestPlaces(t *testing.T) {
	sphere := mesh.QuadSphere(20)
	for _, c := range []struct {
		name  string
		m     *mesh.Mesh
		exact bool // every coordinate comes back as it was
	}{
		{"utm", fault(t, "utm.obj"), true},
		{"far", fault(t, "far_1e9.obj"), true},
		{"tiny", fault(t, "scale_1e-160.obj"), false},
		{"sphere", sphere, false},
		{"sphere in UTM", moved(sphere, 50, mesh.Vec3{500_000.1, 4_100_000.3, 120}), false},
		{"sphere at 1e9", moved(sphere, 1, mesh.Vec3{1e9, -1e9, 1e9}), false},
		{"sphere at 1e15", moved(sphere, 1e3, mesh.Vec3{1e15, 0, 0}), false},
		{"sphere of 1e-160", moved(sphere, 1e-160, mesh.Vec3{}), false},
		{"sphere of 1e-300 at 1e-299", moved(sphere, 1e-300, mesh.Vec3{1e-299, 0, 0}), false},
		{"sphere of 1e-40", moved(sphere, 1e-40, mesh.Vec3{}), false},
		{"sphere of 1e39", moved(sphere, 1e39, mesh.Vec3{1e39, 0, 0}), false},
		{"sphere of 1e300", moved(sphere, 1e300, mesh.Vec3{-1e301, 0, 0}), false},
		{"sphere of 1e308", moved(sphere, 1e308, mesh.Vec3{}), false},
	} {
		data := encodeAll(t, c.m, WriteOptions{})
		got, info := decodeAll(t, data)
		if info.Degenerate != 0 {
			t.Errorf("%s: %d faces lost", c.name, info.Degenerate)
		}
		sameFaces(t, c.name, got, c.m)
		lo, hi := mesh.Bounds(c.m)
		size := max(hi[0]/2-lo[0]/2, hi[1]/2-lo[1]/2, hi[2]/2-lo[2]/2)
		for v, p := range first(c.m) {
			for axis := range p {
				if d := math.Abs(got.Vertices[v][axis]/size - p[axis]/size); !(d <= nearby*0x1p-24) || c.exact && got.Vertices[v] != p {
					t.Fatalf("%s: vertex %d at %v, want %v", c.name, v, got.Vertices[v], p)
				}
			}
		}
		plainPositions(t, c.name, data)
	}
}

// first returns the different places of m's corners in the order in which faces
// use them, as a reader of a written file finds them if m's vertices are in
// that order or shared.
func first(m *mesh.Mesh) []mesh.Vec3 {
	welded, _ := mesh.Weld(m, 0)
	welded, _ = mesh.RemoveUnused(welded)
	return welded.Vertices
}

// sameFaces requires the same faces over as many vertices, and that what is
// closed stays closed.
func sameFaces(t *testing.T, name string, got, want *mesh.Mesh) {
	t.Helper()
	want, _ = mesh.Weld(want, 0)
	want, _ = mesh.RemoveUnused(want)
	if len(got.Vertices) != len(want.Vertices) || got.NumFaces() != want.NumFaces() {
		t.Fatalf("%s: %d vertices and %d faces, want %d and %d", name, len(got.Vertices), got.NumFaces(), len(want.Vertices), want.NumFaces())
	}
	for f := range want.NumFaces() {
		if !sameRing(got.Face(f), want.Face(f)) {
			t.Fatalf("%s: face %d is %v, want %v", name, f, got.Face(f), want.Face(f))
		}
	}
}

// plainPositions requires positions that every viewer can hold: finite, none
// subnormal, and around zero unless the node is the identity.
func plainPositions(t *testing.T, name string, data []byte) {
	t.Helper()
	var doc qgltf.Document
	must(t, qgltf.NewDecoder(bytes.NewReader(data)).Decode(&doc))
	a := doc.Accessors[doc.Meshes[0].Primitives[0].Attributes[qgltf.POSITION]]
	local := doc.Nodes[0].Translation != [3]float64{} || doc.Nodes[0].Scale != [3]float64{1, 1, 1}
	for axis := range 3 {
		if r := max(math.Abs(a.Min[axis]), math.Abs(a.Max[axis])); r > 0x1p102 || r > 0 && r < 0x1p-126 || local && r > 2*nearby {
			t.Errorf("%s: positions from %v to %v below %+v", name, a.Min, a.Max, doc.Nodes[0])
		}
	}
}

// TestNoVerticesJoin: float32 cannot tell the vertices of a small part beside a
// large one, and they stay apart all the same.
func TestNoVerticesJoin(t *testing.T) {
	small := mesh.QuadSphere(12)
	for _, c := range []struct {
		name string
		m    *mesh.Mesh
	}{
		{"a sphere beside one 1e12 away", join(small, moved(small, 1, mesh.Vec3{1e12, 0, 0}))},
		{"a sphere in one of 1e20", join(moved(small, 1e20, mesh.Vec3{}), small)},
		{"thin", join(moved(small, 1e-9, mesh.Vec3{0.5, 0.5, 0.5}), cube(mesh.Vec3{}))},
		{"far and thin", join(moved(small, 1e-4, mesh.Vec3{1e8, 1e8, 1e8}), cube(mesh.Vec3{1e8, 1e8, 1e8}), cube(mesh.Vec3{3e8, 1e8, 1e8}))},
		{"one flat axis near zero", join(moved(small, 1e-12, mesh.Vec3{1e9, 0, 0}), cube(mesh.Vec3{1e9, -0.5, 0}))},
		{"a plain beside a point of 1e30", join(grid(300, 250), flat([]mesh.Vec3{{1e30, 0, 0}, {1e30, 1e29, 0}, {0.5, 0, 0}}))},
	} {
		begun := time.Now()
		got, info := decodeAll(t, encodeAll(t, c.m, WriteOptions{}))
		if info.Degenerate != 0 {
			t.Errorf("%s: %d faces lost", c.name, info.Degenerate)
		}
		sameFaces(t, c.name, got, c.m)
		was, err := mesh.Measure(c.m)
		must(t, err)
		is, err := mesh.Measure(got)
		must(t, err)
		if is.Euler != was.Euler || is.Watertight != was.Watertight || is.BoundaryEdges != was.BoundaryEdges {
			t.Errorf("%s: Euler %d, watertight %v, %d boundary edges; want %d, %v, %d", c.name,
				is.Euler, is.Watertight, is.BoundaryEdges, was.Euler, was.Watertight, was.BoundaryEdges)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%s: %v", c.name, took)
		}
	}
}

// TestLargeFace cuts a concave face of 5,000 corners along diagonals inside it.
func TestLargeFace(t *testing.T) {
	const n = 5000
	ring := make([]mesh.Vec3, n)
	for i := range ring {
		a, r := 2*math.Pi*float64(i)/n, 1+0.5*float64(i%2)
		ring[i] = mesh.Vec3{r * math.Cos(a), r * math.Sin(a), 0}
	}
	star := flat(ring)
	got, _ := decodeAll(t, encodeAll(t, star, WriteOptions{}))
	if a, b := area(got), area(star); math.Abs(a-b) > 1e-6*b || len(got.Vertices) != n {
		t.Errorf("area %v, want %v; %d vertices", a, b, len(got.Vertices))
	}
	for f := range got.NumFaces() {
		if faceNormal(got, f)[2] < 0 {
			t.Fatalf("face %d looks down", f)
		}
	}
}
