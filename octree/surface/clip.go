package surface

import "github.com/morton-gen/morton/mesh"

// clipToCell clips a triangle to the unit cell whose low corner is the origin. It
// returns the area and the centroid of the clipped polygon, or area 0 if the
// polygon is empty or degenerate. buffer is scratch space, and its contents do
// not matter.
func clipToCell(corners [3]mesh.Vec3, buffer *[2][12]mesh.Vec3) (area float64, centroid mesh.Vec3) {
	polygon := append(buffer[0][:0], corners[:]...)
	next := buffer[1][:0]
	for axis := range 3 {
		for _, high := range [2]bool{false, true} {
			next = clipHalf(next[:0], polygon, axis, high)
			polygon, next = next, polygon
			if len(polygon) < 3 {
				return 0, mesh.Vec3{}
			}
		}
	}
	for i := 2; i < len(polygon); i++ {
		a := polygon[i-1].Sub(polygon[0]).Cross(polygon[i].Sub(polygon[0])).Len() / 2
		middle := polygon[0].Add(polygon[i-1]).Add(polygon[i]).Scale(1.0 / 3)
		area += a
		centroid = centroid.Add(middle.Scale(a))
	}
	if area == 0 {
		return 0, mesh.Vec3{}
	}
	return area, centroid.Scale(1 / area)
}

// clipHalf appends the part of a convex polygon with x[axis] >= 0, or <= 1 if
// high. Each cut adds at most one corner, so a triangle ends with nine or fewer.
func clipHalf(out, polygon []mesh.Vec3, axis int, high bool) []mesh.Vec3 {
	depth := func(p mesh.Vec3) float64 {
		if high {
			return 1 - p[axis]
		}
		return p[axis]
	}
	for i, p := range polygon {
		q := polygon[(i+1)%len(polygon)]
		dp, dq := depth(p), depth(q)
		if dp >= 0 {
			out = append(out, p)
		}
		if dp > 0 && dq < 0 || dp < 0 && dq > 0 {
			out = append(out, p.Add(q.Sub(p).Scale(dp/(dp-dq))))
		}
	}
	return out
}
