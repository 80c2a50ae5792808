package quadfield

import (
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/distance"
)

// evenRounds is the number of rounds of split, collapse, flip and smooth.
const evenRounds = 5

// even remeshes isotropically: it splits long edges, collapses short ones, flips
// edges towards valence six and smooths vertices along the surface. Feature lines
// stay.
//
// Source: Botsch and Kobbelt, "A remeshing approach to multiresolution modeling",
// 2004.
func (m *triangles) even(length float64, near *distance.Query) *triangles {
	for range evenRounds {
		m.splitLong(4. / 3 * length)
		m.collapseShort(4./5*length, 4./3*length)
		m.flipToSix()
		m.settle(near)
		m = m.compact()
	}
	return m
}

func (m *triangles) splitLong(most float64) {
	for again := true; again; {
		again = false
		for h := int32(0); h < int32(len(m.from)); h++ {
			if m.from[h] < 0 || h > m.twin[h] {
				continue
			}
			if l := m.vec(h).Len(); l > most && l >= m.longest(h) && l >= m.longest(m.twin[h]) {
				m.split(h)
				again = true
			}
		}
	}
}

// longest returns the length of the longest side of h's triangle, slightly
// reduced so that equal sides count.
func (m *triangles) longest(h int32) float64 {
	return max(m.vec(h).Len(), m.vec(next(h)).Len(), m.vec(prev(h)).Len()) * (1 - 1e-9)
}

func (m *triangles) collapseShort(least, most float64) {
	for h := range int32(len(m.from)) {
		if m.from[h] < 0 || m.vec(h).Len() >= least || !m.canCollapse(h) {
			continue
		}
		a, b := m.from[h], m.to(h)
		if m.turnsAround(a, b, m.at[b], 0.7) || m.reaches(a, m.at[b], most) {
			continue
		}
		m.collapse(h)
	}
}

// reaches reports whether a neighbour of v is further than most from at.
func (m *triangles) reaches(v int32, at mesh.Vec3, most float64) bool {
	for h := m.out[v]; ; {
		if m.at[m.to(h)].Sub(at).Len() > most {
			return true
		}
		if h = m.spin(h); h == m.out[v] {
			return false
		}
	}
}

func (m *triangles) flipToSix() {
	off := func(v int32, by int) int {
		d := m.valence(v) + by - 6
		return d * d
	}
	for h := range int32(len(m.from)) {
		if m.from[h] < 0 || h > m.twin[h] || m.line[h] != 0 {
			continue
		}
		t := m.twin[h]
		a, b, c, d := m.from[h], m.from[t], m.apex(h), m.apex(t)
		if off(a, -1)+off(b, -1)+off(c, 1)+off(d, 1) < off(a, 0)+off(b, 0)+off(c, 0)+off(d, 0) && m.flat(h, 0.9) {
			m.flip(h)
		}
	}
}

// flat reports whether the triangles at h are in one plane before and after a
// flip, by the cosine of their normals.
func (m *triangles) flat(h int32, least float64) bool {
	t := m.twin[h]
	a, b, c, d := m.at[m.from[h]], m.at[m.from[t]], m.at[m.apex(h)], m.at[m.apex(t)]
	one, other := m.normal(h/3).Unit(), m.normal(t/3).Unit()
	if one.Dot(other) < least {
		return false
	}
	p, q := a.Sub(c).Cross(d.Sub(c)).Unit(), d.Sub(c).Cross(b.Sub(c)).Unit()
	n := one.Add(other).Unit()
	return p.Dot(n) >= least && q.Dot(n) >= least
}

// settle moves each free vertex to the area-weighted mean of its neighbours,
// projected to the surface.
func (m *triangles) settle(near *distance.Query) {
	area := make([]float64, len(m.at))
	for h, v := range m.from {
		if v >= 0 {
			area[v] += m.normal(int32(h) / 3).Len()
		}
	}
	for v := range int32(len(m.at)) {
		if m.out[v] < 0 || m.kind[v] != free {
			continue
		}
		sum, weight, n := mesh.Vec3{}, 0.0, mesh.Vec3{}
		for h := m.out[v]; ; {
			w := area[m.to(h)]
			sum, weight = sum.Add(m.at[m.to(h)].Scale(w)), weight+w
			n = n.Add(m.normal(h / 3))
			if h = m.spin(h); h == m.out[v] {
				break
			}
		}
		n = n.Unit()
		if weight == 0 || n == (mesh.Vec3{}) {
			continue
		}
		to := sum.Scale(1 / weight).Sub(m.at[v])
		to = m.at[v].Add(to.Sub(n.Scale(n.Dot(to))))
		_, on, face := near.Facing(to, n)
		if face < 0 || on.Sub(to).Len() > to.Sub(m.at[v]).Len()+1e-12 { // another sheet, or a sharp bend
			continue
		}
		if !m.turnsAround(v, -1, on, 0.5) {
			m.at[v] = on
		}
	}
}

// area returns the area of all triangles.
func (m *triangles) area() (sum float64) {
	for f := int32(0); f < int32(len(m.from)); f += 3 {
		if m.from[f] >= 0 {
			sum += m.normal(f/3).Len() / 2
		}
	}
	return sum
}

// normals returns the angle-weighted unit normal of each vertex.
func (m *triangles) normals() []mesh.Vec3 {
	all := make([]mesh.Vec3, len(m.at))
	for h, v := range m.from {
		if v < 0 {
			continue
		}
		a, b := m.vec(int32(h)).Unit(), m.at[m.apex(int32(h))].Sub(m.at[v]).Unit()
		angle := math.Acos(min(max(a.Dot(b), -1), 1))
		all[v] = all[v].Add(m.normal(int32(h) / 3).Unit().Scale(angle))
	}
	for v := range all {
		all[v] = all[v].Unit()
	}
	return all
}
