package mesh

// FaceNormal returns the unit normal of face f by Newell's method: the
// direction of [FaceVector], or the zero vector if that is zero.
func FaceNormal(m *Mesh, f int) Vec3 { return newell(m.Vertices, m.Face(f)).Unit() }

// FaceVector returns the area vector of face f:
//
//	A = ½ Σ_k p_k × p_{k+1}
//
// For a planar face it is the normal times the area. For a bent one its length
// is the largest area of a parallel projection.
func FaceVector(m *Mesh, f int) Vec3 { return newell(m.Vertices, m.Face(f)).Scale(0.5) }

// newell returns twice the area vector of a face. It is taken about the first
// corner, so that a position far from the origin costs no precision.
func newell(points []Vec3, face []int32) Vec3 {
	var sum Vec3
	origin := points[face[0]]
	a := points[face[1]].Sub(origin)
	for _, v := range face[2:] {
		b := points[v].Sub(origin)
		sum = sum.Add(a.Cross(b))
		a = b
	}
	return sum
}
