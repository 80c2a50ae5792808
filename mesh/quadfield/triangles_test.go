package quadfield

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// check fails if m is not a closed 2-manifold whose tables agree.
func (m *triangles) check(t *testing.T) {
	t.Helper()
	fans := make([]int, len(m.at))
	for h := range int32(len(m.from)) {
		if m.from[h] < 0 {
			continue
		}
		g := m.twin[h]
		if m.twin[g] != h || m.from[g] != m.to(h) || m.from[h] != m.to(g) || m.line[g] != m.line[h] || g == h {
			t.Fatalf("side %d from %d to %d: its twin %d runs from %d to %d", h, m.from[h], m.to(h), g, m.from[g], m.to(g))
		}
		fans[m.from[h]]++
	}
	for v, n := range fans {
		if m.out[v] >= 0 && (m.from[m.out[v]] != int32(v) || m.valence(int32(v)) != n) {
			t.Fatalf("vertex %d has %d edges, %d in a fan", v, n, m.valence(int32(v)))
		}
	}
}

func (m *triangles) euler() int {
	v := 0
	for _, h := range m.out {
		if h >= 0 {
			v++
		}
	}
	return v - m.count()/2 // E = 3/2 F
}

// TestChangesKeepManifold changes meshes at random: they stay closed manifolds of
// their Euler characteristic.
func TestChangesKeepManifold(t *testing.T) {
	for name, c := range map[string]struct {
		m     *mesh.Mesh
		euler int
	}{"sphere": {mesh.QuadSphere(4), 2}, "torus": {mesh.Torus(12, 6, 1, 0.4), 0}, "plate": {mesh.Grid(4), 2}} {
		m, _ := newTriangles(c.m, 0.1)
		m.check(t)
		m.findLines(math.Pi / 4)
		rng := rand.New(rand.NewPCG(1, 2))
		for range 2000 {
			h := rng.Int32N(int32(len(m.from)))
			if m.from[h] < 0 {
				continue
			}
			switch rng.IntN(4) {
			case 0:
				if m.count() < 600 {
					m.split(h)
				}
			case 1:
				m.flip(h)
			default:
				if m.canCollapse(h) {
					m.collapse(h)
				}
			}
			m.check(t)
		}
		m = m.compact()
		m.check(t)
		if got := m.euler(); got != c.euler {
			t.Errorf("%s: Euler characteristic %d, want %d", name, got, c.euler)
		}
	}
}
