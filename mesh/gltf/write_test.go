package gltf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/mesh"
	qgltf "github.com/qmuntal/gltf"
)

var allNormals = map[string]Normals{"creased": Creased, "smooth": Smooth, "flat": Flat}

func encodeAll(t *testing.T, m *mesh.Mesh, o WriteOptions) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Encode(&out, m, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, s := range shapes() {
		for name, n := range allNormals {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				data := encodeAll(t, s.mesh, WriteOptions{Normals: n})
				if again := encodeAll(t, s.mesh, WriteOptions{Normals: n}); !bytes.Equal(data, again) {
					t.Error("two runs, two files")
				}
				got, info := decodeAll(t, data)
				if info.Generator != Generator || info.Ngons != 1 || info.Degenerate != 0 {
					t.Errorf("info %+v", info)
				}
				if s.cut > 0 {
					sameSurface(t, got, s.mesh)
					return
				}
				sameMesh(t, got, s.mesh)
			})
		}
	}
}

// sameMesh requires the same vertices in float32 and the same faces in the same
// order, each starting with any of its corners.
func sameMesh(t *testing.T, got, want *mesh.Mesh) {
	t.Helper()
	if len(got.Vertices) != len(want.Vertices) || got.NumFaces() != want.NumFaces() {
		t.Fatalf("%d vertices, %d faces; want %d, %d", len(got.Vertices), got.NumFaces(), len(want.Vertices), want.NumFaces())
	}
	for v, p := range want.Vertices {
		if narrow(p) != narrow(got.Vertices[v]) {
			t.Fatalf("vertex %d at %v, want %v", v, got.Vertices[v], p)
		}
	}
	for f := range want.NumFaces() {
		if a, b := got.Face(f), want.Face(f); !sameRing(a, b) {
			t.Fatalf("face %d is %v, want %v", f, a, b)
		}
	}
}

func sameRing(a, b []int32) bool {
	if len(a) != len(b) {
		return false
	}
	for shift := range a {
		same := true
		for i := range a {
			same = same && a[(i+shift)%len(a)] == b[i]
		}
		if same {
			return true
		}
	}
	return false
}

// sameSurface requires the same area, with no part of it folded over.
func sameSurface(t *testing.T, got, want *mesh.Mesh) {
	t.Helper()
	if a, b := area(got), area(want); math.Abs(a-b) > 1e-6*b || len(got.Vertices) != len(want.Vertices) {
		t.Errorf("area %v, want %v; %d vertices, want %d", a, b, len(got.Vertices), len(want.Vertices))
	}
	for f := range got.NumFaces() {
		if faceNormal(got, f)[2] < 0 {
			t.Errorf("face %d looks down", f)
		}
	}
}

// TestTriangulation requires that what other viewers draw has the area of the
// faces: no fan may reach outside a concave one.
func TestTriangulation(t *testing.T) {
	for _, s := range shapes() {
		if s.name == "bow tie" || s.name == "grid" || s.name == "large grid" || s.name == "torus" {
			continue // Faces that cross themselves, or are not planar.
		}
		sum := 0.0
		corners := fans(s.mesh)
		for i := 0; i < len(corners); i += 3 {
			sum += newell(s.mesh, corners[i:i+3]).Len() / 2
		}
		if want := area(s.mesh); math.Abs(sum-want) > 1e-9*max(want, 1) {
			t.Errorf("%s: triangles of area %v, faces of %v", s.name, sum, want)
		}
	}
}

// TestAnchors checks the one rule of FB_ngon_encoding on the mesh's vertices:
// faces in sequence start differently.
func TestAnchors(t *testing.T) {
	for _, s := range shapes() {
		corners, last, end := fans(s.mesh), int32(-1), int32(-1)
		for i := 0; i < len(corners); i += 3 {
			a, b, c := corners[i], corners[i+1], corners[i+2]
			if a == last && b == end {
				end = c
				continue // Still the same face.
			}
			if last >= 0 && s.mesh.Corners[a] == s.mesh.Corners[last] {
				t.Fatalf("%s: triangle %d starts a face with the vertex of the last", s.name, i/3)
			}
			last, end = a, c
		}
	}
}

func TestNormals(t *testing.T) {
	count := func(m *mesh.Mesh, n Normals) int { return len(shade(m, n).positions) }
	for _, c := range []struct {
		name                  string
		m                     *mesh.Mesh
		creased, smooth, flat int
	}{
		{"cube", cube(mesh.Vec3{}), 24, 8, 24},
		{"torus", torus(24, 12), 288, 288, 4 * 288},
		{"prism", prism(12), 48, 24, 72}, // 30 degrees from side to side
		{"plane", polygonMesh([]mesh.Vec3{{0, 0}, {1, 0}, {1, 1}, {0, 1}}, []int32{0, 1, 2}, []int32{0, 2, 3}), 4, 4, 4},
	} {
		if a, b, d := count(c.m, Creased), count(c.m, Smooth), count(c.m, Flat); a != c.creased || b != c.smooth || d != c.flat {
			t.Errorf("%s: %d, %d, %d vertices; want %d, %d, %d", c.name, a, b, d, c.creased, c.smooth, c.flat)
		}
	}
	for _, s := range shapes() {
		for name, n := range allNormals {
			for i, v := range shade(s.mesh, n).normals {
				l := math.Sqrt(float64(v[0])*float64(v[0]) + float64(v[1])*float64(v[1]) + float64(v[2])*float64(v[2]))
				if !(math.Abs(l-1) < 1e-6) {
					t.Fatalf("%s, %s: normal %d is %v long", s.name, name, i, l)
				}
			}
		}
	}
}

