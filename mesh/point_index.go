package mesh

import "math"

// PointIndex finds the nearest of a fixed set of points. It is safe for
// concurrent use.
type PointIndex struct {
	points []Vec3
	tree   *boxTree
}

// NewPointIndex builds the index in O(n log n). It keeps points, which must not
// change while it is in use.
func NewPointIndex(points []Vec3) *PointIndex {
	boxes := make([]bounds, len(points))
	for i, p := range points {
		boxes[i] = bounds{p, p}
	}
	return &PointIndex{points: points, tree: newBoxTree(boxes)}
}

// Nearest returns the index of the point nearest to p, the lowest among equals,
// and its distance. Without points, or if p is NaN, it returns -1 and +Inf.
func (x *PointIndex) Nearest(p Vec3) (index int32, distance float64) {
	index = -1
	squared := math.Inf(1)
	x.tree.nearest(p, squared, func(i int32, best float64) float64 {
		d := x.points[i].Sub(p)
		s := d.Dot(d)
		if s < best || s == best && i < index {
			index, squared = i, s
			return s
		}
		return best
	})
	return index, math.Sqrt(squared)
}
