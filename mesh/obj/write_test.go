package obj

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func TestWriteText(t *testing.T) {
	m := &mesh.Mesh{Vertices: []mesh.Vec3{{0.1, 1.0 / 3, -0.5}, {1e30, math.Copysign(0, -1), 5e-324}, {1, 2, 3}, {4, 5, 6}}}
	if err := m.AddFace(0, 1, 2, 3); err != nil {
		t.Fatal(err)
	}
	if err := m.AddFace(3, 2, 1); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Write(&out, m); err != nil {
		t.Fatal(err)
	}
	want := "v 0.1 0.3333333333333333 -0.5\nv 1e+30 -0 5e-324\nv 1 2 3\nv 4 5 6\nf 1 2 3 4\nf 4 3 2\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestWriteErrors(t *testing.T) {
	nan := mesh.Cube()
	nan.Vertices[3][1] = math.NaN()
	index := mesh.Cube()
	index.Corners[5] = 8
	var out bytes.Buffer
	if err := Write(&out, nan); !errors.Is(err, mesh.ErrNotFinite) || out.Len() > 0 {
		t.Errorf("NaN: %v, %d bytes", err, out.Len())
	}
	if err := Write(&out, index); !errors.Is(err, mesh.ErrFace) || out.Len() > 0 {
		t.Errorf("index: %v, %d bytes", err, out.Len())
	}
	full := errors.New("full")
	if err := Write(failingWriter{full}, mesh.Cube()); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// TestWriteFileKeepsOld checks that a failed write leaves the old file and
// nothing beside it.
func TestWriteFileKeepsOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.obj")
	if err := WriteFile(path, mesh.Cube()); err != nil {
		t.Fatal(err)
	}
	bad := mesh.Cube()
	bad.Vertices[0][0] = math.Inf(1)
	if err := WriteFile(path, bad); !errors.Is(err, mesh.ErrNotFinite) {
		t.Fatalf("%v, want %v", err, mesh.ErrNotFinite)
	}
	m, _, err := ReadFile(path, Limits{})
	if err != nil || !reflect.DeepEqual(m, mesh.Cube()) {
		t.Errorf("%v: the old file is gone", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files left, want 1: %v", len(entries), err)
	}
	if err := WriteFile(filepath.Join(dir, "none", "a.obj"), mesh.Cube()); err == nil {
		t.Error("wrote into a folder that is not there")
	}
}

func TestFixturesRoundTrip(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/mesh/*.obj")
	if err != nil || len(paths) != 21 {
		t.Fatalf("%d fixtures, want 21: %v", len(paths), err)
	}
	copied := filepath.Join(t.TempDir(), "copy.obj")
	for _, path := range paths {
		m, info, err := ReadFile(path, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if len(info.Libraries) != 1 || len(info.Materials) == 0 || info.DroppedFaces != 0 {
			t.Errorf("%s: %+v", path, info)
		}
		if err := WriteFile(copied, m); err != nil {
			t.Fatal(err)
		}
		again, _, err := ReadFile(copied, Limits{})
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Errorf("%s: another mesh after writing: %v", path, err)
		}
	}
}

func Example() {
	var text bytes.Buffer
	if err := Write(&text, mesh.Grid(1)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(text.String())
	m, _, err := Read(&text, Limits{})
	fmt.Println(m.NumFaces(), err)
	// Output:
	// v -1 -1 0
	// v 1 -1 0
	// v -1 1 0
	// v 1 1 0
	// f 1 2 4 3
	// 1 <nil>
}

func BenchmarkRead(b *testing.B) {
	var text bytes.Buffer
	if err := Write(&text, mesh.QuadSphere(60)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Read(bytes.NewReader(text.Bytes()), Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
