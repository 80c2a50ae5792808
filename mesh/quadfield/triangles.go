package quadfield

import (
	"github.com/morton-gen/morton/mesh"
)

// triangles is a closed triangle mesh that is edited in place. Half-edge h is side
// h%3 of triangle h/3. It leaves vertex from[h]; the opposite half-edge is twin[h].
// Every operation keeps a closed oriented 2-manifold.
//
//	       c
//	      / \
//	prev /   \ next       h runs from a to b, its twin t from b to a
//	    /  h  \
//	   a-------b
//	    \  t  /
//	     \   /
//	      \ /
//	       d
type triangles struct {
	at   []mesh.Vec3 // [v] a half-edge that leaves v; -1 if v was removed
	out  []int32     // [h] -1 if the triangle was removed
	from []int32     // [h] -1 if the triangle is gone
	twin []int32     // [h] the feature line of the edge; 0 for none
	line []int32     // [h] the feature line that the edge is part of; 0 is none
	kind []kind      // [v]
}

// kind is how a vertex may move.
type kind uint8

const (
	free   kind = iota // moves on the surface
	onLine             // moves along a feature line
	corner             // fixed
)

func next(h int32) int32 { return h/3*3 + (h+1)%3 }
func prev(h int32) int32 { return h/3*3 + (h+2)%3 }

func (m *triangles) to(h int32) int32      { return m.from[next(h)] }
func (m *triangles) apex(h int32) int32    { return m.from[prev(h)] }
func (m *triangles) vec(h int32) mesh.Vec3 { return m.at[m.to(h)].Sub(m.at[m.from[h]]) }

// spin returns the next half-edge from the same vertex, clockwise.
func (m *triangles) spin(h int32) int32 { return next(m.twin[h]) }

// leaving appends the half-edges that leave v.
func (m *triangles) leaving(v int32, all []int32) []int32 {
	h := m.out[v]
	for {
		all = append(all, h)
		if h = m.spin(h); h == m.out[v] {
			return all
		}
	}
}

// normal returns the normal of triangle f, of twice its area.
func (m *triangles) normal(f int32) mesh.Vec3 {
	a, b, c := m.at[m.from[3*f]], m.at[m.from[3*f+1]], m.at[m.from[3*f+2]]
	return b.Sub(a).Cross(c.Sub(a))
}

// split inserts a vertex in the middle of an edge and returns it.
func (m *triangles) split(h int32) int32 {
	t := m.twin[h]
	hn, tp := next(h), prev(t)
	b, c, d, v := m.to(h), m.apex(h), m.apex(t), int32(len(m.at))
	f, g := int32(len(m.from)), int32(len(m.from))+3
	m.from = append(m.from, v, b, c, b, v, d)
	m.twin = append(m.twin, g, m.twin[hn], hn, f, tp, m.twin[tp])
	m.line = append(m.line, m.line[h], m.line[hn], 0, m.line[h], 0, m.line[tp])
	if m.twin[hn] == tp { // b has valence two
		m.twin[f+1], m.twin[g+2] = g+2, f+1
	} else {
		m.twin[m.twin[hn]], m.twin[m.twin[tp]] = f+1, g+2
	}
	m.twin[hn], m.twin[tp] = f+2, g+1
	m.line[hn], m.line[tp] = 0, 0
	m.at = append(m.at, m.at[m.from[h]].Add(m.at[b]).Scale(0.5))
	m.from[hn], m.from[t] = v, v
	m.out = append(m.out, hn)
	m.out[b] = f + 1
	m.kind = append(m.kind, free)
	if m.line[h] != 0 {
		m.kind[v] = onLine
	}
	return v
}

// flip flips an edge if its apexes have no edge yet and no valence falls below
// three.
func (m *triangles) flip(h int32) bool {
	t := m.twin[h]
	hn, hp, tn, tp := next(h), prev(h), next(t), prev(t)
	a, b, c, d := m.from[h], m.from[t], m.from[hp], m.from[tp]
	if m.line[h] != 0 || c == d || m.linked(c, d) || m.valence(a) <= 3 || m.valence(b) <= 3 {
		return false
	}
	outer := [4]int32{m.twin[hn], m.twin[hp], m.twin[tn], m.twin[tp]}
	lines := [4]int32{m.line[hn], m.line[hp], m.line[tn], m.line[tp]}
	set := func(g, v, twin, line int32) {
		m.from[g], m.twin[g], m.line[g], m.twin[twin], m.line[twin] = v, twin, line, g, line
		m.out[v] = g
	}
	set(h, d, t, 0)
	m.from[t] = c
	set(hn, c, outer[1], lines[1])
	set(hp, a, outer[2], lines[2])
	set(tn, d, outer[3], lines[3])
	set(tp, b, outer[0], lines[0])
	return true
}

