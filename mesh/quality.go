package mesh

// ScaledJacobian returns the quality of the quad f: the least over its corners of
//
//	J_k = ((p_{k+1} − p_k) × (p_{k−1} − p_k)) · n / (|p_{k+1} − p_k| |p_{k−1} − p_k|)
//
// with n from [FaceNormal]: 1 for a rectangle, 0 where a corner is straight or a
// side has no length, negative where a corner points inwards. For other faces the
// same formula is used; an equilateral triangle has √3/2.
//
// Source: Knupp, "Achieving finite element mesh quality via optimization of the
// Jacobian matrix norm", 2000; here with the face's own normal.
func ScaledJacobian(m *Mesh, f int) float64 {
	face := m.Face(f)
	n := FaceNormal(m, f)
	least := 1.0
	for k, v := range face {
		p := m.Vertices[v]
		toNext := m.Vertices[face[(k+1)%len(face)]].Sub(p).Unit()
		toPrev := m.Vertices[face[(k+len(face)-1)%len(face)]].Sub(p).Unit()
		least = min(least, toNext.Cross(toPrev).Dot(n))
	}
	return max(least, -1)
}

// PoorJacobian is the scaled Jacobian below which a quad counts as poor: a
// corner of less than 17° or more than 163°.
const PoorJacobian = 0.3

// quadQuality summarises the scaled Jacobian over all quads. All results are 0
// if there are none.
func quadQuality(m *Mesh) (mean, least, inverted, poor float64) {
	quads, sum := 0, 0.0
	for f := range m.NumFaces() {
		if len(m.Face(f)) != 4 {
			continue
		}
		j := ScaledJacobian(m, f)
		if quads == 0 || j < least {
			least = j
		}
		quads++
		sum += j
		if j < 0 {
			inverted++
		}
		if j < PoorJacobian {
			poor++
		}
	}
	n := float64(max(quads, 1))
	return sum / n, least, inverted / n, poor / n
}
