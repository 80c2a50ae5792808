package quadfield

import (
	"cmp"
	"math"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// level is a graph of points on the surface. The finest has one per vertex;
// coarser ones merge points in pairs.
type level struct {
	at, normal, direction []mesh.Vec3
	kind                  []kind
	area                  []float64
	starts, ends          []int32     // [v+1], [e] the neighbours of v
	weight                []float64   // [e]
	middle                []mesh.Vec3 // [e] see between
	second                []mesh.Vec3 // [v] perpendicular to normal and direction
	parent                []int32     // [v] the point on the next level
}

// finest returns the level of the vertices.
func (m *triangles) finest(f field) *level {
	l := &level{
		at: m.at, normal: f.normal, direction: slices.Clone(f.direction), kind: m.kind,
		area: make([]float64, len(m.at)), starts: make([]int32, 1, len(m.at)+1),
	}
	for h, v := range m.from {
		l.area[v] += m.normal(int32(h)/3).Len() / 6
	}
	for v := range m.at {
		if t := m.tangent(int32(v)); t != (mesh.Vec3{}) {
			l.direction[v] = t
		}
		for h := m.out[v]; ; {
			l.ends, l.weight = append(l.ends, m.to(h)), append(l.weight, 1)
			if h = m.spin(h); h == m.out[v] {
				break
			}
		}
		l.starts = append(l.starts, int32(len(l.ends)))
	}
	return l
}

// coarser merges the neighbours with the most similar normals first and returns the
// next level, or nil if nothing was merged.
func (l *level) coarser() *level {
	mate := l.mates()
	n := int32(0)
	l.parent = make([]int32, len(l.at))
	up := &level{}
	for v, w := range mate {
		if w >= 0 && w < int32(v) {
			continue
		}
		l.parent[v] = n
		if w >= 0 {
			l.parent[w] = n
		}
		n++
		up.join(l, int32(v), w)
	}
	if int(n) == len(l.at) {
		return nil
	}
	up.link(l)
	return up
}

func (l *level) mates() []int32 {
	type pair struct {
		a, b  int32
		order float64
	}
	var pairs []pair
	for a := range l.at {
		for _, b := range l.ends[l.starts[a]:l.starts[a+1]] {
			if int32(a) < b {
				ratio := max(l.area[a], 1e-300) / max(l.area[b], 1e-300)
				pairs = append(pairs, pair{int32(a), b, l.normal[a].Dot(l.normal[b]) * min(ratio, 1/ratio)})
			}
		}
	}
	slices.SortStableFunc(pairs, func(p, q pair) int { return cmp.Compare(q.order, p.order) })
	mate := make([]int32, len(l.at))
	for v := range mate {
		mate[v] = -1
	}
	for _, p := range pairs {
		if mate[p.a] < 0 && mate[p.b] < 0 {
			mate[p.a], mate[p.b] = p.b, p.a
		}
	}
	return mate
}

// join adds the point that merges v and w of the level below; w is -1 for v alone.
// It keeps the position and direction of the more constrained one.
func (up *level) join(l *level, v, w int32) {
	at, normal, direction, kind, area := l.at[v], l.normal[v], l.direction[v], l.kind[v], l.area[v]
	if w >= 0 {
		area += l.area[w]
		switch {
		case l.kind[w] > kind:
			at, normal, direction, kind = l.at[w], l.normal[w], l.direction[w], l.kind[w]
		case l.kind[w] == free:
			if n := normal.Scale(l.area[v]).Add(l.normal[w].Scale(l.area[w])).Unit(); kind == free && area > 0 && n != (mesh.Vec3{}) {
				at = at.Scale(l.area[v]).Add(l.at[w].Scale(l.area[w])).Scale(1 / area)
				normal = n
				direction = direction.Sub(n.Scale(n.Dot(direction))).Unit()
			}
		}
	}
	up.at, up.normal, up.direction = append(up.at, at), append(up.normal, normal), append(up.direction, direction)
	up.kind, up.area = append(up.kind, kind), append(up.area, area)
}

// link creates the edges between the points that those of l became.
func (up *level) link(l *level) {
	type edge struct {
		to     int32
		weight float64
	}
	all := make([][]edge, len(up.at))
	for v, p := range l.parent {
		for e := l.starts[v]; e < l.starts[v+1]; e++ {
			if q := l.parent[l.ends[e]]; q != p {
				all[p] = append(all[p], edge{q, l.weight[e]})
			}
		}
	}
	up.starts = make([]int32, 1, len(up.at)+1)
	for _, edges := range all {
		slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(a.to, b.to) })
		for i, e := range edges {
			if i > 0 && edges[i-1].to == e.to {
				up.weight[len(up.weight)-1] += e.weight
				continue
			}
			up.ends, up.weight = append(up.ends, e.to), append(up.weight, e.weight)
		}
		up.starts = append(up.starts, int32(len(up.ends)))
	}
}

