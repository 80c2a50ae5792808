package mesh

import "math"

// FaceNormal returns the unit normal of face f by Newell's method, which is
// the direction of [FaceVector], or the zero vector if that vanishes.
func FaceNormal(m *Mesh, f int) Vec3 { return newell(m.Vertices, m.Face(f)).Unit() }

// FaceVector returns the area vector of face f:
//
//	A = ½ Σ_k p_k × p_{k+1}
//
// For a planar face it is the normal times the area; for a bent one its length
// is the largest area that a parallel projection of the outline can have.
func FaceVector(m *Mesh, f int) Vec3 { return newell(m.Vertices, m.Face(f)).Scale(0.5) }

// newell returns twice the area vector of a face, taken about its first corner
// so that a position far from the origin costs no digits.
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

// VertexNormals returns a unit normal for every vertex: the mean of the normals
// of its faces, each weighted by the face's angle at that vertex, which does
// not depend on how flat regions are cut into faces. It is zero for a vertex
// without faces, or where normals cancel.
//
// Source: Thürmer and Wüthrich, "Computing vertex normals from polygonal
// facets", Journal of Graphics Tools 3(1), 1998.
func VertexNormals(m *Mesh) []Vec3 {
	normals := make([]Vec3, len(m.Vertices))
	for f := range m.NumFaces() {
		face := m.Face(f)
		n := FaceNormal(m, f)
		for k, v := range face {
			p := m.Vertices[v]
			toNext := m.Vertices[face[(k+1)%len(face)]].Sub(p)
			toPrev := m.Vertices[face[(k+len(face)-1)%len(face)]].Sub(p)
			angle := math.Atan2(toNext.Cross(toPrev).Len(), toNext.Dot(toPrev))
			normals[v] = normals[v].Add(n.Scale(angle))
		}
	}
	for v, n := range normals {
		normals[v] = n.Unit()
	}
	return normals
}
