package remesh

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree/surface"
)

// pair is two neighbouring clusters that could be one, whatever their nodes.
type pair struct {
	cost float64
	a, b int32 // a < b
}

// pairs is a heap, the cheapest first.
type pairs []pair

func (q pairs) Len() int { return len(q) }
func (q pairs) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].cost, q[j].cost), cmp.Compare(q[i].a, q[j].a), cmp.Compare(q[i].b, q[j].b)) < 0
}
func (q pairs) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairs) Push(x any)   { *q = append(*q, x.(pair)) }

func (q *pairs) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// roundness is what joining costs for each unit of area, next to squared distances
// in cells: enough that flat places are cut evenly.
const roundness = 1e-4

// minFacing is the least cosine between a face and the surface that it stands for.
const minFacing = 0.2

// pairing joins neighbours across nodes: a tube's cells in a row, say, which are no
// disk in any node that holds them all.
type pairing struct {
	*partition
	queue    pairs
	vertices map[int32][]int32 // of living clusters
	normals  []mesh.Vec3       // [v] of the fine surface
}

// pairUp joins neighbours until there are at most so many faces, or none can be.
func (p *partition) pairUp(c *surface.Contour, faces int) {
	g := &pairing{partition: p, vertices: map[int32][]int32{}, normals: make([]mesh.Vec3, len(p.of))}
	for _, v := range p.order {
		g.vertices[p.of[v]] = append(g.vertices[p.of[v]], v)
		g.normals[v], _ = c.Planes[v].Normal()
	}
	for more := true; more && p.faces > faces; {
		g.list()
		more = g.drain(faces)
	}
}

// list queues all pairs of neighbours.
func (g *pairing) list() {
	for h, u := range g.l.corners {
		if a, b := g.of[u], g.of[g.l.end(int32(h))]; a < b {
			if n := len(g.queue); n == 0 || g.queue[n-1].a != a || g.queue[n-1].b != b {
				g.queue = append(g.queue, g.pair(a, b))
			}
		}
	}
	heap.Init(&g.queue)
}

// drain joins what it can, and reports whether it joined any.
func (g *pairing) drain(faces int) (joined bool) {
	for g.faces > faces && len(g.queue) > 0 {
		q := heap.Pop(&g.queue).(pair)
		alive := g.vertices[q.a] != nil && g.vertices[q.b] != nil
		joined = alive && g.joinPair(q.a, q.b) || joined
	}
	g.queue = g.queue[:0]
	return joined
}

func (g *pairing) pair(a, b int32) pair {
	a, b = min(a, b), max(a, b)
	k := g.union(a, b)
	return pair{k.cost - g.clusters[a].cost - g.clusters[b].cost + roundness*k.planes.Weight(), a, b}
}

// union returns what two clusters would be as one.
func (g *pairing) union(a, b int32) cluster {
	k, other := g.clusters[a], &g.clusters[b]
	k.parent, k.children = -1, 0
	k.planes.Plus(&other.planes)
	for i := range 3 {
		k.low[i], k.high[i] = min(k.low[i], other.low[i]), max(k.high[i], other.high[i])
	}
	k.settle()
	return k
}

// joinPair makes two clusters one, unless the result would not stay a closed
// manifold that faces out.
func (g *pairing) joinPair(a, b int32) bool {
	all := slices.Concat(g.vertices[a], g.vertices[b])
	k := g.union(a, b)
	if !g.try(all) || !g.faceOut(k.at) {
		return false
	}
	g.replace(k, all, a, b)
	return true
}

// replace puts a cluster in the place of two that were tried.
func (g *pairing) replace(k cluster, all []int32, a, b int32) {
	id := int32(len(g.clusters))
	g.clusters, g.degree, g.stamp = append(g.clusters, k), append(g.degree, 0), append(g.stamp, 0)
	g.join(id, all, []int32{a, b})
	delete(g.vertices, a)
	delete(g.vertices, b)
	g.vertices[id] = all
	for _, arc := range g.arcs {
		heap.Push(&g.queue, g.pair(id, arc.neighbour))
	}
}

// faceOut reports whether the faces around what is tried look the way the surface
// does, with its vertex at a place.
func (g *pairing) faceOut(at mesh.Vec3) bool {
	for _, e := range g.rim {
		n, want := g.outline(4*e.face, at)
		if n != (mesh.Vec3{}) && n.Dot(want) < minFacing {
			return false
		}
	}
	return true
}

// outline returns two normals at a face of the fine surface: the unit normal of
// the result's face there, zero if there is none, and the normal of the fine
// surface.
func (g *pairing) outline(h int32, at mesh.Vec3) (n, fine mesh.Vec3) {
	around, count := g.face(h)
	var points []mesh.Vec3
	joined := false
	for _, k := range around[:count] {
		switch {
		case !g.tried(k):
			points = append(points, g.clusters[k].at)
		case !joined: // the two that are tried stand side by side
			points = append(points, at)
			joined = true
		}
	}
	for i := range int32(4) {
		fine = fine.Add(g.normals[g.l.corners[h+i]])
	}
	if len(points) < 3 {
		return mesh.Vec3{}, fine
	}
	for i := 2; i < len(points); i++ {
		n = n.Add(points[i-1].Sub(points[0]).Cross(points[i].Sub(points[0])))
	}
	return n.Unit(), fine.Unit()
}

// tried reports whether a cluster is part of what is tried.
func (g *pairing) tried(k int32) bool { return g.inside(g.vertices[k][0]) }
