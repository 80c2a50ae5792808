package octree

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// Frame maps source coordinates into the domain and back: p goes to
// (p - Center) · Scale.
type Frame struct {
	Center mesh.Vec3 // source units
	Scale  float64   // domain units for one source unit, > 0
}

// Fit returns the frame that puts the bounding box of m's faces at the middle of
// the domain with its longest side 2·extent. An extent of 0.9 leaves room for
// the cells of a thickened sheet. A mesh without faces, or of one point, gets
// scale 1.
func Fit(m *mesh.Mesh, extent float64) Frame {
	lo := mesh.Vec3{math.Inf(1), math.Inf(1), math.Inf(1)}
	hi := lo.Scale(-1)
	for _, c := range m.Corners {
		for a, x := range m.Vertices[c] {
			lo[a], hi[a] = min(lo[a], x), max(hi[a], x)
		}
	}
	if len(m.Corners) == 0 {
		return Frame{Scale: 1}
	}
	f := Frame{Scale: 1}
	var side float64
	for a := range 3 {
		f.Center[a] = lo[a]/2 + hi[a]/2
		side = max(side, hi[a]/2-lo[a]/2)
	}
	if side > 0 && !math.IsInf(extent/side, 0) {
		f.Scale = extent / side
	}
	return f
}

// Apply maps a source point into the domain.
func (f Frame) Apply(p mesh.Vec3) mesh.Vec3 { return p.Sub(f.Center).Scale(f.Scale) }

// Invert maps a point of the domain back to source units.
func (f Frame) Invert(p mesh.Vec3) mesh.Vec3 { return p.Scale(1 / f.Scale).Add(f.Center) }

// Mesh returns m with its vertices mapped into the domain; faces are shared
// with m.
func (f Frame) Mesh(m *mesh.Mesh) *mesh.Mesh { return mapped(m, f.Apply) }

// InvertMesh returns m, a mesh in the domain, in source units; faces are shared
// with m.
func (f Frame) InvertMesh(m *mesh.Mesh) *mesh.Mesh { return mapped(m, f.Invert) }

func mapped(m *mesh.Mesh, move func(mesh.Vec3) mesh.Vec3) *mesh.Mesh {
	out := &mesh.Mesh{Vertices: make([]mesh.Vec3, len(m.Vertices)), Corners: m.Corners, Starts: m.Starts}
	for i, p := range m.Vertices {
		out.Vertices[i] = move(p)
	}
	return out
}
