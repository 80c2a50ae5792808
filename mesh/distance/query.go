package distance

import (
	"math"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/internal/box"
)

// Query finds the point of a mesh nearest to a given point, exactly up
// to rounding. It is a tree of boxes over the triangles of [mesh.Triangulate], and
// safe for concurrent use.
type Query struct {
	triangles [][3]mesh.Vec3
	faces     []int32 // [t] face of the mesh
	tree      *boxTree
}

// New builds the tree in O(t log t): about 1 s for a million quads
// on a core of an AMD EPYC. It copies the mesh.
func New(m *mesh.Mesh) *Query {
	triangles, faceOf := mesh.Triangulate(m)
	q := &Query{triangles: make([][3]mesh.Vec3, len(faceOf)), faces: faceOf}
	boxes := make([]box.Box, len(faceOf))
	for t := range q.triangles {
		q.triangles[t] = corners(triangles, int32(t))
		boxes[t] = box.Empty()
		for _, p := range q.triangles[t] {
			boxes[t].Include(p)
		}
	}
	q.tree = newBoxTree(boxes)
	return q
}

func corners(triangles *mesh.Mesh, t int32) [3]mesh.Vec3 {
	c := triangles.Face(int(t))
	return [3]mesh.Vec3{triangles.Vertices[c[0]], triangles.Vertices[c[1]], triangles.Vertices[c[2]]}
}

// Distance returns the distance from p to the surface, the nearest point of the
// surface and its face. Of equally near faces it returns the first. Without
// faces, or if p is NaN, it returns +Inf and face -1.
func (q *Query) Distance(p mesh.Vec3) (d float64, closest mesh.Vec3, face int32) {
	return q.nearest(p, func(*[3]mesh.Vec3) bool { return true })
}

// Facing is [Query.Distance] to the triangles whose normal is
// within 90 degrees of n: none for n = 0. It selects the right side of a thin wall.
func (q *Query) Facing(p, n mesh.Vec3) (d float64, closest mesh.Vec3, face int32) {
	if n == (mesh.Vec3{}) { // no triangle would bound the search
		return math.Inf(1), mesh.Vec3{}, -1
	}
	return q.nearest(p, func(c *[3]mesh.Vec3) bool { return c[1].Sub(c[0]).Cross(c[2].Sub(c[0])).Dot(n) > 0 })
}

// nearest searches the triangles for which counts returns true.
func (q *Query) nearest(p mesh.Vec3, counts func(*[3]mesh.Vec3) bool) (d float64, closest mesh.Vec3, face int32) {
	squared, nearest := math.Inf(1), int32(-1)
	q.tree.nearest(p, squared, func(t int32, best float64) float64 {
		corner := &q.triangles[t]
		if !counts(corner) {
			return best
		}
		point := closestOnTriangle(p, corner[0], corner[1], corner[2])
		d := p.Sub(point)
		s := d.Dot(d)
		if s < best || s == best && t < nearest {
			squared, closest, nearest = s, point, t
			return s
		}
		return best
	})
	if nearest < 0 {
		return math.Inf(1), mesh.Vec3{}, -1
	}
	return math.Sqrt(squared), closest, q.faces[nearest]
}
