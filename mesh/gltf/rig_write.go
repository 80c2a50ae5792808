package gltf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
	qgltf "github.com/qmuntal/gltf"
)

// WriteRig writes r to path as [EncodeRig] does, into a file that takes its name when it is
// whole.
func WriteRig(path string, r *rig.Rig, o WriteOptions) error {
	if err := atomicfile.Replace(path, func(w io.Writer) error { return encodeRig(w, r, o) }); err != nil {
		return fmt.Errorf("gltf.WriteRig: %w", err)
	}
	return nil
}

// EncodeRig writes r to w as a skinned GLB. The mesh is as [Encode] writes it. Each joint is a node that
// only moves, and its inverse bind matrix moves back. A vertex has up to four joints (JOINTS_0,
// in bytes up to 256 joints) and their weights (WEIGHTS_0, normalised 16 bits that sum to one
// exactly). A node above the root has the centre and scale that Encode gives the mesh's node.
//
// Errors are those of Encode and of [rig.Rig.Validate]. The bytes depend on r and o alone.
func EncodeRig(w io.Writer, r *rig.Rig, o WriteOptions) error {
	if err := encodeRig(w, r, o); err != nil {
		return fmt.Errorf("gltf.EncodeRig: %w", err)
	}
	return nil
}

// maxJointJSON is more than a joint's node takes in the document, but for its name.
const maxJointJSON = 256

func encodeRig(w io.Writer, r *rig.Rig, o WriteOptions) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if len(r.Joints) > math.MaxUint16 {
		return fmt.Errorf("%w: %d joints, JOINTS_0 holds %d", ErrLimit, len(r.Joints), math.MaxUint16)
	}
	l, err := layOut(r.Mesh, o)
	if err != nil {
		return err
	}
	if err := addSkeleton(l.doc, r, l.at); err != nil {
		return err
	}
	addSkin(l.doc, r, shadedWeights(r, l.mesh, l.shaded))
	size := len(l.doc.Buffers[0].Data) + maxDocument
	for _, j := range r.Joints {
		size += maxJointJSON + 6*len(j.Name) // a byte takes six where it is escaped
	}
	if size > math.MaxUint32 {
		return fmt.Errorf("%w: %d bytes, a GLB holds 4 GiB", ErrLimit, size)
	}
	return flush(w, l.doc)
}

// shadedWeights returns the influences of the vertices that are written.
func shadedWeights(r *rig.Rig, m *mesh.Mesh, s shaded) []rig.Influences {
	out := make([]rig.Influences, len(s.positions))
	for c, v := range m.Corners {
		out[s.vertex[c]] = r.Weights[v]
	}
	return out
}

// firstJoint is the node of joint 0. Node 0 has the mesh, and node 1 the frame.
const firstJoint = 2

// addSkeleton adds the nodes of the joints, in the space of the frame. Their places are rounded as
// those of vertices are.
func addSkeleton(doc *qgltf.Document, r *rig.Rig, at frame) error {
	doc.Nodes[0].Translation, doc.Nodes[0].Scale, doc.Nodes[0].Skin = [3]float64{}, [3]float64{1, 1, 1}, qgltf.Index(0)
	doc.Nodes = append(doc.Nodes, &qgltf.Node{Name: "skeleton", Translation: at.centre, Scale: [3]float64{at.scale, at.scale, at.scale}, Children: []int{firstJoint}})
	doc.Scenes[0].Nodes = []int{0, 1}
	skin := &qgltf.Skin{}
	inverse := make([]float32, 0, 16*len(r.Joints))
	places := make([][3]float32, len(r.Joints))
	for i, j := range r.Joints {
		places[i] = at.local(j.At)
		n := &qgltf.Node{Name: j.Name, Scale: [3]float64{1, 1, 1}}
		if n.Name == "" {
			n.Name = fmt.Sprintf("joint%d", i)
		}
		p := places[i]
		for axis, x := range p {
			if math.IsInf(float64(x), 0) {
				return fmt.Errorf("%w: joint %d at %v rounds out of float32", mesh.ErrNotFinite, i, j.At)
			}
			n.Translation[axis] = float64(x)
			if j.Parent != rig.NoParent {
				n.Translation[axis] -= float64(places[j.Parent][axis])
			}
		}
		inverse = append(inverse, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0-p[0], 0-p[1], 0-p[2], 1)
		if j.Parent != rig.NoParent {
			above := doc.Nodes[firstJoint+j.Parent]
			above.Children = append(above.Children, firstJoint+i)
		}
		doc.Nodes, skin.Joints = append(doc.Nodes, n), append(skin.Joints, firstJoint+i)
	}
	skin.InverseBindMatrices = qgltf.Index(addAccessor(doc, qgltf.TargetNone, &qgltf.Accessor{Type: qgltf.AccessorMat4, Count: len(r.Joints)}, inverse))
	doc.Skins = []*qgltf.Skin{skin}
	return nil
}

// addSkin adds the joints and weights of the vertices.
func addSkin(doc *qgltf.Document, r *rig.Rig, all []rig.Influences) {
	joints, weights := make([]uint16, 0, 4*len(all)), make([]uint16, 0, 4*len(all))
	for _, list := range all {
		rest := math.MaxUint16
		var w [rig.Most]int
		for i, x := range rig.NewInfluences(list[:]...) {
			w[i], list[i] = min(int(math.Round(x.Weight*math.MaxUint16)), rest), x
			rest -= w[i]
		}
		w[0] += rest // what rounding left
		for i, x := range list {
			if w[i] == 0 {
				x.Joint = 0
			}
			joints, weights = append(joints, uint16(x.Joint)), append(weights, uint16(w[i]))
		}
	}
	which := &qgltf.Accessor{Type: qgltf.AccessorVec4, ComponentType: qgltf.ComponentUshort, Count: len(all)}
	var data any = joints
	if len(r.Joints) <= 1<<8 {
		which.ComponentType = qgltf.ComponentUbyte
		small := make([]uint8, len(joints))
		for i, j := range joints {
			small[i] = uint8(j)
		}
		data = small
	}
	attributes := doc.Meshes[0].Primitives[0].Attributes
	attributes[qgltf.JOINTS_0] = addAccessor(doc, qgltf.TargetArrayBuffer, which, data)
	attributes[qgltf.WEIGHTS_0] = addAccessor(doc, qgltf.TargetArrayBuffer,
		&qgltf.Accessor{Type: qgltf.AccessorVec4, ComponentType: qgltf.ComponentUshort, Normalized: true, Count: len(all)}, weights)
}

// addAccessor appends numbers to the buffer, at a multiple of four bytes, with a view and an
// accessor of them. It returns the accessor's number.
func addAccessor(doc *qgltf.Document, target qgltf.Target, a *qgltf.Accessor, numbers any) int {
	b := doc.Buffers[0]
	for len(b.Data)%4 != 0 {
		b.Data = append(b.Data, 0)
	}
	begin := len(b.Data)
	b.Data, _ = binary.Append(b.Data, binary.LittleEndian, numbers) // of a fixed size: it can't fail
	b.ByteLength = len(b.Data)
	doc.BufferViews = append(doc.BufferViews, &qgltf.BufferView{ByteOffset: begin, ByteLength: len(b.Data) - begin, Target: target})
	a.BufferView = qgltf.Index(len(doc.BufferViews) - 1)
	doc.Accessors = append(doc.Accessors, a)
	return len(doc.Accessors) - 1
}
