package mesh

import "math"

// PointIndex finds the nearest of a fixed set of points. It is a balanced k-d
// tree laid out in place: the middle of a range splits it. It is safe for
// concurrent use.
type PointIndex struct {
	points []Vec3  // in tree order
	ids    []int32 // index each had when given
	axis   []uint8 // [i] axis along which point i splits its range
}

// pointLeaf is the range size below which points are compared one by one.
const pointLeaf = 8

// NewPointIndex builds the index in O(n log n). It keeps a copy of points.
func NewPointIndex(points []Vec3) *PointIndex {
	x := &PointIndex{
		points: make([]Vec3, len(points)),
		ids:    make([]int32, len(points)),
		axis:   make([]uint8, len(points)),
	}
	for i := range x.ids {
		x.ids[i] = int32(i)
	}
	x.split(points, 0, len(points))
	for i, id := range x.ids {
		x.points[i] = points[id]
	}
	return x
}

func (x *PointIndex) split(points []Vec3, lo, hi int) {
	if hi-lo <= pointLeaf {
		return
	}
	box := bounds{points[x.ids[lo]], points[x.ids[lo]]}
	for _, id := range x.ids[lo+1 : hi] {
		box.include(points[id])
	}
	axis, mid := box.longestAxis(), (lo+hi)/2
	selectNth(x.ids[lo:hi], mid-lo, func(id int32) float64 { return points[id][axis] })
	x.axis[mid] = uint8(axis)
	x.split(points, lo, mid)
	x.split(points, mid+1, hi)
}

// Nearest returns the index of the point nearest to p, the lowest among equals,
// and its distance. Without points it returns -1 and +Inf.
func (x *PointIndex) Nearest(p Vec3) (index int32, distance float64) {
	best := nearestPoint{id: -1, squared: math.Inf(1)}
	x.search(p, 0, len(x.points), &best)
	return best.id, math.Sqrt(best.squared)
}

type nearestPoint struct {
	id      int32
	squared float64
}

func (x *PointIndex) try(p Vec3, i int, best *nearestPoint) {
	d := x.points[i].Sub(p)
	s := d.Dot(d)
	if s < best.squared || s == best.squared && x.ids[i] < best.id {
		best.id, best.squared = x.ids[i], s
	}
}

func (x *PointIndex) search(p Vec3, lo, hi int, best *nearestPoint) {
	if hi-lo <= pointLeaf {
		for i := lo; i < hi; i++ {
			x.try(p, i, best)
		}
		return
	}
	mid := (lo + hi) / 2
	x.try(p, mid, best)
	axis := x.axis[mid]
	offset := p[axis] - x.points[mid][axis]
	nearLo, nearHi, farLo, farHi := lo, mid, mid+1, hi
	if offset > 0 {
		nearLo, nearHi, farLo, farHi = mid+1, hi, lo, mid
	}
	x.search(p, nearLo, nearHi, best)
	if float64(offset*offset) <= best.squared {
		x.search(p, farLo, farHi, best)
	}
}
