package surface

import (
	"github.com/morton-gen/morton/mesh"
)

// rule is how the inside of a part is defined.
type rule uint8

const (
	// winding parts are closed and consistently oriented: inside is where the
	// winding number is not zero, whichever way the part faces.
	winding rule = iota
	// parity parts are closed but not consistently oriented: inside is where a
	// ray out crosses the part an odd number of times.
	parity
	// sheet parts are open and enclose nothing.
	sheet
)

// part is a set of triangles joined across edges.
type part struct {
	rule   rule
	sealed bool    // caps were added to close it
	facing float64 // 1 if its normals face out, -1 if in
	// met says that the grid meets the part, and bare that it does so where no
	// other part is inside. A part that is met and not bare vanishes in the union.
	met, bare bool
}

// meet notes that the grid meets a part, in a place where no other part is inside
// or where one is.
func (p *part) meet(bare bool) { p.met, p.bare = true, p.bare || bare }

// sealRatio is the largest ratio of the caps' area to the part's area at which
// an open part is treated as a solid with holes. Among the fixtures' open parts,
// the horse, the cat, the vase and the chicken's body become solids. The paper
// lantern, the emergency sign and the filing cabinet's panels become sheets.
const sealRatio = 0.05

// findParts joins triangles across edges, and gives each part its rule. Closed
// parts enclose by winding or parity. Open parts are sealed if small caps are
// enough, and otherwise they are sheets.
func (s *source) findParts() {
	sides := s.sides()
	s.label(sides)
	gaps := s.gaps(sides)
	areas := make([]float64, len(s.parts))
	for i := range s.tris {
		areas[s.tris[i].part] += s.area(&s.tris[i]).Len() / 2
	}
	for p := range s.parts {
		s.close(int32(p), &gaps[p], areas[p])
	}
	for i := range s.tris {
		s.tris[i].thin = s.parts[s.tris[i].part].rule == sheet
	}
	s.face()
}

// label numbers the parts in the order of their first triangles.
func (s *source) label(sides []side) {
	root := make([]int32, len(s.tris))
	for i := range root {
		root[i] = int32(i)
	}
	find := func(i int32) int32 {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	for run := range edgeRuns(sides) {
		for _, u := range run[1:] {
			a, b := find(run[0].tri), find(u.tri)
			root[max(a, b)] = min(a, b)
		}
	}
	for i := range s.tris {
		if r := find(int32(i)); int(r) == i {
			s.tris[i].part = int32(len(s.parts))
			s.parts = append(s.parts, part{facing: 1})
		} else {
			s.tris[i].part = s.tris[r].part
		}
	}
}

// gap is what keeps a part from enclosing anything: directed edges that must be
// walked to balance it.
type gap struct {
	unbalanced [][2]int32 // more uses one way than the other, as often as needed
	odd        [][2]int32 // an odd number of uses
}

func (s *source) gaps(sides []side) []gap {
	gaps := make([]gap, len(s.parts))
	for run := range edgeRuns(sides) {
		g := &gaps[s.tris[run[0].tri].part]
		excess := 0
		for _, u := range run {
			if u.forward {
				excess++
			} else {
				excess--
			}
		}
		back := [2]int32{run[0].high, run[0].low}
		if excess < 0 {
			back = [2]int32{run[0].low, run[0].high}
		}
		for range max(excess, -excess) {
			g.unbalanced = append(g.unbalanced, back)
		}
		if len(run)%2 == 1 {
			g.odd = append(g.odd, back)
		}
	}
	return gaps
}

// close settles the rule of a part with the given area and adds its caps.
func (s *source) close(p int32, g *gap, area float64) {
	switch {
	case len(g.unbalanced) == 0:
		s.parts[p].rule = winding
		return
	case len(g.odd) == 0:
		s.parts[p].rule = parity
		return
	}
	todo, to := g.unbalanced, winding
	if len(g.unbalanced) != len(g.odd) {
		todo, to = g.odd, parity
	}
	caps := s.caps(p, todo)
	if s.areaOf(caps) > sealRatio*area {
		s.parts[p].rule = sheet
		return
	}
	s.tris = append(s.tris, caps...)
	s.parts[p].rule, s.parts[p].sealed = to, true
}

// caps returns a fan from the middle of each connected group of edges. As the
// edges are the boundary of something, as many enter a vertex as leave it, and
// so the fan's spokes cancel.
func (s *source) caps(p int32, edges [][2]int32) []triangle {
	group := map[int32]int32{}
	var find func(v int32) int32
	find = func(v int32) int32 {
		if r, ok := group[v]; ok && r != v {
			group[v] = find(r)
			return group[v]
		}
		group[v] = v
		return v
	}
	for _, e := range edges {
		a, b := find(e[0]), find(e[1])
		group[max(a, b)] = min(a, b)
	}
	sum, count := map[int32][3]int64{}, map[int32]int64{}
	for _, e := range edges {
		r, total := find(e[0]), [3]int64{}
		for a := range total {
			total[a] = sum[r][a] + int64(s.exact[e[0]][a])
		}
		sum[r] = total
		count[r]++
	}
	middle := map[int32]int32{}
	var fan []triangle
	for _, e := range edges {
		r := find(e[0])
		c, ok := middle[r]
		if !ok {
			var at fixed
			for a := range at {
				at[a] = int32(sum[r][a] / count[r])
			}
			c = s.addVertex(at)
			middle[r] = c
		}
		fan = append(fan, triangle{v: [3]int32{e[0], e[1], c}, part: p})
	}
	return fan
}

func (s *source) areaOf(tris []triangle) (sum float64) {
	for i := range tris {
		sum += s.area(&tris[i]).Len() / 2
	}
	return sum
}

// face finds which way the closed parts face, by the sign of their volume.
func (s *source) face() {
	volume := make([]float64, len(s.parts))
	origin := make([]mesh.Vec3, len(s.parts))
	seen := make([]bool, len(s.parts))
	for i := range s.tris {
		t := &s.tris[i]
		a, b, c := s.corners(t)
		if !seen[t.part] {
			seen[t.part], origin[t.part] = true, a
		}
		o := origin[t.part]
		volume[t.part] += a.Sub(o).Dot(b.Sub(o).Cross(c.Sub(o)))
	}
	for p, v := range volume {
		if s.parts[p].rule == winding && v < 0 {
			s.parts[p].facing = -1
		}
	}
}
