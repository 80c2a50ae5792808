package mesh

import "slices"

// Transform is a uniform scale followed by a translation: p ↦ Scale·p + Offset.
// The zero value maps everything to the origin; the identity is Transform{Scale:
// 1}.
type Transform struct {
	Scale  float64 `json:"scale"`
	Offset Vec3    `json:"offset"`
}

// Apply returns Scale·p + Offset.
func (t Transform) Apply(p Vec3) Vec3 { return p.Scale(t.Scale).Add(t.Offset) }

// Inverse returns the inverse transform, up to rounding. The scale must not be
// zero.
func (t Transform) Inverse() Transform {
	return Transform{Scale: 1 / t.Scale, Offset: t.Offset.Scale(-1 / t.Scale)}
}

// Matrix returns t as a matrix.
func (t Transform) Matrix() Matrix {
	return Matrix{
		t.Scale, 0, 0, 0,
		0, t.Scale, 0, 0,
		0, 0, t.Scale, 0,
		t.Offset[0], t.Offset[1], t.Offset[2], 1,
	}
}

// Matrix is an affine map as a 4×4 matrix in column-major order, as in glTF:
// the translation is in entries 12 to 14. The last row is taken to be 0, 0, 0,
// 1.
type Matrix [16]float64

// Apply returns the image of the point p.
func (a Matrix) Apply(p Vec3) Vec3 {
	var q Vec3
	for i := range q {
		q[i] = float64(a[i]*p[0]) + float64(a[4+i]*p[1]) + float64(a[8+i]*p[2]) + a[12+i]
	}
	return q
}

// Mul returns the matrix product a·b, which applies b first.
func (a Matrix) Mul(b Matrix) Matrix {
	var c Matrix
	for i := range 4 {
		for j := range 4 {
			for k := range 4 {
				c[4*j+i] += float64(a[4*k+i] * b[4*j+k])
			}
		}
	}
	return c
}

// det returns the determinant of the linear part. It is negative for a
// reflection.
func (a Matrix) det() float64 {
	x, y, z := Vec3{a[0], a[1], a[2]}, Vec3{a[4], a[5], a[6]}, Vec3{a[8], a[9], a[10]}
	return x.Cross(y).Dot(z)
}

// Transformed returns m with every vertex mapped by a. If a is a reflection,
// faces are flipped so that the outside stays outside.
func Transformed(m *Mesh, a Matrix) *Mesh {
	out := Clone(m)
	for i, p := range out.Vertices {
		out.Vertices[i] = a.Apply(p)
	}
	if a.det() < 0 {
		for f := range out.NumFaces() {
			flip(out.Face(f))
		}
	}
	return out
}

// flip reverses the winding of a face and keeps its first corner.
func flip(face []int32) { slices.Reverse(face[1:]) }

// Clone returns a copy of m that shares nothing with it.
func Clone(m *Mesh) *Mesh {
	return &Mesh{
		Vertices: slices.Clone(m.Vertices),
		Corners:  slices.Clone(m.Corners),
		Starts:   slices.Clone(m.Starts),
	}
}
