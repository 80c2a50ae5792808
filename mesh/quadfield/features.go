package quadfield

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// bend is the largest turn of a feature line at a vertex that is not a corner: 45
// degrees.
const bend = math.Pi / 4

// findLines marks the edges with at least this dihedral angle, in radians, and
// joins them into lines that end at corners.
func (m *triangles) findLines(angle float64) {
	least := math.Cos(angle)
	for h := range m.from {
		m.line[h] = 0
		if t := m.twin[h]; m.normal(int32(h)/3).Unit().Dot(m.normal(t/3).Unit()) < least {
			m.line[h] = -1
		}
	}
	m.findKinds()
	m.nameLines()
}

// findKinds sets the kind of each vertex. A line passes through a vertex with two
// marked edges that are nearly straight.
func (m *triangles) findKinds() {
	var around []int32
	for v := range m.at {
		m.kind[v] = free
		if m.out[v] < 0 {
			continue
		}
		around = m.leaving(int32(v), around[:0])
		n, ends := 0, [2]mesh.Vec3{}
		for _, h := range around {
			if m.line[h] != 0 {
				ends[n%2] = m.vec(h).Unit()
				n++
			}
		}
		switch {
		case n == 2 && -ends[0].Dot(ends[1]) > math.Cos(bend):
			m.kind[v] = onLine
		case n > 0:
			m.kind[v] = corner
		}
	}
}

// nameLines numbers the lines from 1. A line without a corner is a ring.
func (m *triangles) nameLines() {
	name := int32(0)
	for h := range m.from {
		if m.line[h] >= 0 {
			continue
		}
		name++
		m.follow(int32(h), name)
		m.follow(m.twin[h], name)
	}
}

// follow numbers a line from h to its end.
func (m *triangles) follow(h, name int32) {
	for h >= 0 {
		m.line[h], m.line[m.twin[h]] = name, name
		v := m.to(h)
		if m.kind[v] != onLine {
			return
		}
		ahead := int32(-1)
		for g := m.out[v]; ; {
			if m.line[g] < 0 {
				ahead = g
			}
			if g = m.spin(g); g == m.out[v] {
				break
			}
		}
		h = ahead
	}
}

// lines has the segments of each feature line, for projection.
type lines map[int32][][2]mesh.Vec3

func (m *triangles) lines() lines {
	all := lines{}
	for h, t := range m.twin {
		if m.from[h] >= 0 && m.line[h] != 0 && int32(h) < t {
			all[m.line[h]] = append(all[m.line[h]], [2]mesh.Vec3{m.at[m.from[h]], m.at[m.from[t]]})
		}
	}
	return all
}

// nearest returns the point of a line nearest to p.
func (l lines) nearest(line int32, p mesh.Vec3) mesh.Vec3 {
	best, least := p, math.Inf(1)
	for _, s := range l[line] {
		along := s[1].Sub(s[0])
		t := 0.0
		if q := along.Dot(along); q > 0 {
			t = min(max(p.Sub(s[0]).Dot(along)/q, 0), 1)
		}
		x := s[0].Add(along.Scale(t))
		if d := x.Sub(p); d.Dot(d) < least {
			best, least = x, d.Dot(d)
		}
	}
	return best
}

// lineOf returns the line that a vertex is on.
func (m *triangles) lineOf(v int32) int32 {
	for h := m.out[v]; ; {
		if m.line[h] != 0 {
			return m.line[h]
		}
		if h = m.spin(h); h == m.out[v] {
			return 0
		}
	}
}
