package arrows

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestHouse holds this module to its own rules.
func TestHouse(t *testing.T) {
	root := moduleRoot(t)
	imports, err := Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	self := Import{File: "internal/arrows/arrows_test.go", Path: "testing"}
	if !slices.Contains(imports, self) {
		t.Fatalf("scan of %s: %d imports, but not this file's own", root, len(imports))
	}
	for _, violation := range House.Check(imports) {
		t.Error(violation)
	}
}

// moduleRoot returns the nearest folder upwards that has a go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working folder")
		}
		dir = parent
	}
}
