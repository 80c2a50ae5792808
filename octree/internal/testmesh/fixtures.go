package testmesh

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// Fixtures returns the paths of the OBJ files under the repository's testdata,
// given the path from the test's folder to the repository root.
func Fixtures(tb testing.TB, root string) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "testdata", "mesh", "*.obj"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no OBJ files under %s/testdata/mesh: %v", root, err)
	}
	return paths
}

// ReadOBJ reads the v and f lines of an OBJ file: enough for the fixtures.
func ReadOBJ(tb testing.TB, path string) *mesh.Mesh {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	m := &mesh.Mesh{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if err := addLine(m, strings.Fields(lines.Text())); err != nil {
			tb.Fatalf("%s: %v", path, err)
		}
	}
	return m
}

func addLine(m *mesh.Mesh, words []string) error {
	switch {
	case len(words) >= 4 && words[0] == "v":
		var p mesh.Vec3
		for a := range 3 {
			x, err := strconv.ParseFloat(words[a+1], 64)
			if err != nil {
				return err
			}
			p[a] = x
		}
		m.AddVertex(p)
	case len(words) >= 4 && words[0] == "f":
		return addFace(m, words[1:])
	}
	return nil
}

func addFace(m *mesh.Mesh, words []string) error {
	var face []int32
	for _, w := range words {
		first, _, _ := strings.Cut(w, "/")
		i, err := strconv.Atoi(first)
		if err != nil {
			return fmt.Errorf("corner %q: %w", w, err)
		}
		if i < 0 {
			i += len(m.Vertices) + 1
		}
		face = append(face, int32(i-1))
	}
	return m.AddFace(face...)
}
