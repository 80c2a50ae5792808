package furniture

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFixturesAreHeldOut goes by the files that are committed, so that a new
// fixture cannot slip into training.
func TestFixturesAreHeldOut(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "mesh", "*_*.obj"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures found: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".obj")
		if !HeldOut(name) {
			t.Errorf("%s would be trained on", name)
		}
	}
}

func TestHeldOutShare(t *testing.T) {
	n := 0
	for i := range 10_000 {
		if HeldOut(fmt.Sprint("model", i)) {
			n++
		}
	}
	if n < 900 || n > 1100 {
		t.Errorf("%d of 10000 models held out, want about %d", n, 100*heldOutPercent)
	}
}

// library writes a small archive with the real ones' layout.
func library(t *testing.T) (folder string, l Library) {
	t.Helper()
	folder = t.TempDir()
	l = Library{File: "Test.sh3f", Prefix: "test", License: "CC0-1.0"}
	f, err := os.Create(filepath.Join(folder, l.File))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, text := range map[string]string{
		"PluginFurnitureCatalog.properties": "# name#9=comment\nid=Test\nname#1=Caf\\u00e9 table\nmodel#1=/test/Side-Table/Side-Table.obj\n" +
			"creator#1=Andr\xe9\n\nname#2=Other\nmodel#2=/test/other.dae\n",
		"test/Side-Table/Side-Table.obj": "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2\nf 1 2 3 4\n",
		"test/Side-Table/wood.JPG":       "picture",
		"test/side-table.png":            "preview",
	} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return folder, l
}

func TestArchive(t *testing.T) {
	folder, l := library(t)
	a, err := Open(folder, l)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	want := Model{Name: "test_side_table", Title: "Café table", Creator: "André", Path: "test/Side-Table/Side-Table.obj"}
	if len(a.List) != 1 || a.List[0] != want {
		t.Fatalf("catalogue: %+v, want %+v alone", a.List, want)
	}
	m, err := a.Mesh(a.List[0])
	if err != nil || m.NumFaces() != 1 || len(m.Face(0)) != 4 {
		t.Fatalf("mesh: %v, %v", m, err)
	}
	pictures, err := a.Textures()
	if err != nil || len(pictures) != 1 || string(pictures[0].Data) != "picture" {
		t.Fatalf("textures: %v, %v", pictures, err)
	}
	if _, err := a.Mesh(Model{Path: "none.obj"}); err == nil {
		t.Fatal("a model that is not there was read")
	}
	if _, err := Open(folder, Library{File: "none.sh3f"}); err == nil {
		t.Fatal("an archive that is not there was opened")
	}
}
