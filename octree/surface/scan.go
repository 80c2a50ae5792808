package surface

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/octree"
)

// maxHits bounds the crossings of triangles and grid lines that are held at
// once: 512 MiB.
const maxHits = 1 << 25

// solid is the union of the closed parts of a source, sampled along grid lines.
// Grid lines run along x. Each line stores the places where it enters and
// leaves the union.
type solid struct {
	side  int     // corners along an axis
	first []int32 // [line+1] offsets into ends
	ends  []float64
}

// hit is a crossing of a line, from the line's low end, with a triangle.
type hit struct {
	line int32
	part int32
	step int32 // change of the winding number
	x    float64
}

// newSolid casts all grid lines at once, and finds for each triangle the lines
// that cross it. The crossing test is in integers, with the line shifted by an
// infinitesimal (0, e, e^2). So a line that meets an edge or a vertex crosses
// exactly one of the triangles around it on each side. Therefore every line
// enters a closed part as often as it leaves it. A corner on the surface counts
// as shifted towards +x, +y and +z.
func newSolid(s *source) (*solid, error) {
	out := &solid{side: 1<<s.depth + 1}
	hits, err := out.hits(s)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.x, b.x), cmp.Compare(a.part, b.part), cmp.Compare(a.step, b.step))
	})
	out.first = make([]int32, out.side*out.side+1)
	wound := make([]int32, len(s.parts))
	inside := 0
	for _, h := range hits {
		before := inside
		if wound[h.part] != 0 {
			inside--
		}
		s.parts[h.part].meet(inside == 0)
		wound[h.part] += h.step
		if s.parts[h.part].rule == parity {
			wound[h.part] &= 1
		}
		if wound[h.part] != 0 {
			inside++
		}
		if (before > 0) != (inside > 0) {
			out.ends = append(out.ends, h.x)
			out.first[h.line+1]++
		}
	}
	for i := range out.side * out.side {
		out.first[i+1] += out.first[i]
	}
	return out, nil
}

func (o *solid) hits(s *source) ([]hit, error) {
	var hits []hit
	for i := range s.tris {
		if s.parts[s.tris[i].part].rule == sheet {
			continue
		}
		hits = o.cross(hits, s, &s.tris[i])
		if len(hits) > maxHits {
			return nil, fmt.Errorf("%w: over %d crossings of grid lines", octree.ErrLimit, maxHits)
		}
	}
	return hits, nil
}

// cross appends the lines that cross a triangle.
func (o *solid) cross(hits []hit, s *source, t *triangle) []hit {
	p := [3]fixed{s.exact[t.v[0]], s.exact[t.v[1]], s.exact[t.v[2]]}
	area, _ := turn(p[0], p[1], int64(p[2][1]), int64(p[2][2]))
	if area == 0 {
		return hits
	}
	step := int32(-1)
	if area < 0 {
		step = 1
	}
	from, to := span(p, 1)
	for y := from; y <= to; y++ {
		low, high := across(p, y)
		for z := low; z <= high; z++ {
			if x, ok := where(p, area, y, z); ok {
				hits = append(hits, hit{line: int32(y*o.side + z), part: t.part, step: step, x: x})
			}
		}
	}
	return hits
}

// span returns the grid lines within a triangle's extent along an axis.
func span(p [3]fixed, axis int) (from, to int) {
	low := min(p[0][axis], p[1][axis], p[2][axis])
	high := max(p[0][axis], p[1][axis], p[2][axis])
	return int(-(-low >> snapBits)), int(high >> snapBits)
}

// across returns grid lines in z that surely hold all that cross the triangle at
// line y: its cut there, rounded, and one more to each side.
func across(p [3]fixed, y int) (from, to int) {
	low, high := math.Inf(1), math.Inf(-1)
	at := float64(y) * (1 << snapBits)
	for i := range 3 {
		a, b := p[i], p[(i+1)%3]
		ay, by := float64(a[1]), float64(b[1])
		if (ay < at && by < at) || (ay > at && by > at) {
			continue
		}
		s, e := 0.0, 1.0
		if ay != by {
			s = (at - ay) / (by - ay)
			e = s
		}
		for _, f := range [2]float64{s, e} {
			z := float64(a[2]) + f*(float64(b[2])-float64(a[2]))
			low, high = min(low, z), max(high, z)
		}
	}
	from, to = span(p, 2)
	return max(from, int(low/(1<<snapBits))-1), min(to, int(high/(1<<snapBits))+1)
}

// where returns the x, in cells, at which line (y, z) crosses the triangle.
func where(p [3]fixed, area int64, y, z int) (float64, bool) {
	var sum float64
	for i := range 3 {
		// The corner across from edge i weighs as much as the line is from it.
		det, left := turn(p[i], p[(i+1)%3], int64(y)<<snapBits, int64(z)<<snapBits)
		if left != (area > 0) {
			return 0, false
		}
		sum += float64(det) * float64(p[(i+2)%3][0])
	}
	return sum / float64(area) / (1 << snapBits), true
}

// turn returns twice the signed area of a, b and (y, z) in the yz plane, and
// whether the point, shifted by (e, e^2), lies to the left of a to b.
func turn(a, b fixed, y, z int64) (det int64, left bool) {
	dy, dz := int64(b[1])-int64(a[1]), int64(b[2])-int64(a[2])
	det = dy*(z-int64(a[2])) - dz*(y-int64(a[1]))
	switch {
	case det != 0:
		return det, det > 0
	case dz != 0:
		return 0, dz < 0
	default:
		return 0, dy > 0
	}
}

// inside tells whether the corner with the given coordinates is inside.
func (o *solid) inside(x, y, z uint32) bool {
	line := int(y)*o.side + int(z)
	ends := o.ends[o.first[line]:o.first[line+1]]
	n, _ := slices.BinarySearchFunc(ends, float64(x), func(e, x float64) int {
		if e <= x {
			return -1
		}
		return 1
	})
	return n%2 == 1
}
