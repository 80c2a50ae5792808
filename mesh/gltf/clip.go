package gltf

import "github.com/morton-gen/morton/mesh"

// clip triangulates a face as [mesh.Triangulate] does, in time quadratic in its
// corners.
func clip(m *mesh.Mesh, ring []int32) [][3]int32 {
	one := &mesh.Mesh{Starts: []int32{0, int32(len(ring))}}
	for i, c := range ring {
		one.Vertices = append(one.Vertices, m.Vertices[m.Corners[c]])
		one.Corners = append(one.Corners, int32(i))
	}
	cut, _ := mesh.Triangulate(one)
	out := make([][3]int32, cut.NumFaces())
	for t := range out {
		for i, c := range cut.Face(t) {
			out[t][i] = ring[c]
		}
	}
	return out
}