// TestIndependentReader reads a file back with the library's own decoder.
func TestIndependentReader(t *testing.T) {
	m := prism(9)
	var doc qgltf.Document
	if err := qgltf.NewDecoder(bytes.NewReader(encodeAll(t, m, WriteOptions{Normals: Smooth}))).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	p := doc.Meshes[0].Primitives[0]
	position, index := doc.Accessors[p.Attributes[qgltf.POSITION]], doc.Accessors[*p.Indices]
	if position.Count != 18 || index.Count != 3*(2*7+9*2) || index.ComponentType != qgltf.ComponentUshort {
		t.Errorf("%d vertices, %d indices of %v", position.Count, index.Count, index.ComponentType)
	}
	if position.Min[2] != 0 || position.Max[2] != 1 || doc.Asset.Generator != Generator {
		t.Errorf("range %v to %v by %s", position.Min, position.Max, doc.Asset.Generator)
	}
}

func TestEncodeErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		m    *mesh.Mesh
		err  error
	}{
		{"empty", new(mesh.Mesh), mesh.ErrEmpty},
		{"vertices only", &mesh.Mesh{Vertices: []mesh.Vec3{{}, {1}}}, mesh.ErrEmpty},
		{"one point", polygonMesh([]mesh.Vec3{{}}, []int32{0, 0, 0}), mesh.ErrEmpty},
		{"there and back", polygonMesh([]mesh.Vec3{{}, {1}}, []int32{0, 1, 0}), mesh.ErrEmpty},
		{"NaN", flat([]mesh.Vec3{{math.NaN()}, {1}, {0, 1}}), mesh.ErrNotFinite},
		{"overflows float64", flat([]mesh.Vec3{{math.MaxFloat64}, {-math.MaxFloat64}, {0, 1}}), mesh.ErrNotFinite},
		{"bad corner", &mesh.Mesh{Vertices: []mesh.Vec3{{}, {1}}, Corners: []int32{0, 1, 2}, Starts: []int32{0, 3}}, mesh.ErrFace},
	} {
		if err := Encode(io.Discard, c.m, WriteOptions{}); !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.err)
		}
	}
}

type fullDisk struct{ left int }

var errFull = errors.New("no space left")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.left {
		return 0, errFull
	}
	d.left -= len(p)
	return len(p), nil
}

func TestEncodeReportsWriteErrors(t *testing.T) {
	size := len(encodeAll(t, torus(24, 12), WriteOptions{}))
	for _, left := range []int{0, 100, size / 2, size - 1} {
		if err := Encode(&fullDisk{left}, torus(24, 12), WriteOptions{}); !errors.Is(err, errFull) {
			t.Errorf("%d bytes of room: error %v", left, err)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.glb")
	must(t, os.WriteFile(path, []byte("old"), 0o600))
	if err := Write(path, new(mesh.Mesh), WriteOptions{}); !errors.Is(err, mesh.ErrEmpty) {
		t.Errorf("empty mesh: %v", err)
	}
	if old, _ := os.ReadFile(path); string(old) != "old" {
		t.Errorf("a failed write left %q", old)
	}
	must(t, Write(path, cube(mesh.Vec3{}), WriteOptions{}))
	m, _, err := Read(path, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sameMesh(t, m, cube(mesh.Vec3{}))
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	if err := Write(filepath.Join(dir, "none", "a.glb"), cube(mesh.Vec3{}), WriteOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}

func ExampleEncode() {
	var m mesh.Mesh
	for _, p := range []mesh.Vec3{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}} {
		m.AddVertex(p)
	}
	if err := m.AddFace(0, 1, 2, 3); err != nil {
		fmt.Println(err)
	}
	var file bytes.Buffer
	if err := Encode(&file, &m, WriteOptions{}); err != nil {
		fmt.Println(err)
	}
	back, info, err := Decode(file.Bytes(), nil, ReadOptions{})
	fmt.Println(back.NumFaces(), "face of", len(back.Face(0)), "corners,", info.Generator, err)
	// Output: 1 face of 4 corners, morton <nil>
}

func BenchmarkEncode(b *testing.B) {
	m := grid(300, 250)
	b.ReportAllocs()
	for b.Loop() {
		if err := Encode(io.Discard, m, WriteOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(m.NumFaces())*float64(b.N)/b.Elapsed().Seconds(), "faces/s")
}

func BenchmarkDecode(b *testing.B) {
	m := grid(300, 250)
	var file bytes.Buffer
	if err := Encode(&file, m, WriteOptions{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		if _, _, err := Decode(file.Bytes(), nil, ReadOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(m.NumFaces())*float64(b.N)/b.Elapsed().Seconds(), "faces/s")
}
