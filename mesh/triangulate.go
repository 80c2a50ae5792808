package mesh

import "github.com/morton-gen/morton/mesh/internal/earclip"

// Triangulate cuts every face into triangles. It returns the new mesh, with the
// same vertices, and the old face of every new one. Winding is kept. A face of k
// corners always gives k−2 triangles.
//
//   - A quad is cut along a diagonal that lies inside it; if both do, along the
//     shorter, and if they are equally long, along the one that ends at the
//     lowest vertex index. The cut does not depend on which corner comes first.
//   - A larger face is a fan from its first corner if that covers it exactly
//     once, as it does when the face is strictly convex, and if it has less than
//     64 corners. A larger fan would be slivers that all meet in one place.
//   - Any other face is cut by ear clipping in its projection along the main
//     axis of its normal. It is exact for simple outlines and for
//     those with bridges to holes; an outline that crosses itself still gives
//     k−2 triangles, some of which overlap.
//
// Source of ear clipping: Meisters, "Polygons have ears", American Mathematical
// Monthly 82, 1975; that only reflex corners can block an ear: Held, "FIST",
// Algorithmica 30, 2001.
func Triangulate(m *Mesh) (*Mesh, []int32) {
	n := len(m.Corners) - 2*m.NumFaces()
	out := &Mesh{
		Vertices: append([]Vec3(nil), m.Vertices...),
		Corners:  make([]int32, 0, 3*n),
		Starts:   make([]int32, 0, n+1),
	}
	faceOf := make([]int32, 0, n)
	for f := range m.NumFaces() {
		face := m.Face(f)
		forTriangles(m.Vertices, face, func(i, j, k int32) {
			out.appendFace([]int32{face[i], face[j], face[k]})
			faceOf = append(faceOf, int32(f))
		})
	}
	return out, faceOf
}

// CutLarge returns m with every face of 64 corners or more cut into triangles as
// [Triangulate] does, or m itself if it has none. It is for callers that would cut
// large faces into fans of slivers.
func CutLarge(m *Mesh) *Mesh {
	large := false
	for f := range m.NumFaces() {
		large = large || len(m.Face(f)) >= earclip.ManyCorners
	}
	if !large {
		return m
	}
	out := &Mesh{Vertices: m.Vertices}
	for f := range m.NumFaces() {
		face := m.Face(f)
		if len(face) < earclip.ManyCorners {
			out.appendFace(face)
			continue
		}
		forTriangles(m.Vertices, face, func(i, j, k int32) { out.appendFace([]int32{face[i], face[j], face[k]}) })
	}
	return out
}

// forTriangles calls emit for every triangle of the face, with its corners as
// offsets into face.
func forTriangles(points []Vec3, face []int32, emit func(i, j, k int32)) {
	switch len(face) {
	case 3:
		emit(0, 1, 2)
		return
	case 4:
		if s := quadDiagonal(points, face); s == 0 {
			emit(0, 1, 2)
			emit(0, 2, 3)
		} else {
			emit(0, 1, 3)
			emit(1, 2, 3)
		}
		return
	}
	flat := project(points, face)
	if flat != nil && (len(face) >= earclip.ManyCorners || !isFan(flat)) {
		earclip.Cut(flat, emit)
		return
	}
	for k := int32(1); int(k)+1 < len(face); k++ {
		emit(0, k, k+1)
	}
}

// quadDiagonal returns 0 to cut a quad between its corners 0 and 2, or 1 for
// corners 1 and 3.
func quadDiagonal(points []Vec3, face []int32) int {
	a, b, c, d := points[face[0]], points[face[1]], points[face[2]], points[face[3]]
	n := c.Sub(a).Cross(d.Sub(b)) // the Newell vector of a quad
	side := func(p, q, r Vec3) bool { return q.Sub(p).Cross(r.Sub(p)).Dot(n) > 0 }
	inside0 := side(a, b, c) && side(a, c, d)
	inside1 := side(b, c, d) && side(b, d, a)
	if inside0 != inside1 {
		if inside0 {
			return 0
		}
		return 1
	}
	e0, e1 := c.Sub(a), d.Sub(b)
	switch l0, l1 := e0.Dot(e0), e1.Dot(e1); {
	case l0 < l1:
		return 0
	case l1 < l0:
		return 1
	}
	if min(face[0], face[2]) <= min(face[1], face[3]) {
		return 0
	}
	return 1
}
