package quadfield

import (
	"cmp"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// matching pairs triangles into quads. The graph has a node per triangle and an edge
// per mesh edge that may be removed.
//
// Every closed triangle mesh has a perfect matching: its dual is cubic and
// bridgeless (Petersen, "Die Theorie der regulären Graphs", 1891).
type matching struct {
	m    *triangles
	open []bool  // [h] the edge may be removed
	mate []int32 // [f] the half-edge of f across which its partner lies; -1
}

// grades are the quality thresholds of pairs. Good pairs are taken greedily,
// best first; augmenting paths then pair the rest, with ever lower thresholds.
var grades = [...]float64{0.3, 0.05, -1}

// pairUp pairs all triangles or, if all is false, those that make good quads.
func (m *triangles) pairUp(all bool) *matching {
	p := &matching{m: m, open: make([]bool, len(m.from)), mate: make([]int32, len(m.from)/3)}
	for f := range p.mate {
		p.mate[f] = -1
	}
	quality := p.greedy()
	if !all {
		return p
	}
	for _, grade := range grades {
		for h := range p.open {
			p.open[h] = quality[h] >= grade
		}
		p.augment()
	}
	for h := range p.open {
		p.open[h] = true // even across feature lines
	}
	p.augment()
	return p
}

// closedLine is the quality of a pair across a feature line.
const closedLine = -2

// greedy takes the best pairs first. It returns the quality of every pair.
func (p *matching) greedy() []float64 {
	quality := make([]float64, len(p.m.from))
	var order []int32
	for h, t := range p.m.twin {
		if int32(h) > t {
			continue
		}
		q := float64(closedLine)
		if p.m.line[h] == 0 {
			q = p.quality(int32(h))
		}
		quality[h], quality[t] = q, q
		if q >= grades[0] {
			order = append(order, int32(h))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(quality[b], quality[a]) })
	for _, h := range order {
		if t := p.m.twin[h]; p.mate[h/3] < 0 && p.mate[t/3] < 0 {
			p.mate[h/3], p.mate[t/3] = h, t
		}
	}
	return quality
}

// quad returns the corners of the quad across h.
func (p *matching) quad(h int32) [4]int32 {
	m, t := p.m, p.m.twin[h]
	return [4]int32{m.from[h], m.apex(t), m.to(h), m.apex(h)}
}

// quality returns the least sine of the corners of the quad across h, negative for
// a folded one.
func (p *matching) quality(h int32) float64 {
	q := p.quad(h)
	var at [4]mesh.Vec3
	for i, v := range q {
		at[i] = p.m.at[v]
	}
	n := at[2].Sub(at[0]).Cross(at[3].Sub(at[1])).Unit()
	least := 1.0
	for i := range at {
		a, b := at[(i+1)%4].Sub(at[i]).Unit(), at[(i+3)%4].Sub(at[i]).Unit()
		least = min(least, a.Cross(b).Dot(n))
	}
	return least
}

// augment makes the matching maximal over the open edges.
//
// Source: Edmonds, "Paths, trees, and flowers", 1965.
func (p *matching) augment() {
	s := &search{p: p, n: len(p.mate)}
	s.parent, s.base, s.in, s.blossom = make([]int32, s.n), make([]int32, s.n), make([]bool, s.n), make([]bool, s.n)
	s.mark = make([]bool, s.n)
	for f := range p.mate {
		if p.mate[f] < 0 {
			if end := s.from(int32(f)); end >= 0 {
				s.turn(end)
			}
		}
	}
}

func (p *matching) partner(f int32) int32 {
	if h := p.mate[f]; h >= 0 {
		return p.m.twin[h] / 3
	}
	return -1
}

// search finds augmenting paths.
type search struct {
	p       *matching
	n       int
	parent  []int32 // [f] the half-edge of f towards the triangle before it
	base    []int32 // [f] of its blossom
	in      []bool  // [f] reached in an even number of steps
	blossom []bool
	mark    []bool
	queue   []int32
}

// from searches from an unpaired triangle. It returns the unpaired triangle at the
// other end of a path, or -1.
func (s *search) from(root int32) int32 {
	for f := range s.n {
		s.parent[f], s.base[f], s.in[f] = -1, int32(f), false
	}
	s.in[root] = true
	s.queue = append(s.queue[:0], root)
	for head := 0; head < len(s.queue); head++ {
		f := s.queue[head]
		for h := 3 * f; h < 3*f+3; h++ {
			g := s.p.m.twin[h] / 3
			if !s.p.open[h] || s.base[f] == s.base[g] || s.p.partner(f) == g {
				continue
			}
			if g == root || s.p.mate[g] >= 0 && s.parent[s.p.partner(g)] >= 0 {
				s.shrink(h)
			} else if s.parent[g] < 0 {
				s.parent[g] = s.p.m.twin[h]
				if s.p.mate[g] < 0 {
					return g
				}
				mate := s.p.partner(g)
				s.in[mate] = true
				s.queue = append(s.queue, mate)
			}
		}
	}
	return -1
}

// shrink contracts the blossom that h closes.
func (s *search) shrink(h int32) {
	f, g := h/3, s.p.m.twin[h]/3
	b := s.common(f, g)
	clear(s.blossom)
	s.climb(f, b, h)
	s.climb(g, b, s.p.m.twin[h])
	for x := range int32(s.n) {
		if s.blossom[s.base[x]] {
			s.base[x] = b
			if !s.in[x] {
				s.in[x] = true
				s.queue = append(s.queue, x)
			}
		}
	}
}

// common returns the base where the paths back from f and g meet.
func (s *search) common(f, g int32) int32 {
	clear(s.mark)
	for {
		f = s.base[f]
		s.mark[f] = true
		if s.p.mate[f] < 0 {
			break
		}
		f = s.back(s.p.partner(f))
	}
	for {
		if g = s.base[g]; s.mark[g] {
			return g
		}
		g = s.back(s.p.partner(g))
	}
}

// back returns the triangle before f on its path.
func (s *search) back(f int32) int32 { return s.p.m.twin[s.parent[f]] / 3 }

// climb marks the path from f to a base and redirects it through h.
func (s *search) climb(f, b, h int32) {
	for s.base[f] != b {
		mate := s.p.partner(f)
		s.blossom[s.base[f]], s.blossom[s.base[mate]] = true, true
		s.parent[f] = h
		h = s.p.m.twin[s.parent[mate]] // the side of the triangle before
		f = s.back(mate)
	}
}

// turn swaps the pairs along the path that ends at f.
func (s *search) turn(f int32) {
	for f >= 0 {
		h := s.parent[f]
		g := s.p.m.twin[h] / 3
		after := s.p.partner(g)
		s.p.mate[f], s.p.mate[g] = h, s.p.m.twin[h]
		f = after
	}
}
