package gltf

import (
	"fmt"
	"path/filepath"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
	qgltf "github.com/qmuntal/gltf"
)

// ReadRig reads the glTF file at path with its skeleton, as [DecodeRig] does. Errors are those
// of DecodeRig and [Read].
func ReadRig(path string, o ReadOptions) (*rig.Rig, Info, error) {
	data, err := readFile(path, filled(o.Limits).Bytes)
	if err != nil {
		return nil, Info{}, fmt.Errorf("gltf.ReadRig: %w", err)
	}
	m, info, err := decodeRig(data, folder(filepath.Dir(path)), o)
	if err != nil {
		return nil, info, fmt.Errorf("gltf.ReadRig: %s: %w", filepath.Base(path), err)
	}
	return m, info, nil
}

// DecodeRig returns the surface that [Decode] returns, with a skeleton: the joints of all skins
// that the scene shows, at rest, by generations of their nodes, and for each vertex up to [rig.Most] of them with their weights.
// A joint's parent is the nearest joint above its node. The scene's first joint without one is
// the root, and the parent of any others. A mesh without a skin follows the nearest joint above its
// node, and so does a vertex without weights; without such a joint it follows the root.
//
// Errors are those of Decode, and [rig.ErrRig] of a scene without a skin.
func DecodeRig(data []byte, open Resolver, o ReadOptions) (*rig.Rig, Info, error) {
	m, info, err := decodeRig(data, open, o)
	if err != nil {
		return nil, info, fmt.Errorf("gltf.DecodeRig: %w", err)
	}
	return m, info, nil
}

func decodeRig(data []byte, open Resolver, o ReadOptions) (*rig.Rig, Info, error) {
	r := newReader(open, o)
	if err := r.start(data); err != nil {
		return nil, r.info, err
	}
	var err error
	if r.rig, err = r.newRigging(); err != nil {
		return nil, r.info, err
	}
	m, err := r.mesh(o)
	if err != nil {
		return nil, r.info, err
	}
	out := &rig.Rig{Mesh: m, Joints: r.rig.joints, Weights: r.rig.weights}
	return out, r.info, out.Validate()
}

// rigging is the skeleton of a file on its way to a rig.
type rigging struct {
	joints  []rig.Joint
	owner   []int            // [nodes] the joint that a node follows
	weights []rig.Influences // [v] of the mesh so far
}

// newRigging finds the joints of the skins that the scene shows.
func (r *reader) newRigging() (*rigging, error) {
	shown, err := r.shown()
	if err != nil {
		return nil, err
	}
	isJoint := make([]bool, len(r.doc.Nodes))
	for _, i := range shown {
		n := r.doc.Nodes[i]
		if n.Mesh == nil || n.Skin == nil {
			continue
		}
		if _, err := r.skin(*n.Skin); err != nil {
			return nil, err
		}
		for _, joint := range r.doc.Skins[*n.Skin].Joints {
			isJoint[joint] = true // r.skin has checked that it is there
		}
	}
	g := &rigging{owner: make([]int, len(isJoint))}
	above, _ := parents(r.doc.Nodes) // start has checked them
	for _, i := range r.tree.downward(r.doc.Nodes) {
		parent := rig.NoParent
		if above[i] != noParent {
			parent = g.owner[above[i]]
		}
		if isJoint[i] {
			parent = g.add(r.doc.Nodes[i].Name, r.tree.global[i].point(mesh.Vec3{}), parent)
		}
		g.owner[i] = parent
	}
	if len(g.joints) == 0 {
		return nil, fmt.Errorf("%w: the scene shows no skin", rig.ErrRig)
	}
	for i, j := range g.owner {
		g.owner[i] = max(j, 0)
	}
	return g, nil
}

// add appends a joint and returns its number.
func (g *rigging) add(name string, at mesh.Vec3, parent int) int {
	if parent == rig.NoParent && len(g.joints) > 0 {
		parent = 0
	}
	g.joints = append(g.joints, rig.Joint{Name: name, At: at, Parent: parent})
	return len(g.joints) - 1
}

// weigh returns the influences of a primitive's n vertices.
func (r *reader) weigh(p *qgltf.Primitive, n int, at placement) ([]rig.Influences, error) {
	out := make([]rig.Influences, n)
	for v := range out {
		out[v] = rig.Influences{{Joint: r.rig.owner[at.node], Weight: 1}}
	}
	if at.joints == nil {
		return out, nil
	}
	nodes := r.doc.Skins[*at.skin].Joints
	var sets [][2][]float64
	for set := 0; ; set++ {
		ji, ok := p.Attributes[fmt.Sprintf("JOINTS_%d", set)]
		if !ok {
			break
		}
		if err := r.left.spendWork(n); err != nil {
			return nil, err
		}
		which, weights, err := r.influences(n, ji, p.Attributes[fmt.Sprintf("WEIGHTS_%d", set)])
		if err != nil {
			return nil, err
		}
		sets = append(sets, [2][]float64{which, weights})
	}
	all := make([]rig.Influence, 0, 4*len(sets))
	for v := range out {
		all = all[:0]
		for _, s := range sets {
			for i := 4 * v; i < 4*v+4; i++ {
				if w := s[1][i]; w > 0 { // pose has checked the joint
					all = append(all, rig.Influence{Joint: r.rig.owner[nodes[int(s[0][i])]], Weight: w})
				}
			}
		}
		if len(all) > 0 {
			out[v] = rig.NewInfluences(all...)
		}
	}
	return out, nil
}