// levels returns the finest level and all coarser ones.
func (m *triangles) levels(f field) []*level {
	levels := []*level{m.finest(f)}
	for l := levels[0].coarser(); l != nil; l = l.coarser() {
		levels = append(levels, l)
	}
	for _, l := range levels {
		l.second, l.middle = make([]mesh.Vec3, len(l.at)), make([]mesh.Vec3, len(l.ends))
		for v := range l.at {
			l.second[v] = l.normal[v].Cross(l.direction[v])
			for e := l.starts[v]; e < l.starts[v+1]; e++ {
				l.middle[e] = l.between(int32(v), l.ends[e])
			}
		}
	}
	return levels
}

// lattice returns, for each vertex, the nearest point of a local square lattice
// with the given step along the directions. Neighbours' lattices are made to agree,
// from the coarsest level to the finest. Lattices pass through corners and along
// feature lines.
//
// Source: Jakob, Tarini, Panozzo and Sorkine-Hornung, "Instant field-aligned
// meshes", 2015, the position field with extrinsic smoothness.
func lattice(levels []*level, step float64) []mesh.Vec3 {
	const rounds, coarserRounds = 5, 3 // coarser levels take a fraction of the finest's time
	last := levels[len(levels)-1]
	p := slices.Clone(last.at)
	for i := len(levels) - 1; i >= 0; i-- {
		l := levels[i]
		if i < len(levels)-1 {
			finer := make([]mesh.Vec3, len(l.at))
			for v, up := range l.parent {
				finer[v] = l.hold(int32(v), p[up])
			}
			p = finer
		}
		n := rounds
		if i > 0 {
			n *= coarserRounds
		}
		for range n {
			for v := range p {
				l.agree(int32(v), p, step)
			}
		}
	}
	return p
}

// hold returns the allowed lattice origin of v nearest to p.
func (l *level) hold(v int32, p mesh.Vec3) mesh.Vec3 {
	d := p.Sub(l.at[v])
	switch l.kind[v] {
	case corner:
		return l.at[v]
	case onLine:
		return l.at[v].Add(l.direction[v].Scale(l.direction[v].Dot(d)))
	}
	return p.Sub(l.normal[v].Scale(l.normal[v].Dot(d)))
}

// agree moves the lattice of v towards those of its neighbours.
func (l *level) agree(v int32, p []mesh.Vec3, step float64) {
	if l.kind[v] == corner {
		return
	}
	sum, weight := p[v], 0.0
	for e := l.starts[v]; e < l.starts[v+1]; e++ {
		w := l.ends[e]
		b := l.nearest(w, p[w], l.middle[e], step)
		a := l.nearest(v, sum, b, step)
		k := l.weight[e]
		sum = a.Scale(weight).Add(b.Scale(k)).Scale(1 / (weight + k))
		weight += k
		sum = l.hold(v, sum)
	}
	p[v] = l.nearest(v, sum, l.at[v], step)
}

// nearest returns the lattice point of v nearest to to, for the origin p.
func (l *level) nearest(v int32, p, to mesh.Vec3, step float64) mesh.Vec3 {
	d := to.Sub(p)
	if l.kind[v] != corner {
		p = p.Add(l.direction[v].Scale(step * math.Floor(l.direction[v].Dot(d)/step+0.5)))
	}
	if l.kind[v] == free {
		p = p.Add(l.second[v].Scale(step * math.Floor(l.second[v].Dot(d)/step+0.5)))
	}
	return p
}

// between returns the point in the planes of v and w nearest to both.
func (l *level) between(v, w int32) mesh.Vec3 {
	a, b, n, k := l.at[v], l.at[w], l.normal[v], l.normal[w]
	nk := n.Dot(k)
	na, nb, ka, kb := n.Dot(a), n.Dot(b), k.Dot(a), k.Dot(b)
	scale := 1 / (1 - nk*nk + 1e-4)
	s := 2 * (nb - na - nk*(ka-kb)) * scale
	t := 2 * (ka - kb - nk*(nb-na)) * scale
	return a.Add(b).Scale(0.5).Sub(n.Scale(s).Add(k.Scale(t)).Scale(0.25))
}
