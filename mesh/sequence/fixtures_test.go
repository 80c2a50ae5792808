package sequence

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
)

// fixtures reads the OBJ files that the repository holds, scaled to the range
// that sequences use.
func fixtures(tb testing.TB) map[string]*mesh.Mesh {
	tb.Helper()
	paths, err := filepath.Glob("../../testdata/mesh/*.obj")
	if err != nil || len(paths) != 21 {
		tb.Fatalf("%d fixtures, want 21: %v", len(paths), err)
	}
	meshes := make(map[string]*mesh.Mesh)
	for _, path := range paths {
		m, _, err := obj.ReadFile(path, obj.Limits{})
		if err != nil {
			tb.Fatal(err)
		}
		if m, _, _, err = mesh.Normalize(m, 0.95); err != nil {
			tb.Fatal(err)
		}
		meshes[filepath.Base(path)] = m
	}
	return meshes
}

// naiveFaces is the oracle: the faces of a mesh of triangles and quads as lists
// of (z, x, y) cells, by the rule in the package comment, with no index tables.
// Every list is rotated so that its lowest cell is first.
func naiveFaces(m *mesh.Mesh, levels int) map[string]int {
	faces := make(map[string]int)
	for f := range m.NumFaces() {
		var cells []string
		for _, v := range m.Face(f) {
			p := m.Vertices[v]
			id := func(x float64) int { return min(int(math.Floor((x+1)/2*float64(levels))), levels-1) }
			cells = append(cells, fmt.Sprintf("%07d %07d %07d", id(p[2]), id(p[0]), id(p[1])))
		}
		cells = slices.Compact(cells)
		for len(cells) > 1 && cells[0] == cells[len(cells)-1] {
			cells = cells[1:]
		}
		if len(cells) < 3 || len(cells) == 4 && (cells[0] == cells[2] || cells[1] == cells[3]) {
			continue
		}
		i := slices.Index(cells, slices.Min(cells))
		faces[fmt.Sprint(append(slices.Clone(cells[i:]), cells[:i]...))]++
	}
	return faces
}

// TestFixturesExact checks, for all fixtures and at several resolutions, that
// the tokens give back the quantised mesh, that encoding again gives the same
// tokens, and that faces and winding are those of the source.
func TestFixturesExact(t *testing.T) {
	for name, m := range fixtures(t) {
		for _, levels := range []int{2, 64, 100, 1024, MaxLevels} {
			o := Options{Levels: levels}
			q, report, err := Quantize(m, o)
			if errors.Is(err, mesh.ErrEmpty) && levels == 2 {
				continue
			}
			if err != nil {
				t.Fatalf("%s at %d: %v", name, levels, err)
			}
			tokens := q.Tokens()
			back, decoded, err := DecodeQuantized(tokens, o)
			if err != nil {
				t.Fatalf("%s at %d: %v", name, levels, err)
			}
			if !reflect.DeepEqual(back, q) {
				t.Errorf("%s at %d: another mesh comes back", name, levels)
			}
			if decoded.Faces != report.Faces || decoded.Quads != report.Quads || len(tokens) != report.Tokens {
				t.Errorf("%s at %d: %+v, encoded as %+v", name, levels, decoded, report)
			}
			again, second, err := Encode(back.Mesh(), o)
			if err != nil || !slices.Equal(again, tokens) {
				t.Errorf("%s at %d: encodes differently the second time: %v", name, levels, err)
			}
			if second.DegenerateFaces+second.DuplicateFaces+second.MergedVertices+second.SplitNgons != 0 {
				t.Errorf("%s at %d: the second time %+v", name, levels, second)
			}
			checkFaces(t, fmt.Sprintf("%s at %d", name, levels), m, back.Mesh(), levels, report)
		}
	}
}

// checkFaces compares with the oracle. Faces of five corners or more, which
// the oracle does not split, are left out of both; with them the areas agree.
func checkFaces(t *testing.T, name string, m, back *mesh.Mesh, levels int, report Report) {
	t.Helper()
	small := &mesh.Mesh{Vertices: m.Vertices}
	for f := range m.NumFaces() {
		if len(m.Face(f)) <= 4 {
			if err := small.AddFace(m.Face(f)...); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, got := naiveFaces(small, levels), naiveFaces(back, levels)
	for face := range want {
		if got[face] != 1 {
			t.Errorf("%s: face %s of the source is there %d times", name, face, got[face])
		}
	}
	if small.NumFaces() == m.NumFaces() && (len(got) != len(want) || report.Faces != len(want)) {
		t.Errorf("%s: %d faces, want %d", name, report.Faces, len(want))
	}
	if levels == MaxLevels {
		if a, b := mesh.Area(m), mesh.Area(back); math.Abs(a-b) > 0.01*a {
			t.Errorf("%s: area %g, source %g", name, b, a)
		}
	}
}

// TestOrderIgnored checks that the tokens do not depend on how the source is
// numbered.
func TestOrderIgnored(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for name, m := range fixtures(t) {
		split, _ := mesh.SplitNgons(m) // n-gons that are bent can lie in several ways
		want, _, err := Encode(split, Options{})
		if err != nil {
			t.Fatal(err)
		}
		to := random.Perm(len(m.Vertices))
		other := &mesh.Mesh{Vertices: make([]mesh.Vec3, len(m.Vertices))}
		for v, p := range split.Vertices {
			other.Vertices[to[v]] = p
		}
		for _, f := range random.Perm(split.NumFaces()) {
			face, shift := split.Face(f), random.IntN(3)
			var corners []int32
			for k := range face {
				corners = append(corners, int32(to[face[(k+shift)%len(face)]]))
			}
			if err := other.AddFace(corners...); err != nil {
				t.Fatal(err)
			}
		}
		if got, _, err := Encode(other, Options{}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: other tokens after renumbering: %v", name, err)
		}
	}
}
