package quadfield

import (
	"math"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// mending moves single vertices of quads that are folded or nearly so. The steps before
// move vertices to averages, which fold such a quad again.
type mending struct {
	*patch
	s      *surface
	around [][]int32   // [v] faces
	normal []mesh.Vec3 // [v]
	loose  bool        // corners and lines do not hold
}

// mend moves the vertices of quads with a scaled Jacobian below poor, one by one, to
// where the least Jacobian around each is largest, until no move helps. Where a quad is
// still flat or inverted, its vertices then also leave their corners and lines, no farther
// than needed.
func (p *patch) mend(s *surface) {
	m := &mending{patch: p, s: s}
	m.run(poor)
	m.loose = true
	m.run(flat)
}

// flat is the scaled Jacobian below which 32-bit coordinates may invert a quad, and firm
// one at which it is safe.
const flat, firm = 1e-3, 0.02

// run mends quads with a scaled Jacobian below least.
func (m *mending) run(least float64) {
	const rounds = 10
	for range rounds {
		bad := m.bad(least)
		if len(bad) == 0 {
			return
		}
		if m.around == nil {
			m.findAround()
		}
		m.normal = m.normals()
		better := false
		for _, v := range bad {
			better = m.improve(v) || better
		}
		if !better {
			return
		}
	}
}

// bad lists the vertices that may move of quads with a scaled Jacobian below least.
func (m *mending) bad(least float64) (all []int32) {
	seen := map[int32]bool{}
	for _, face := range m.faces {
		if m.jacobian(face) >= least {
			continue
		}
		for _, v := range face {
			if !seen[v] && (m.loose || m.kind[v] != corner) {
				seen[v] = true
				all = append(all, v)
			}
		}
	}
	return all
}

func (m *mending) findAround() {
	m.around = make([][]int32, len(m.at))
	for f, face := range m.faces {
		for _, v := range face {
			m.around[v] = append(m.around[v], int32(f))
		}
	}
}

// look bounds a face's normal: its cosine with another may not be below least.
type look struct {
	normal mesh.Vec3
	least  float64
}

// looks returns the bounds of the faces around v. A face keeps near its normal. A folded
// one has v's normal instead, from which it may turn by a right angle, as on a rim.
func (m *mending) looks(v int32) []look {
	all := make([]look, len(m.around[v]))
	for i, f := range m.around[v] {
		if face := m.faces[f]; m.jacobian(face) > 0 {
			all[i] = look{m.faceVector(face).Unit(), 0.5}
		} else {
			all[i] = look{m.normal[v], -0.3}
		}
	}
	return all
}

// improve tries positions around v and reports whether one is better.
func (m *mending) improve(v int32) bool {
	const directions = 12
	side, sides := 0.0, 0 // mean length
	for _, f := range m.around[v] {
		face := m.faces[f]
		for k, w := range face {
			side += m.at[w].Sub(m.at[face[(k+1)%4]]).Len()
			sides++
		}
	}
	side /= float64(sides)
	x := across(m.normal[v])
	y := m.normal[v].Cross(x)
	looks := m.looks(v)
	best, least := m.at[v], m.least(v, looks)
	start := least
	shares := []float64{0.5, 0.25, 0.12, 0.06, 0.03}
	if m.loose {
		slices.Reverse(shares)
	}
	for _, share := range shares {
		if m.loose && least >= firm {
			break
		}
		middle := best
		for d := range directions {
			sin, cos := math.Sincos(2 * math.Pi * float64(d) / directions)
			m.at[v] = middle
			m.put(v, middle.Add(x.Scale(share*side*cos)).Add(y.Scale(share*side*sin)), side)
			if q := m.least(v, looks); q > least {
				best, least = m.at[v], q
			}
		}
	}
	m.at[v] = best
	return least > start+1e-3
}

// put moves v to the point nearest to to that it may take. side is the mean edge.
func (m *mending) put(v int32, to mesh.Vec3, side float64) {
	if !m.loose || m.kind[v] == free {
		m.move(m.s, v, to, m.normal[v])
		return
	}
	const closest = 0.05 // sides to a neighbour
	_, on, face := m.s.near.Facing(to, m.normal[v])
	if face < 0 {
		return
	}
	for _, f := range m.around[v] {
		for _, w := range m.faces[f] {
			if w != v && m.at[w].Sub(on).Len() < closest*side {
				return
			}
		}
	}
	m.at[v] = on
}

// least returns the least scaled Jacobian around v, or less than any if a face is beyond
// its bound.
func (m *mending) least(v int32, looks []look) float64 {
	least := 1.0
	for i, f := range m.around[v] {
		face := m.faces[f]
		if m.faceVector(face).Unit().Dot(looks[i].normal) < looks[i].least {
			return -2
		}
		least = min(least, m.jacobian(face))
	}
	return least
}
