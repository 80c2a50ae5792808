package mesh

// Area returns the area of the triangles of [Triangulate], in square units.
func Area(m *Mesh) float64 {
	sum := 0.0
	for f := range m.NumFaces() {
		sum += faceArea(m.Vertices, m.Face(f))
	}
	return sum
}

func faceArea(points []Vec3, face []int32) float64 {
	sum := 0.0
	forTriangles(points, face, func(i, j, k int32) {
		a, b, c := points[face[i]], points[face[j]], points[face[k]]
		sum += 0.5 * b.Sub(a).Cross(c.Sub(a)).Len()
	})
	return sum
}

// SignedVolume returns the volume that a closed mesh encloses, positive if its
// faces run counter-clockwise seen from outside:
//
//	V = 1/6 Σ_t a_t · (b_t × c_t)    over the triangles of [Triangulate]
//
// with positions relative to the centre of the bounds. For an open mesh the
// result depends on that centre.
func SignedVolume(m *Mesh) float64 {
	lo, hi := Bounds(m)
	origin := lo.Scale(0.5).Add(hi.Scale(0.5))
	sum := 0.0
	for f := range m.NumFaces() {
		sum += coneVolume(m.Vertices, m.Face(f), origin)
	}
	return sum
}

// coneVolume returns the signed volume between a face and the origin.
func coneVolume(points []Vec3, face []int32, origin Vec3) float64 {
	sum := 0.0
	forTriangles(points, face, func(i, j, k int32) {
		a, b, c := points[face[i]].Sub(origin), points[face[j]].Sub(origin), points[face[k]].Sub(origin)
		sum += a.Dot(b.Cross(c)) / 6
	})
	return sum
}
