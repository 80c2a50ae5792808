package mesh

import "math"

// DistanceQuery finds the point of a mesh nearest to a given point, exactly up
// to rounding. It is a balanced tree of boxes over the triangles of
// [Triangulate], and safe for concurrent use.
type DistanceQuery struct {
	triangles [][3]Vec3 // in tree order
	faces     []int32   // [t] face of the mesh
	nodes     []boxNode
}

// boxNode is a node of the tree. Its left child, if any, is the next node.
type boxNode struct {
	box          bounds
	first, count int32 // triangles of a leaf; count is 0 inside
	right        int32
}

// triangleLeaf is the most triangles in one leaf.
const triangleLeaf = 4

// NewDistanceQuery builds the tree in O(t log t): 1.5 s for a million quads on
// one 2.1 GHz core. The mesh may change afterwards.
func NewDistanceQuery(m *Mesh) *DistanceQuery {
	triangles, faceOf := Triangulate(m)
	n := triangles.NumFaces()
	ids, centres := make([]int32, n), make([]Vec3, n)
	for t := range ids {
		ids[t] = int32(t)
		corner := corners(triangles, int32(t))
		centres[t] = corner[0].Add(corner[1]).Add(corner[2])
	}
	q := &DistanceQuery{triangles: make([][3]Vec3, n), faces: make([]int32, n)}
	if n > 0 {
		q.build(triangles, centres, ids, 0)
	}
	for i, t := range ids {
		q.triangles[i], q.faces[i] = corners(triangles, t), faceOf[t]
	}
	return q
}

func corners(triangles *Mesh, t int32) [3]Vec3 {
	c := triangles.Face(int(t))
	return [3]Vec3{triangles.Vertices[c[0]], triangles.Vertices[c[1]], triangles.Vertices[c[2]]}
}

// build appends the tree over ids, which stand at first in the whole order.
func (q *DistanceQuery) build(triangles *Mesh, centres []Vec3, ids []int32, first int) {
	start := corners(triangles, ids[0])[0]
	box := bounds{start, start}
	middle := bounds{centres[ids[0]], centres[ids[0]]}
	for _, t := range ids {
		for _, p := range corners(triangles, t) {
			box.include(p)
		}
		middle.include(centres[t])
	}
	node := len(q.nodes)
	q.nodes = append(q.nodes, boxNode{box: box, first: int32(first), count: int32(len(ids))})
	if len(ids) <= triangleLeaf {
		return
	}
	axis, half := middle.longestAxis(), len(ids)/2
	selectNth(ids, half, func(t int32) float64 { return centres[t][axis] })
	q.build(triangles, centres, ids[:half], first)
	q.nodes[node].count, q.nodes[node].right = 0, int32(len(q.nodes))
	q.build(triangles, centres, ids[half:], first+half)
}

// Distance returns the distance from p to the surface, the nearest point of the
// surface and the face it lies on; where several faces are equally near, one of
// them, always the same. Without faces it returns +Inf and face -1.
func (q *DistanceQuery) Distance(p Vec3) (d float64, closest Vec3, face int32) {
	best := nearestSurface{squared: math.Inf(1), triangle: -1}
	if len(q.nodes) > 0 {
		q.search(p, 0, &best)
	}
	if best.triangle < 0 {
		return math.Inf(1), Vec3{}, -1
	}
	return math.Sqrt(best.squared), best.point, q.faces[best.triangle]
}

type nearestSurface struct {
	squared  float64
	point    Vec3
	triangle int32
}

// search visits the nearer child first, and the other if it may hold better.
func (q *DistanceQuery) search(p Vec3, node int32, best *nearestSurface) {
	n := &q.nodes[node]
	if n.count > 0 {
		for t := n.first; t < n.first+n.count; t++ {
			corner := &q.triangles[t]
			point := closestOnTriangle(p, corner[0], corner[1], corner[2])
			d := p.Sub(point)
			if s := d.Dot(d); s < best.squared {
				*best = nearestSurface{s, point, t}
			}
		}
		return
	}
	near, far := node+1, n.right
	dNear, dFar := q.nodes[near].box.squaredDistance(p), q.nodes[far].box.squaredDistance(p)
	if dFar < dNear {
		near, far, dNear, dFar = far, near, dFar, dNear
	}
	if dNear < best.squared {
		q.search(p, near, best)
	}
	if dFar < best.squared {
		q.search(p, far, best)
	}
}
