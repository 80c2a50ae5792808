package quadfield

import (
	"cmp"
	"math"
	"slices"

	"github.com/morton-gen/morton/mesh"
)

// level is a graph of places on the surface, the finest with one for each vertex.
// Coarser ones join places in pairs.
type level struct {
	at, normal, direction []mesh.Vec3
	kind                  []kind
	area                  []float64
	starts, ends          []int32     // [v+1], [e] the neighbours of v
	weight                []float64   // [e]
	middle                []mesh.Vec3 // [e] see between
	second                []mesh.Vec3 // [v] at right angles to normal and direction
	parent                []int32     // [v] the place on the next level
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

// coarser joins neighbours that look the same way, the likest first, and returns the
// next level; nil if nothing is left to join.
func (l *level) coarser() *level {
	first := l.groups()
	l.parent = make([]int32, len(l.at))
	for v := range l.parent {
		l.parent[v] = -1
	}
	up := &level{}
	for v, f := range first {
		if l.parent[f] < 0 {
			l.parent[f] = int32(len(up.at))
			up.add(l, int32(v))
		} else {
			up.join(l.parent[f], l, int32(v))
		}
		l.parent[v] = l.parent[f]
	}
	if len(up.at) == len(l.at) {
		return nil
	}
	up.link(l)
	return up
}

// slow is the share of a level's places from which on the next level would have too
// many: then more than two are joined at once.
const slow = 0.75

// groups pairs neighbours, and returns for each place one member of its group. Where
// few find a partner, the rest join the pair of their likest neighbour. Otherwise a
// large place takes in its small neighbours one a level, and hundreds may have no
// other: a cube of 2500 faces had 1505 levels, and 95% of the time went there.
func (l *level) groups() []int32 {
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
	one := make([]int32, len(l.at))
	for v := range one {
		one[v] = -1
	}
	joined := 0
	for _, p := range pairs {
		if one[p.a] < 0 && one[p.b] < 0 {
			one[p.a], one[p.b] = p.a, p.a
			joined++
		}
	}
	if float64(len(one)-joined) > slow*float64(len(one)) {
		for _, p := range pairs {
			switch {
			case one[p.a] < 0:
				one[p.a] = one[p.b]
			case one[p.b] < 0:
				one[p.b] = one[p.a]
			}
		}
	}
	for v := range one {
		if one[v] < 0 {
			one[v] = int32(v)
		}
	}
	return one
}

// add adds a place of the level below.
func (up *level) add(l *level, v int32) {
	up.at, up.normal, up.direction = append(up.at, l.at[v]), append(up.normal, l.normal[v]), append(up.direction, l.direction[v])
	up.kind, up.area = append(up.kind, l.kind[v]), append(up.area, l.area[v])
}

// join makes a place of the level below a part of u. The place and the direction are
// those of the one that may move less.
func (up *level) join(u int32, l *level, v int32) {
	area := up.area[u] + l.area[v]
	switch {
	case l.kind[v] > up.kind[u]:
		up.at[u], up.normal[u], up.direction[u], up.kind[u] = l.at[v], l.normal[v], l.direction[v], l.kind[v]
	case l.kind[v] == free:
		n := up.normal[u].Scale(up.area[u]).Add(l.normal[v].Scale(l.area[v])).Unit()
		if up.kind[u] == free && area > 0 && n != (mesh.Vec3{}) {
			up.at[u] = up.at[u].Scale(up.area[u]).Add(l.at[v].Scale(l.area[v])).Scale(1 / area)
			up.normal[u] = n
			up.direction[u] = up.direction[u].Sub(n.Scale(n.Dot(up.direction[u]))).Unit()
		}
	}
	up.area[u] = area
}

// link gives up the edges between the places that those of l became.
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

// lattice finds, for each vertex, the nearest point of a square lattice with a step
// along the directions, such that neighbours agree on their lattices. Lattices pass
// through corners and along feature lines. Places of coarser levels agree first.
//
// Source: Jakob, Tarini, Panozzo and Sorkine-Hornung, "Instant field-aligned
// meshes", 2015, the position field with extrinsic smoothness.
func lattice(levels []*level, step float64) []mesh.Vec3 {
	const rounds, coarserRounds = 5, 3 // coarser levels take a fraction of the finest's time
	last := levels[len(levels)-1]
	p := make([]point, len(last.at))
	for v := range p {
		p[v] = of(last.at[v])
	}
	for i := len(levels) - 1; i >= 0; i-- {
		l := levels[i]
		if i < len(levels)-1 {
			finer := make([]point, len(l.at))
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
	all := make([]mesh.Vec3, len(p))
	for v, q := range p {
		all[v] = mesh.Vec3{q.x, q.y, q.z}
	}
	return all
}

// hold returns the place nearest to p that a point of v's lattice may take.
func (l *level) hold(v int32, p point) point {
	at := of(l.at[v])
	switch l.kind[v] {
	case corner:
		return at
	case onLine:
		direction := of(l.direction[v])
		return at.plus(direction, direction.dot(p.minus(at)))
	}
	normal := of(l.normal[v])
	return p.plus(normal, -normal.dot(p.minus(at)))
}

// agree moves the lattice of v to where those of its neighbours are.
func (l *level) agree(v int32, p []point, step float64) {
	if l.kind[v] == corner {
		return
	}
	sum, weight := p[v], 0.0
	for e := l.starts[v]; e < l.starts[v+1]; e++ {
		w := l.ends[e]
		b := l.nearest(w, p[w], of(l.middle[e]), step)
		a := l.nearest(v, sum, b, step)
		k := l.weight[e]
		sum = l.hold(v, a.plus(b.minus(a), k/(weight+k)))
		weight += k
	}
	p[v] = l.nearest(v, sum, of(l.at[v]), step)
}

// nearest returns the lattice point of v nearest to a place, where p is one.
func (l *level) nearest(v int32, p, to point, step float64) point {
	d := to.minus(p)
	if l.kind[v] != corner {
		direction := of(l.direction[v])
		p = p.plus(direction, step*math.Floor(direction.dot(d)/step+0.5))
	}
	if l.kind[v] == free {
		second := of(l.second[v])
		p = p.plus(second, step*math.Floor(second.dot(d)/step+0.5))
	}
	return p
}

// point is a [mesh.Vec3] that the compiler keeps in registers, as it does structs and
// not arrays: lattices take a fifth of the time.
type point struct{ x, y, z float64 }

func of(v mesh.Vec3) point { return point{v[0], v[1], v[2]} }

func (a point) minus(b point) point { return point{a.x - b.x, a.y - b.y, a.z - b.z} }

// plus adds s times b. The conversions keep bits the same on every processor.
func (a point) plus(b point, s float64) point {
	return point{a.x + float64(b.x*s), a.y + float64(b.y*s), a.z + float64(b.z*s)}
}

func (a point) dot(b point) float64 { return float64(a.x*b.x) + float64(a.y*b.y) + float64(a.z*b.z) }

// between returns the point in the planes of v and w that is nearest to both.
func (l *level) between(v, w int32) mesh.Vec3 {
	a, b, n, k := l.at[v], l.at[w], l.normal[v], l.normal[w]
	nk := n.Dot(k)
	na, nb, ka, kb := n.Dot(a), n.Dot(b), k.Dot(a), k.Dot(b)
	scale := 1 / (1 - nk*nk + 1e-4)
	s := 2 * (nb - na - nk*(ka-kb)) * scale
	t := 2 * (ka - kb - nk*(nb-na)) * scale
	return a.Add(b).Scale(0.5).Sub(n.Scale(s).Add(k.Scale(t)).Scale(0.25))
}
