package rig

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
)

// ErrRig reports a mesh without a skin, and joints or weights that make no rig.
var ErrRig = errkind.New("no_rig", "no rig")

// Most is the number of joints that move a vertex at most, as glTF viewers take them.
const Most = 4

// NoParent is the parent of the root.
const NoParent = -1

// Rig is a mesh at rest with its skeleton.
type Rig struct {
	Mesh    *mesh.Mesh
	Joints  []Joint      // a parent stands before its children; joint 0 is the root
	Weights []Influences // [v]
}

// Joint is a joint at rest.
type Joint struct {
	Name   string
	At     mesh.Vec3
	Parent int // [NoParent] for the root
}

// Influence is a joint's share of a vertex.
type Influence struct {
	Joint  int
	Weight float64
}

// Influences are the joints that move a vertex, the largest weight first. The weights sum to
// 1. Unused places are zero.
type Influences [Most]Influence

// NewInfluences returns the largest of some weights, scaled to the sum of 1. A joint that is
// named twice counts once, with both weights. Without any weight above 0 it is joint 0.
func NewInfluences(all ...Influence) (out Influences) {
	var list []Influence
	for _, x := range all {
		i := slices.IndexFunc(list, func(y Influence) bool { return y.Joint == x.Joint })
		switch {
		case !(x.Weight > 0):
		case i >= 0:
			list[i].Weight += x.Weight
		default:
			list = append(list, x)
		}
	}
	slices.SortStableFunc(list, func(a, b Influence) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Joint, b.Joint))
	})
	list = list[:min(len(list), Most)]
	sum := 0.0
	for _, x := range list {
		sum += x.Weight
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return Influences{{Weight: 1}}
	}
	for i, x := range list {
		out[i] = Influence{x.Joint, x.Weight / sum}
	}
	return out
}

// Validate returns an error wrapping [ErrRig] or mesh's: the joints are a tree of finite
// positions whose parents come first, each vertex has weights of joints that exist, and these
// sum to 1.
func (r *Rig) Validate() error {
	if r.Mesh == nil {
		return fmt.Errorf("rig: %w: no mesh", ErrRig)
	}
	if err := r.Mesh.Validate(); err != nil {
		return err
	}
	if err := checkJoints(r.Joints); err != nil {
		return err
	}
	if len(r.Weights) != len(r.Mesh.Vertices) {
		return fmt.Errorf("rig: %w: weights of %d vertices, the mesh has %d", ErrRig, len(r.Weights), len(r.Mesh.Vertices))
	}
	for v := range r.Weights {
		sum := 0.0
		for _, x := range r.Weights[v] {
			if x.Joint < 0 || x.Joint >= len(r.Joints) || !(x.Weight >= 0) {
				return fmt.Errorf("rig: %w: vertex %d follows joint %d of %d by %g", ErrRig, v, x.Joint, len(r.Joints), x.Weight)
			}
			sum += x.Weight
		}
		if !(math.Abs(sum-1) < 1e-6) {
			return fmt.Errorf("rig: %w: the weights of vertex %d sum to %g", ErrRig, v, sum)
		}
	}
	return nil
}

func checkJoints(joints []Joint) error {
	if len(joints) == 0 {
		return fmt.Errorf("rig: %w: no joints", ErrRig)
	}
	for i, j := range joints {
		if i == 0 && j.Parent != NoParent || i > 0 && (j.Parent < 0 || j.Parent >= i) {
			return fmt.Errorf("rig: %w: joint %d has parent %d; joint 0 has none, the others an earlier one", ErrRig, i, j.Parent)
		}
		if !j.At.IsFinite() {
			return fmt.Errorf("rig: %w: joint %d is at %v", ErrRig, i, j.At)
		}
	}
	return nil
}

// Children returns the children of each joint, in their order.
func Children(joints []Joint) [][]int {
	out := make([][]int, len(joints))
	for i, j := range joints[1:] {
		out[j.Parent] = append(out[j.Parent], i+1)
	}
	return out
}

// BreadthFirst returns the rig with its joints in breadth-first order. Siblings stand in the
// order that arrange brings their numbers to; nil leaves it.
func (r *Rig) BreadthFirst(arrange func(siblings []int)) *Rig {
	children := Children(r.Joints)
	order, to := []int{0}, make([]int, len(r.Joints))
	for at := 0; at < len(order); at++ {
		to[order[at]] = at
		siblings := children[order[at]]
		if arrange != nil {
			arrange(siblings)
		}
		order = append(order, siblings...)
	}
	out := &Rig{Mesh: r.Mesh, Weights: make([]Influences, len(r.Weights))}
	for _, from := range order {
		j := r.Joints[from]
		if j.Parent != NoParent {
			j.Parent = to[j.Parent]
		}
		out.Joints = append(out.Joints, j)
	}
	for v, w := range r.Weights {
		for i, x := range w {
			if x.Weight > 0 {
				out.Weights[v][i] = Influence{to[x.Joint], x.Weight}
			}
		}
	}
	return out
}

// Merged returns the rig without joints that are no further than a distance from their parent. Their
// children and their weights go to the parent. Parents are looked at first, so a chain of short
// bones keeps a joint at every such distance.
func (r *Rig) Merged(apart float64) *Rig {
	to := make([]int, len(r.Joints))
	out := &Rig{Mesh: r.Mesh, Weights: make([]Influences, len(r.Weights))}
	for i, j := range r.Joints {
		if j.Parent != NoParent {
			j.Parent = to[j.Parent]
			if j.At.Sub(out.Joints[j.Parent].At).Len() <= apart {
				to[i] = j.Parent
				continue
			}
		}
		to[i] = len(out.Joints)
		out.Joints = append(out.Joints, j)
	}
	for v, w := range r.Weights {
		for i := range w {
			w[i].Joint = to[w[i].Joint]
		}
		out.Weights[v] = NewInfluences(w[:]...)
	}
	return out
}

// Transformed returns the rig moved by a matrix.
func (r *Rig) Transformed(a mesh.Matrix) *Rig {
	out := &Rig{Mesh: mesh.Transformed(r.Mesh, a), Joints: slices.Clone(r.Joints), Weights: r.Weights}
	for i := range out.Joints {
		out.Joints[i].At = a.Apply(out.Joints[i].At)
	}
	return out
}
