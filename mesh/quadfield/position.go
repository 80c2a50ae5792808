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

// slow is the largest share of a level's points that the next level may have. Above it,
// more than two points are merged at once.
const slow = 0.75

// groups merges neighbours in pairs and returns one member of each point's group. Where
// few points find a partner, the rest join the group of their most similar neighbour.
// Pairs alone took a time out of proportion: a large point merges with one small
// neighbour a level, and hundreds may have no other. A cube of 2500 faces had 1505
// levels.
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

// add adds a point of the level below.
func (up *level) add(l *level, v int32) {
	up.at, up.normal, up.direction = append(up.at, l.at[v]), append(up.normal, l.normal[v]), append(up.direction, l.direction[v])
	up.kind, up.area = append(up.kind, l.kind[v]), append(up.area, l.area[v])
}

// join merges a point of the level below into u. The position and direction are those
// of the more constrained one.
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

// hold returns the allowed lattice origin of v nearest to p.
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

// agree moves the lattice of v towards those of its neighbours.
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

// nearest returns the lattice point of v nearest to to, for the origin p.
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

// point is a [mesh.Vec3] as a struct, which the compiler keeps in registers. With it,
// lattices take a fifth of the time.
type point struct{ x, y, z float64 }

func of(v mesh.Vec3) point { return point{v[0], v[1], v[2]} }

func (a point) minus(b point) point { return point{a.x - b.x, a.y - b.y, a.z - b.z} }

// plus adds s times b. The conversions prevent fused operations, so that the bits are
// the same on every processor.
func (a point) plus(b point, s float64) point {
	return point{a.x + float64(b.x*s), a.y + float64(b.y*s), a.z + float64(b.z*s)}
}

func (a point) dot(b point) float64 { return float64(a.x*b.x) + float64(a.y*b.y) + float64(a.z*b.z) }

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
