// Package voxel finds the cells of a regular grid that a triangle touches.
//
// Coordinates are grid units: cell (x, y, z) is the closed unit cube with its
// low corner there, and a grid of depth d has 2^d cells along each axis.
package voxel

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// Tolerance is the inflation of a tested cell on each side, in cells. With it,
// rounding never loses a cell that the surface touches. A triangle in the plane
// between two cells belongs to both. Tolerance is far larger than the rounding
// of the test, about 1e-12 cells at depth 10. It is also larger than the 2^-20
// cells to which octree/surface snaps vertices. So the sign of a corner changes
// only where there is a leaf.
const Tolerance = 1.0 / (1 << 18)

// Triangle is a triangle made ready for many overlap tests.
type Triangle struct {
	lo, hi mesh.Vec3 // bounding box
	axes   [10]axis  // edge cross products, then the normal
	n      int       // axes in use: those of zero length separate nothing
}

// axis is a direction with the interval that the triangle covers along it.
// reaches is the direction's L1 length: a cube of half side 1 covers that much
// to each side.
type axis struct {
	dir     mesh.Vec3
	lo, hi  float64
	reaches float64
}

// New prepares the triangle a, b, c. It may be degenerate: a segment or a point
// touches cells too.
func New(a, b, c mesh.Vec3) Triangle {
	var t Triangle
	for i := range 3 {
		t.lo[i] = min(a[i], b[i], c[i])
		t.hi[i] = max(a[i], b[i], c[i])
	}
	ab, bc, ca := b.Sub(a), c.Sub(b), a.Sub(c)
	for _, e := range [3]mesh.Vec3{ab, bc, ca} {
		t.add(mesh.Vec3{0, -e[2], e[1]}, a, b, c)
		t.add(mesh.Vec3{e[2], 0, -e[0]}, a, b, c)
		t.add(mesh.Vec3{-e[1], e[0], 0}, a, b, c)
	}
	t.add(ab.Cross(bc), a, b, c)
	return t
}

// add takes the interval from the three vertices themselves, so an axis that
// rounding has turned a little still separates only what is separate.
func (t *Triangle) add(dir, a, b, c mesh.Vec3) {
	x := axis{dir: dir, reaches: math.Abs(dir[0]) + math.Abs(dir[1]) + math.Abs(dir[2])}
	if x.reaches == 0 {
		return
	}
	p, q, r := dir.Dot(a), dir.Dot(b), dir.Dot(c)
	x.lo, x.hi = min(p, q, r), max(p, q, r)
	t.axes[t.n] = x
	t.n++
}

// Overlaps tells whether the closed cube with the given centre and half side
// meets the triangle, bounding box included.
//
// Source: the separating axis test of Akenine-Möller, "Fast 3D Triangle-Box
// Overlap Testing", Journal of Graphics Tools 6(1), 2001.
func (t *Triangle) Overlaps(center mesh.Vec3, half float64) bool {
	for i := range 3 {
		if center[i]+half < t.lo[i] || center[i]-half > t.hi[i] {
			return false
		}
	}
	return t.crosses(center, half)
}

func (t *Triangle) crosses(center mesh.Vec3, half float64) bool {
	for i := range t.n {
		x := &t.axes[i]
		at, reach := x.dir.Dot(center), half*x.reaches
		if at+reach < x.lo || at-reach > x.hi {
			return false
		}
	}
	return true
}

// Span is where on a line of cube centres the cube meets a triangle: from <=
// s <= to, with the outward directions of what bounds it at either end.
type Span struct {
	From, To     float64
	AtFrom, AtTo mesh.Vec3 // not of length one
}

// Slide moves a cube of the given half side along an axis of the grid. The
// cube's centre is at start + s along that axis. Slide returns the span of s
// where the cube meets the triangle, with From > To if it never does. Both ends
// lie on the boundary of the triangle's Minkowski sum with the cube. AtFrom and
// AtTo are the normals of that boundary.
func (t *Triangle) Slide(start mesh.Vec3, along int, half float64) Span {
	s := Span{From: math.Inf(-1), To: math.Inf(1)}
	for i := range 3 {
		var unit mesh.Vec3
		unit[i] = 1
		s.narrow(start[i], along, axis{dir: unit, lo: t.lo[i] - half, hi: t.hi[i] + half})
	}
	for i := range t.n {
		x := t.axes[i]
		x.lo -= half * x.reaches
		x.hi += half * x.reaches
		s.narrow(x.dir.Dot(start), along, x)
	}
	return s
}

// narrow cuts the span to where the axis' interval holds the moving point.
func (s *Span) narrow(at float64, along int, x axis) {
	speed := x.dir[along]
	if speed == 0 {
		if at < x.lo || at > x.hi {
			s.From, s.To = math.Inf(1), math.Inf(-1)
		}
		return
	}
	from, to, out := (x.lo-at)/speed, (x.hi-at)/speed, x.dir
	if speed < 0 {
		from, to, out = to, from, x.dir.Scale(-1)
	}
	if from > s.From {
		s.From, s.AtFrom = from, out.Scale(-1)
	}
	if to < s.To {
		s.To, s.AtTo = to, out
	}
}
