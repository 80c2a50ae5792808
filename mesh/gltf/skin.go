package gltf

import (
	"fmt"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
	qgltf "github.com/qmuntal/gltf"
)

// skin returns the joint matrices of skin i in bind pose, that is the joint's
// global transform times its inverse bind matrix. Shape [j].
func (r *reader) skin(i int) ([]matrix, error) {
	if i < 0 || i >= len(r.doc.Skins) {
		return nil, fmt.Errorf("%w: skin %d of %d", ErrCorrupt, i, len(r.doc.Skins))
	}
	if s, ok := r.skins[i]; ok {
		return s, nil
	}
	joints := r.doc.Skins[i].Joints
	inverse, err := r.inverseBind(r.doc.Skins[i])
	if err != nil {
		return nil, fmt.Errorf("skin %d: %w", i, err)
	}
	out := make([]matrix, len(joints))
	for j, node := range joints {
		if node < 0 || node >= len(r.doc.Nodes) {
			return nil, fmt.Errorf("%w: skin %d has joint node %d of %d", ErrCorrupt, i, node, len(r.doc.Nodes))
		}
		out[j] = r.tree.global[node]
		if inverse != nil {
			out[j] = out[j].times(matrix(inverse[16*j : 16*j+16]))
		}
		r.joints[node] = true
	}
	r.info.Joints = len(r.joints)
	r.skins[i] = out
	return out, nil
}

// inverseBind returns 16 numbers for each joint, or nil for identities.
func (r *reader) inverseBind(s *qgltf.Skin) ([]float64, error) {
	if s.InverseBindMatrices == nil {
		return nil, nil
	}
	out, err := r.numbers(*s.InverseBindMatrices, qgltf.AccessorMat4, bound{r.lim.JSONObjects, limit.JSONObjects}) // One joint is one node.
	if err != nil {
		return nil, fmt.Errorf("inverse bind matrices: %w", err)
	}
	if len(out) < 16*len(s.Joints) {
		return nil, fmt.Errorf("%w: %d inverse bind matrices for %d joints", ErrCorrupt, len(out)/16, len(s.Joints))
	}
	return out, nil
}

// posing gathers, for each vertex, what its joints make of it.
type posing struct {
	points []mesh.Vec3 // at rest
	sum    []mesh.Vec3 // weight times joint matrix times point, added up
	weight []float64
	turned []float64 // weight of joints that mirror
}

// pose moves points by their joints, in place, and reports whether that mirrors
// most of them. The mesh node's own transform does not count for skinned
// meshes (section 3.7.3.3); it is used only for points without any weight.
func (r *reader) pose(points []mesh.Vec3, p *qgltf.Primitive, joints []matrix, node matrix) (mirrored bool, err error) {
	n := len(points)
	b := posing{points, make([]mesh.Vec3, n), make([]float64, n), make([]float64, n)}
	for set := 0; ; set++ {
		ji, ok := p.Attributes[fmt.Sprintf("JOINTS_%d", set)]
		if !ok {
			break
		}
		wi, ok := p.Attributes[fmt.Sprintf("WEIGHTS_%d", set)]
		if !ok {
			return false, fmt.Errorf("%w: JOINTS_%d without WEIGHTS_%d", ErrCorrupt, set, set)
		}
		if err := r.influence(&b, ji, wi, joints); err != nil {
			return false, err
		}
	}
	return b.finish(node), nil
}

// finish divides by the weights, which files round, and stores the result.
func (b *posing) finish(node matrix) (mirrored bool) {
	flips := 0
	for i, w := range b.weight {
		flip := 2*b.turned[i] > w
		switch {
		case !b.points[i].IsFinite(): // see place
		case w > 0:
			b.points[i] = b.sum[i].Scale(1 / w)
		default:
			b.points[i] = node.point(b.points[i])
			flip = node.mirrors()
		}
		if flip {
			flips++
		}
	}
	return 2*flips > len(b.points)
}

// influence adds one set of four joints a vertex.
func (r *reader) influence(b *posing, ji, wi int, joints []matrix) error {
	n := len(b.points)
	if err := r.left.spendWork(n); err != nil {
		return err
	}
	which, weights, err := r.influences(n, ji, wi)
	if err != nil {
		return err
	}
	for i, w := range weights {
		if w == 0 {
			continue
		}
		j := which[i]
		if !(j >= 0 && j < float64(len(joints))) || !(w > 0) {
			return fmt.Errorf("%w: joint %v of %d with weight %v", ErrCorrupt, j, len(joints), w)
		}
		b.add(i/4, w, &joints[int(j)])
	}
	return nil
}

// influences returns four joints of a skin, and their weights, for each of n vertices.
func (r *reader) influences(n, ji, wi int) (which, weights []float64, err error) {
	if which, err = r.numbers(ji, qgltf.AccessorVec4, bound{most: n}); err != nil {
		return nil, nil, fmt.Errorf("joints: %w", err)
	}
	if weights, err = r.numbers(wi, qgltf.AccessorVec4, bound{most: n}); err != nil {
		return nil, nil, fmt.Errorf("weights: %w", err)
	}
	if len(which) != 4*n || len(weights) != 4*n {
		return nil, nil, fmt.Errorf("%w: %d joints and %d weights for %d vertices", ErrCorrupt, len(which)/4, len(weights)/4, n)
	}
	return which, weights, nil
}

func (b *posing) add(i int, w float64, m *matrix) {
	b.sum[i] = b.sum[i].Add(m.point(b.points[i]).Scale(w))
	b.weight[i] += w
	if m.mirrors() {
		b.turned[i] += w
	}
}
