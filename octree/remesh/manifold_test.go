package remesh

import (
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// checkManifold makes sure that m is closed and oriented, that each vertex has one
// fan of faces, that no face repeats a vertex and no two vertices share a place.
func checkManifold(t testing.TB, m *mesh.Mesh) {
	t.Helper()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	turn := make([]map[int32]int32, len(m.Vertices)) // around a vertex, from neighbour to neighbour
	for f := range m.NumFaces() {
		face := m.Face(f)
		n := len(face)
		if n > 4 {
			t.Fatalf("face %d has %d corners", f, n)
		}
		for i, v := range face {
			after, before := face[(i+1)%n], face[(i+n-1)%n]
			if turn[v] == nil {
				turn[v] = map[int32]int32{}
			}
			if _, twice := turn[v][after]; twice || v == after || after == before {
				t.Fatalf("face %d: the edge from vertex %d to %d is there twice, or a corner is", f, v, after)
			}
			turn[v][after] = before
		}
	}
	places := map[mesh.Vec3]bool{}
	for v, next := range turn {
		checkFan(t, v, next)
		if places[m.Vertices[v]] {
			t.Fatalf("vertex %d has the place of another", v)
		}
		places[m.Vertices[v]] = true
	}
}

func checkFan(t testing.TB, v int, next map[int32]int32) {
	t.Helper()
	for start := range next {
		at, steps := start, 0
		for {
			to, ok := next[at]
			if !ok {
				t.Fatalf("vertex %d: the edge to %d has one face", v, at)
			}
			at = to
			if steps++; at == start {
				break
			}
		}
		if steps != len(next) {
			t.Fatalf("vertex %d has %d faces, %d of them in one fan", v, len(next), steps)
		}
		return
	}
	t.Fatalf("vertex %d has no face", v)
}

func euler(m *mesh.Mesh) int { return len(m.Vertices) - len(m.Corners)/2 + m.NumFaces() }
