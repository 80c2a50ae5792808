package rig

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/mesh"
)

// Turn turns a joint, and with it all below, about an axis through the joint. The zero value
// leaves it.
type Turn struct {
	Axis    mesh.Vec3
	Radians float64
}

// matrix is the turn about a point. Source: O. Rodrigues, 1840.
func (t Turn) matrix(at mesh.Vec3) mesh.Matrix {
	k := t.Axis.Unit()
	sin, cos := math.Sincos(t.Radians)
	m := still
	for i := range 3 {
		e := mesh.Vec3{}
		e[i] = 1
		c := e.Scale(cos).Add(k.Cross(e).Scale(sin)).Add(k.Scale(k.Dot(e) * (1 - cos)))
		copy(m[4*i:], c[:])
	}
	rest := at.Sub(m.Apply(at))
	copy(m[12:], rest[:])
	return m
}

// still moves nothing.
var still = mesh.Matrix{0: 1, 5: 1, 10: 1, 15: 1}

// Posed is a rig whose joints were turned.
type Posed struct {
	Mesh   *mesh.Mesh
	Joints []mesh.Vec3
}

// Pose turns joints, one turn for each, and moves each vertex by the mean of what its joints do, by
// their weights (linear blend skinning). The error wraps [ErrRig] for another number of turns.
//
// Source: Magnenat-Thalmann, Laperrière and Thalmann, "Joint-Dependent Local Deformations for
// Hand Animation and Object Grasping", 1988.
func (r *Rig) Pose(turns []Turn) (*Posed, error) {
	if len(turns) != len(r.Joints) {
		return nil, fmt.Errorf("rig.Pose: %w: %d turns for %d joints", ErrRig, len(turns), len(r.Joints))
	}
	moves := make([]mesh.Matrix, len(turns))
	out := &Posed{Mesh: mesh.Clone(r.Mesh)}
	for i, j := range r.Joints {
		m := still
		if turns[i].Radians != 0 && turns[i].Axis != (mesh.Vec3{}) {
			m = turns[i].matrix(j.At)
		}
		if j.Parent != NoParent {
			m = moves[j.Parent].Mul(m)
		}
		moves[i] = m
		out.Joints = append(out.Joints, m.Apply(j.At))
	}
	for v, p := range r.Mesh.Vertices {
		var sum mesh.Vec3
		for _, x := range r.Weights[v] {
			if x.Weight > 0 {
				sum = sum.Add(moves[x.Joint].Apply(p).Scale(x.Weight))
			}
		}
		out.Mesh.Vertices[v] = sum
	}
	return out, nil
}
