package gltf

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/mesh"
	qgltf "github.com/qmuntal/gltf"
)

const extInstancing = "EXT_mesh_gpu_instancing"

// instances returns the transforms at which a node shows its mesh: its global
// transform or, by EXT_mesh_gpu_instancing, that times the transform of each
// instance.
//
// Source: "EXT_mesh_gpu_instancing" (ratified vendor extension): accessors of
// translations, rotations and scales, all of one length.
func (r *reader) instances(n *qgltf.Node, global matrix) ([]matrix, error) {
	raw, ok := n.Extensions[extInstancing].(json.RawMessage)
	if !ok || n.Skin != nil { // the extension does not cover skins
		return []matrix{global}, nil
	}
	var ext struct{ Attributes map[string]int }
	if err := json.Unmarshal(raw, &ext); err != nil {
		return nil, fmt.Errorf("%w: %s: %s", ErrCorrupt, extInstancing, inWords(err))
	}
	r.applied[extInstancing] = true
	list := instanceList{count: -1}
	for _, a := range []struct {
		name string
		kind qgltf.AccessorType
		into *[]float64
	}{
		{"TRANSLATION", qgltf.AccessorVec3, &list.translation},
		{"ROTATION", qgltf.AccessorVec4, &list.rotation},
		{"SCALE", qgltf.AccessorVec3, &list.scale},
	} {
		at, ok := ext.Attributes[a.name]
		if !ok {
			continue
		}
		if err := r.instanceAttribute(&list, at, a.kind, a.into); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", extInstancing, a.name, err)
		}
	}
	if list.count < 0 {
		return []matrix{global}, nil // other attributes only
	}
	out := make([]matrix, list.count)
	for i := range out {
		out[i] = global.times(list.local(i))
	}
	return out, nil
}

// instanceList has the transforms of instances, as accessors. A missing list is
// nil.
type instanceList struct {
	count                        int // -1 until known
	translation, rotation, scale []float64
}

// instanceAttribute reads one accessor of instances.
func (r *reader) instanceAttribute(l *instanceList, at int, kind qgltf.AccessorType, into *[]float64) error {
	numbers, err := r.numbers(at, kind, vertexBound(r.left.vertices))
	if err != nil {
		return err
	}
	n := len(numbers) / kind.Components()
	if l.count >= 0 && n != l.count {
		return fmt.Errorf("%w: %d instances beside %d", ErrCorrupt, n, l.count)
	}
	if l.count < 0 {
		if err := r.left.spendWork(n); err != nil {
			return err
		}
	}
	l.count, *into = n, numbers
	return nil
}

// local returns the transform of instance i.
func (l *instanceList) local(i int) matrix {
	n := qgltf.Node{Matrix: qgltf.DefaultMatrix, Rotation: qgltf.DefaultRotation, Scale: qgltf.DefaultScale}
	if l.translation != nil {
		n.Translation = mesh.Vec3(l.translation[3*i:])
	}
	if l.rotation != nil {
		n.Rotation = [4]float64(l.rotation[4*i:])
	}
	if l.scale != nil {
		n.Scale = mesh.Vec3(l.scale[3*i:])
	}
	return local(&n)
}
