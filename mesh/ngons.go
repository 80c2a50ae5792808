package mesh

import "github.com/morton-gen/morton/mesh/internal/earclip"

// SplitNgons cuts faces of more than four corners into quads and triangles. It
// returns the new mesh, with the same vertices, and the old face of every new
// one. Triangles and quads are kept as they are.
//
// The cut depends on vertex indices and positions, but not on the first corner of
// a face. Corners are read from the lowest vertex index on and cut into the quads
// (0,1,2,3), (0,3,4,5), …, and a last triangle if their number is odd. This cut
// is used if its pieces are strictly convex and cover the face exactly once, or
// if the face has no area. Otherwise the face is cut by ear clipping (see
// [Triangulate]). Each triangle, in that order, then joins the first free
// neighbour with which it makes a strictly convex quad.
func SplitNgons(m *Mesh) (*Mesh, []int32) {
	out := &Mesh{Vertices: append([]Vec3(nil), m.Vertices...)}
	faceOf := make([]int32, 0, m.NumFaces())
	for f := range m.NumFaces() {
		face := m.Face(f)
		if len(face) <= 4 {
			out.appendFace(face)
		} else {
			out.splitFace(face)
		}
		for len(faceOf) < out.NumFaces() {
			faceOf = append(faceOf, int32(f))
		}
	}
	return out, faceOf
}

// splitFace appends the pieces of a face of more than four corners.
func (m *Mesh) splitFace(face []int32) {
	first := leastRotation(face)
	face = append(append(make([]int32, 0, len(face)), face[first:]...), face[:first]...)
	flat := project(m.Vertices, face)
	if flat != nil && !isQuadFan(flat) {
		m.splitByEars(face, flat)
		return
	}
	for k := 1; k+1 < len(face); k += 2 {
		piece := append(make([]int32, 0, 4), face[0])
		m.appendFace(append(piece, face[k:min(k+3, len(face))]...))
	}
}

// splitByEars appends the triangles of a face, paired into strictly convex
// quads where possible.
func (m *Mesh) splitByEars(face []int32, flat []point2) {
	var triangles [][3]int32
	earclip.Cut(flat, func(i, j, k int32) { triangles = append(triangles, [3]int32{i, j, k}) })
	sides := make(map[[2]int32]int, 3*len(triangles)) // directed side to triangle
	for t, corner := range triangles {
		for k := range 3 {
			sides[[2]int32{corner[k], corner[(k+1)%3]}] = t
		}
	}
	done := make([]bool, len(triangles))
	for t := range triangles {
		if done[t] {
			continue
		}
		quad, partner := pairTriangle(flat, triangles, sides, done, t)
		done[t] = true
		if partner < 0 {
			quad = triangles[t][:]
		} else {
			done[partner] = true
		}
		piece := make([]int32, len(quad))
		for k, i := range quad {
			piece[k] = face[i]
		}
		m.appendFace(piece)
	}
}

// pairTriangle returns the free neighbour with which triangle t makes a
// strictly convex quad. The partner is -1 if there is none.
func pairTriangle(flat []point2, triangles [][3]int32, sides map[[2]int32]int, done []bool, t int) (quad []int32, partner int) {
	for k := range 3 {
		a, b, c := triangles[t][k], triangles[t][(k+1)%3], triangles[t][(k+2)%3]
		partner, ok := sides[[2]int32{b, a}]
		if !ok || done[partner] || partner == t {
			continue
		}
		d := triangles[partner][0] + triangles[partner][1] + triangles[partner][2] - a - b
		if isConvexQuad(flat[a], flat[d], flat[b], flat[c]) {
			return []int32{a, d, b, c}, partner
		}
	}
	return nil, -1
}
