package meshfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/obj"
)

var formats = map[string]Format{".obj": OBJ, ".glb": GLTF, ".ply": PLY, ".stl": STL, ".off": OFF}

// TestEveryFormat writes a closed mesh in every format, and reads it by its
// extension, by its extension in upper case, and by its first bytes.
func TestEveryFormat(t *testing.T) {
	if len(Written) != len(formats) {
		t.Fatalf("%v are written", Written)
	}
	for _, m := range []*mesh.Mesh{mesh.QuadSphere(8), mesh.Transformed(mesh.QuadSphere(8), mesh.Transform{Scale: 7, Offset: mesh.Vec3{500_000.1, 4_100_000.3, 120}}.Matrix())} {
		for _, ext := range Written {
			dir := t.TempDir()
			path := filepath.Join(dir, "a"+ext)
			if err := Write(path, m); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"a" + ext, "b" + strings.ToUpper(ext), "c", "d.scan"} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
					t.Fatal(err)
				}
				got, info, err := Read(filepath.Join(dir, name), Options{})
				if err != nil || info.Format != formats[ext] {
					t.Errorf("%s of %s: %+v, %v", name, ext, info, err)
					continue
				}
				r, err := mesh.Measure(got)
				if err != nil || !r.Watertight || r.Euler != 2 || r.WeldedVertices != len(m.Vertices) || info.Faces != r.Faces {
					t.Errorf("%s of %s: %+v, %v", name, ext, r, err)
				}
				if quads := r.Quads == m.NumFaces(); quads != (ext != ".stl") {
					t.Errorf("%s of %s: %d quads", name, ext, r.Quads)
				}
			}
		}
	}
}

func TestWriteElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.fbx")
	if err := Write(path, mesh.Cube()); !errors.Is(err, ErrNotMesh) || !strings.Contains(err.Error(), ".glb, .ply") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

func TestDetect(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]Format{
		"\ufeff# exported\nv 0 0 0\n":   OBJ,
		"mtllib a.mtl\r\nv 0 0 0\n":     OBJ,
		"o cube\n":                      OBJ,
		"v 0 0 0\n":                     OBJ,
		"\n {\"asset\":{}}":             GLTF,
		"glTF\x02\x00\x00\x00":          GLTF,
		"ply\rformat ascii 1.0\r":       PLY,
		"solid a\nfacet normal 0 0 1\n": STL,
		"COFF\n1 1 1\n":                 OFF,
		"OFF490 518 0\n":                OFF,
		"# made by hand\nOFF\n":         OFF,
		string(make([]byte, 84)):        "",
		string(make([]byte, 80)) + "\x01\x00\x00\x00" + "more": "",
		"solid ground\n":          "",
		"plywood":                 "",
		"OFFICE":                  "",
		"# a comment\nand text\n": "",
		"PK\x03\x04":              "",
	} {
		path := filepath.Join(dir, "x")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := Detect(path)
		if got != want || (err != nil) != (want == "") || err != nil && !errors.Is(err, ErrNotMesh) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "empty.obj"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"empty.obj": ErrEmptyFile, ".": ErrNotFile, "none.obj": fs.ErrNotExist} {
		if _, _, err := Read(filepath.Join(dir, name), Options{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// TestOptions: limits and scene reach the readers.
func TestOptions(t *testing.T) {
	dir := t.TempDir()
	for _, ext := range Written {
		path := filepath.Join(dir, "a"+ext)
		if err := Write(path, mesh.Cube()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Read(path, Options{Limits: limit.Limits{Vertices: 7}}); !errors.Is(err, limit.ErrLimit) {
			t.Errorf("%s: %v", ext, err)
		}
	}
	path := filepath.Join("..", "gltf", "testdata", "no_default_scene.glb")
	second := 1
	for scene, want := range map[*int]float64{nil: 1, &second: 6} {
		m, info, err := Read(path, Options{Scene: scene})
		if _, hi := mesh.Bounds(m); err != nil || hi[0] != want || info.Scenes != 2 {
			t.Errorf("to %v, want %v, %+v, %v", hi, want, info, err)
		}
	}
}

// TestSameShape converts every fixture into every format that keeps n-gons and
// compares what comes back.
func TestSameShape(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/mesh/*.obj")
	if err != nil || len(paths) == 0 {
		t.Fatal(err)
	}
	for _, path := range paths[:5] {
		m, _, err := Read(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := obj.Write(&want, m); err != nil {
			t.Fatal(err)
		}
		for _, ext := range []string{".ply", ".off"} {
			to := filepath.Join(t.TempDir(), "a"+ext)
			if err := Write(to, m); err != nil {
				t.Fatal(err)
			}
			back, _, err := Read(to, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := obj.Write(&got, back); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("%s as %s: another mesh came back, %v", filepath.Base(path), ext, err)
			}
		}
	}
}

func ExampleRead() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "cube.stl")
	if err := Write(path, mesh.Cube()); err != nil {
		fmt.Println(err)
		return
	}
	m, info, err := Read(path, Options{})
	fmt.Println(info.Format, info.Vertices, "vertices in the file,", len(m.Vertices), "places,", m.NumFaces(), "triangles", err)
	// Output: STL 36 vertices in the file, 8 places, 12 triangles <nil>
}
