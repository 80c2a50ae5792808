package mesh

import "math"

// Weld merges vertices at the same position. It returns the new mesh and the
// new index of every old vertex.
//
// With a tolerance of zero (or below), vertices merge if all three coordinates
// are equal (−0 equals 0). Otherwise each vertex, in order, joins the nearest
// kept vertex at a distance of at most tolerance, or is kept. Kept vertices do
// not move, so they stay more than tolerance apart. The order is kept.
//
// Faces are kept, even where corners now repeat: see [RemoveDegenerate].
func Weld(m *Mesh, tolerance float64) (*Mesh, []int32) {
	out := &Mesh{
		Corners: make([]int32, len(m.Corners)),
		Starts:  append([]int32(nil), m.Starts...),
	}
	var to []int32
	if tolerance > 0 {
		out.Vertices, to = weldNear(m.Vertices, tolerance)
	} else {
		out.Vertices, to = weldEqual(m.Vertices)
	}
	for h, v := range m.Corners {
		out.Corners[h] = to[v]
	}
	return out, to
}

func weldEqual(points []Vec3) (kept []Vec3, to []int32) {
	to = make([]int32, len(points))
	seen := make(map[Vec3]int32, len(points)) // float keys: -0 and 0 are one key
	for i, p := range points {
		j, ok := seen[p]
		if !ok {
			j = int32(len(kept))
			seen[p] = j
			kept = append(kept, p)
		}
		to[i] = j
	}
	return kept, to
}

// weldNear puts kept vertices into a grid of cells as wide as the tolerance, so
// all candidates lie in the 27 cells around a vertex.
func weldNear(points []Vec3, tolerance float64) (kept []Vec3, to []int32) {
	to = make([]int32, len(points))
	cells := make(map[Vec3][]int32)
	for i, p := range points {
		cell := Vec3{math.Floor(p[0] / tolerance), math.Floor(p[1] / tolerance), math.Floor(p[2] / tolerance)}
		j := nearestInCells(cells, cell, kept, p, tolerance)
		if j < 0 {
			j = int32(len(kept))
			kept = append(kept, p)
			cells[cell] = append(cells[cell], j)
		}
		to[i] = j
	}
	return kept, to
}

// nearestInCells returns the kept vertex nearest to p within the tolerance (the
// lowest index on a tie), or -1.
func nearestInCells(cells map[Vec3][]int32, cell Vec3, kept []Vec3, p Vec3, tolerance float64) int32 {
	best, bestDistance := int32(-1), tolerance
	for i := range 27 {
		step := Vec3{float64(i/9 - 1), float64(i/3%3 - 1), float64(i%3 - 1)}
		for _, j := range cells[cell.Add(step)] {
			d := kept[j].Sub(p).Len()
			if d < bestDistance || d == bestDistance && (best < 0 || j < best) {
				best, bestDistance = j, d
			}
		}
	}
	return best
}
