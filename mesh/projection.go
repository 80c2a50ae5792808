package mesh

import (
	"math"

	"github.com/morton-gen/morton/mesh/internal/earclip"
)

type point2 = earclip.Point

// project flattens a face by dropping the axis along which its Newell vector is
// longest, keeping it counter-clockwise. Differences are as exact as the
// coordinates, so 26-bit integers give exact turns. It returns nil if the Newell
// vector is zero.
func project(points []Vec3, face []int32) []point2 {
	n := newell(points, face)
	drop := 0
	for i := 1; i < 3; i++ {
		if math.Abs(n[i]) > math.Abs(n[drop]) {
			drop = i
		}
	}
	if n[drop] == 0 {
		return nil
	}
	x, y := (drop+1)%3, (drop+2)%3
	if n[drop] < 0 {
		x, y = y, x
	}
	flat := make([]point2, len(face))
	for k, v := range face {
		flat[k] = point2{points[v][x], points[v][y]}
	}
	return flat
}

// isFan reports whether every triangle (0, k, k+1) of the flattened face runs
// counter-clockwise, so that a fan from corner 0 covers the face exactly once.
// It holds for strictly convex faces, from any corner.
func isFan(flat []point2) bool {
	for k := 1; k+1 < len(flat); k++ {
		if earclip.Turn(flat[0], flat[k], flat[k+1]) <= 0 {
			return false
		}
	}
	return len(flat) >= 3
}

// isQuadFan reports whether the flattened face can be cut into a fan of quads:
// the quads (0, k, k+1, k+2) for odd k are strictly convex.
func isQuadFan(flat []point2) bool {
	for k := 1; k+2 < len(flat); k += 2 {
		if !isConvexQuad(flat[0], flat[k], flat[k+1], flat[k+2]) {
			return false
		}
	}
	return isFan(flat)
}

// isConvexQuad reports whether all four corners are convex.
func isConvexQuad(a, b, c, d point2) bool {
	return earclip.Turn(d, a, b) > 0 && earclip.Turn(a, b, c) > 0 && earclip.Turn(b, c, d) > 0 && earclip.Turn(c, d, a) > 0
}
