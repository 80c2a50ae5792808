package gltf

import (
	"math"

	"github.com/morton-gen/morton/mesh"
	qgltf "github.com/qmuntal/gltf"
)

// matrix is a 4x4 matrix, column by column as glTF has it: m[4*col+row].
type matrix [16]float64

var identity = matrix(qgltf.DefaultMatrix)

// times returns m·o: o is applied first.
func (m matrix) times(o matrix) matrix {
	var out matrix
	for col := range 4 {
		for row := range 4 {
			for i := range 4 {
				out[4*col+row] += m[4*i+row] * o[4*col+i]
			}
		}
	}
	return out
}

// point returns m applied to p, by m's first three rows.
func (m matrix) point(p mesh.Vec3) mesh.Vec3 {
	var out mesh.Vec3
	for row := range 3 {
		out[row] = m[row]*p[0] + m[4+row]*p[1] + m[8+row]*p[2] + m[12+row]
	}
	return out
}

// mirrors reports whether m is a reflection.
func (m matrix) mirrors() bool {
	x, y, z := mesh.Vec3(m[0:3]), mesh.Vec3(m[4:7]), mesh.Vec3(m[8:11])
	return x.Cross(y).Dot(z) < 0
}

// local returns a node's own transform: its matrix, or translation · rotation ·
// scale. Quaternions are normalised, since files round them.
func local(n *qgltf.Node) matrix {
	if n.Matrix != qgltf.DefaultMatrix {
		return n.Matrix
	}
	m := rotation(n.Rotation)
	for axis, s := range n.Scale {
		for row := range 3 {
			m[4*axis+row] *= s
		}
	}
	copy(m[12:15], n.Translation[:])
	return m
}

func rotation(q [4]float64) matrix {
	l := math.Sqrt(q[0]*q[0] + q[1]*q[1] + q[2]*q[2] + q[3]*q[3])
	if l == 0 {
		return identity
	}
	x, y, z, w := q[0]/l, q[1]/l, q[2]/l, q[3]/l
	return matrix{
		1 - 2*(y*y+z*z), 2 * (x*y + z*w), 2 * (x*z - y*w), 0,
		2 * (x*y - z*w), 1 - 2*(x*x+z*z), 2 * (y*z + x*w), 0,
		2 * (x*z + y*w), 2 * (y*z - x*w), 1 - 2*(x*x+y*y), 0,
		0, 0, 0, 1,
	}
}