func (m *triangles) valence(v int32) (n int) {
	for h := m.out[v]; ; {
		n++
		if h = m.spin(h); h == m.out[v] {
			return n
		}
	}
}

func (m *triangles) linked(a, b int32) bool {
	for h := m.out[a]; ; {
		if m.to(h) == b {
			return true
		}
		if h = m.spin(h); h == m.out[a] {
			return false
		}
	}
}

// canCollapse reports whether the start of h can merge into its end. The surface
// must stay a manifold and feature lines must stay.
func (m *triangles) canCollapse(h int32) bool {
	t := m.twin[h]
	a, b, c, d := m.from[h], m.from[t], m.apex(h), m.apex(t)
	switch {
	case m.kind[a] == corner || m.kind[a] == onLine && m.line[h] == 0:
		return false
	case m.line[next(h)] != 0 && m.line[prev(h)] != 0 || m.line[next(t)] != 0 && m.line[prev(t)] != 0:
		return false
	case c == d || m.valence(c) <= 3 || m.valence(d) <= 3:
		return false
	}
	n := 0
	for g := m.out[a]; ; { // only c and d may neighbour both
		switch x := m.to(g); {
		case x == b || x == c || x == d:
			n++
		case m.linked(x, b):
			return false
		}
		if g = m.spin(g); g == m.out[a] {
			return n == 3
		}
	}
}

// turnsAround reports whether a triangle around v, except those at other, would turn
// too far with v at at. least is the cosine of the largest turn.
func (m *triangles) turnsAround(v, other int32, at mesh.Vec3, least float64) bool {
	for g := m.out[v]; ; {
		if x, y := m.to(g), m.apex(g); x != other && y != other {
			p, q := m.at[x], m.at[y]
			was := p.Sub(m.at[v]).Cross(q.Sub(m.at[v])).Unit()
			is := p.Sub(at).Cross(q.Sub(at)).Unit()
			if was.Dot(is) < least {
				return true
			}
		}
		if g = m.spin(g); g == m.out[v] {
			return false
		}
	}
}

// collapse merges the start of h into its end, which does not move.
func (m *triangles) collapse(h int32) {
	t := m.twin[h]
	a, b, c, d := m.from[h], m.from[t], m.apex(h), m.apex(t)
	for g := m.out[a]; ; {
		after := m.spin(g)
		m.from[g] = b
		if g = after; g == m.out[a] {
			break
		}
	}
	m.out[a] = -1
	for _, side := range [2][2]int32{{next(h), prev(h)}, {next(t), prev(t)}} {
		x, y := m.twin[side[0]], m.twin[side[1]]
		line := max(m.line[side[0]], m.line[side[1]])
		m.twin[x], m.twin[y], m.line[x], m.line[y] = y, x, line, line
	}
	m.out[c], m.out[d] = m.twin[next(h)], m.twin[next(t)]
	m.out[b] = m.twin[m.out[c]]
	for _, f := range [2]int32{h / 3, t / 3} {
		m.from[3*f], m.from[3*f+1], m.from[3*f+2] = -1, -1, -1
	}
}

// compact returns m without removed elements.
func (m *triangles) compact() *triangles {
	out := &triangles{}
	vertex, side := make([]int32, len(m.at)), make([]int32, len(m.from))
	for v := range m.at {
		if m.out[v] >= 0 {
			vertex[v] = int32(len(out.at))
			out.at, out.out, out.kind = append(out.at, m.at[v]), append(out.out, -1), append(out.kind, m.kind[v])
		}
	}
	for h, v := range m.from {
		if v >= 0 {
			side[h] = int32(len(out.from))
			out.from, out.line = append(out.from, vertex[v]), append(out.line, m.line[h])
			out.out[vertex[v]] = side[h]
		}
	}
	out.twin = make([]int32, len(out.from))
	for h, v := range m.from {
		if v >= 0 {
			out.twin[side[h]] = side[m.twin[h]]
		}
	}
	return out
}

// mesh returns the triangles as a mesh with the same vertex numbers.
func (m *triangles) mesh() *mesh.Mesh {
	out := &mesh.Mesh{Vertices: m.at, Starts: []int32{0}}
	for f := int32(0); f < int32(len(m.from)); f += 3 {
		if m.from[f] >= 0 {
			out.Corners = append(out.Corners, m.from[f:f+3]...)
			out.Starts = append(out.Starts, int32(len(out.Corners)))
		}
	}
	return out
}

// count returns the number of triangles.
func (m *triangles) count() (n int) {
	for h := 0; h < len(m.from); h += 3 {
		if m.from[h] >= 0 {
			n++
		}
	}
	return n
}
