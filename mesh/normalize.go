package mesh

import (
	"fmt"
	"math"
)

// Bounds returns the lowest and highest coordinates of the vertices that faces
// use, or of all vertices if there are no faces; both are zero without vertices.
func Bounds(m *Mesh) (lo, hi Vec3) {
	if len(m.Vertices) == 0 {
		return lo, hi
	}
	inf := math.Inf(1)
	lo, hi = Vec3{inf, inf, inf}, Vec3{-inf, -inf, -inf}
	grow := func(p Vec3) {
		for i, x := range p {
			lo[i], hi[i] = min(lo[i], x), max(hi[i], x)
		}
	}
	for _, v := range m.Corners {
		grow(m.Vertices[v])
	}
	if len(m.Corners) == 0 {
		for _, p := range m.Vertices {
			grow(p)
		}
	}
	return lo, hi
}

// Normalize moves and scales m so that its bounds are centred and its longest
// side spans [-s, s]; proportions are kept. It returns the new mesh, the
// transform and its inverse. A mesh whose bounds are one point is only moved.
// Unused vertices are mapped too and may lie outside.
//
// Coordinates of used vertices are clamped to [-s, s] against rounding.
//
// It returns an error wrapping [ErrEmpty] if there are no faces, [ErrNotFinite]
// if a coordinate is not finite or the bounds are too wide or too narrow for
// float64, or [ErrFace].
func Normalize(m *Mesh, s float64) (out *Mesh, to, back Transform, err error) {
	if err := m.Validate(); err != nil {
		return nil, to, back, fmt.Errorf("mesh.Normalize: %w", err)
	}
	if m.NumFaces() == 0 {
		return nil, to, back, fmt.Errorf("mesh.Normalize: %w", ErrEmpty)
	}
	lo, hi := Bounds(m)
	size := hi.Sub(lo)
	scale := 1.0
	if side := max(size[0], size[1], size[2]); side > 0 {
		scale = 2 * s / side
	}
	centre := lo.Scale(0.5).Add(hi.Scale(0.5))
	to = Transform{Scale: scale, Offset: centre.Scale(-scale)}
	back = Transform{Scale: 1 / scale, Offset: centre}
	for _, x := range []float64{scale, 1 / scale, to.Offset.Len()} {
		if math.IsNaN(x) || math.IsInf(x, 0) || scale == 0 {
			return nil, to, back, fmt.Errorf("mesh.Normalize: %w: bounds %v to %v cannot be scaled to %g", ErrNotFinite, lo, hi, s)
		}
	}
	out = Clone(m)
	for i, p := range out.Vertices {
		out.Vertices[i] = p.Sub(centre).Scale(scale)
	}
	for _, v := range out.Corners {
		for i, x := range out.Vertices[v] {
			out.Vertices[v][i] = max(-s, min(s, x))
		}
	}
	return out, to, back, nil
}
