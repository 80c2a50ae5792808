package rig

import "github.com/morton-gen/morton/mesh"

// Skeleton returns a mesh to look at: an octahedron at each joint, and a thin one from its parent, widest
// near the parent. Sizes follow the bounds of the rig's mesh.
func (r *Rig) Skeleton() *mesh.Mesh {
	lo, hi := mesh.Bounds(r.Mesh)
	size := hi.Sub(lo)
	thick := 0.015 * max(size[0], size[1], size[2])
	out := &mesh.Mesh{}
	for _, j := range r.Joints {
		up := mesh.Vec3{0, thick, 0}
		spindle(out, j.At.Sub(up), j.At, j.At.Add(up), thick)
		if j.Parent == NoParent {
			continue
		}
		from := r.Joints[j.Parent].At
		if bone := j.At.Sub(from); bone.Len() > thick {
			spindle(out, from, from.Add(bone.Scale(0.2)), j.At, 0.7*thick)
		}
	}
	return out
}

// spindle adds an octahedron from a point to another, of a radius at a third between them.
func spindle(m *mesh.Mesh, from, at, to mesh.Vec3, radius float64) {
	axis := to.Sub(from).Unit()
	u := axis.Cross(mesh.Vec3{0.36, 0.48, 0.8}).Unit().Scale(radius)
	v := axis.Cross(u)
	first := int32(len(m.Vertices))
	for _, p := range []mesh.Vec3{from, to, at.Add(u), at.Add(v), at.Sub(u), at.Sub(v)} {
		m.AddVertex(p)
	}
	for i := range int32(4) {
		a, b := first+2+i, first+2+(i+1)%4
		_ = m.AddFace(first, b, a) // of its own vertices
		_ = m.AddFace(first+1, a, b)
	}
}
