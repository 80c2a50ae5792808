package arrows

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
	root := tree(t, map[string]string{
		"go.mod":                "module example",
		"mesh/mesh.go":          "package mesh\nimport (\n\"fmt\"\nm \"math\"\n)\nvar _, _ = fmt.Sprint, m.Pi",
		"mesh/mesh_test.go":     "package mesh_test\nimport _ `example/mesh`",
		"mesh/other.go":         "//go:build ignore\n\npackage main\nimport \"C\"",
		"mesh/notes.txt":        "import \"unsafe\"",
		"mesh/testdata/bad.go":  "not Go at all",
		"tools/go.mod":          "module example/tools",
		"tools/tool.go":         "package main\nimport \"os\"",
		".cache/x.go":           "package x\nimport \"os\"",
		"_old/x.go":             "package x\nimport \"os\"",
		"out/x.go":              "package x\nimport \"os\"",
		"models/out/x.go":       "package out\nimport \"io\"",
		"models/deep/er/net.go": "package er\nimport _ \"image/png\"",
	})
	got, err := Scan(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []Import{
		{"mesh/mesh.go", "fmt"},
		{"mesh/mesh.go", "math"},
		{"mesh/mesh_test.go", "example/mesh"},
		{"mesh/other.go", "C"},
		{"models/deep/er/net.go", "image/png"},
		{"models/out/x.go", "io"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestScanSaysWhichFileDoesNotParse(t *testing.T) {
	root := tree(t, map[string]string{"mesh/half.go": "package mesh\nimport \"fm"})
	_, err := Scan(root)
	if err == nil || !strings.Contains(err.Error(), "half.go") {
		t.Errorf("got %v, want an error naming half.go", err)
	}
}

// tree writes the files into a new folder and returns it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
