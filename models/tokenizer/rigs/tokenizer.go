package rigs

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer"
)

// Tokenizer implements [system.Tokenizer]. It needs no device.
type Tokenizer struct {
	Config
	Order order.Rig
}

// conditionSeed draws the points of a surface: a fixed one, so that a source always gives the
// same points.
const conditionSeed = 1

// Close implements [system.Tokenizer].
func (t Tokenizer) Close() {}

// Encode turns a rig into a sample. Its joints are brought into breadth-first order. Errors are those
// of [Config.Tokenize]; a mesh without a skeleton has rig.ErrRig.
func (t Tokenizer) Encode(id string, m system.Media, _ system.Extent) (shard.Sample, system.Measures, error) {
	if m.Rig == nil {
		return shard.Sample{}, nil, fmt.Errorf("rigs.Encode: %w: the mesh has no skin", rig.ErrRig)
	}
	r, back, err := Normalize(m.Rig.BreadthFirst(nil))
	if err != nil {
		return shard.Sample{}, nil, err
	}
	s, err := t.Tokenize(id, r, conditionSeed)
	if err == nil {
		tokenizer.SetPlace(&s, back)
	}
	return s, system.Measures{"joints": float64(len(r.Joints))}, err
}

// Decode turns a sample into a rig. A sample has points and no faces, so each point becomes a
// small triangle across its normal. The error wraps [ErrSample] or shard.ErrSample.
func (t Tokenizer) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	tokens, err := t.Lay(s, t.Order)
	if err != nil {
		return system.Media{}, nil, err
	}
	made, err := t.skeleton(tokens)
	if err != nil {
		return system.Media{}, nil, err
	}
	out := &rig.Rig{Mesh: &mesh.Mesh{}, Joints: made.joints}
	for i := range t.Points {
		at, normal := t.Order.Point(tokens, i)
		if err := splat(out.Mesh, vector(at), vector(normal)); err != nil {
			return system.Media{}, nil, fmt.Errorf("rigs.Decode: %w: %q: point %d: %w", ErrSample, s.ID, i, err)
		}
		for range 3 {
			out.Weights = append(out.Weights, made.weights[i])
		}
	}
	back, ok, err := tokenizer.PlaceOf(&s)
	if err != nil {
		return system.Media{}, nil, err
	}
	if ok {
		out = out.Transformed(back.Matrix())
	}
	if err := out.Validate(); err != nil {
		return system.Media{}, nil, fmt.Errorf("rigs.Decode: %w: %q: %w", ErrSample, s.ID, err)
	}
	return system.Media{Rig: out}, system.Measures{"joints": float64(len(out.Joints))}, nil
}

// splatSize is half the length of a side of a point's triangle, in the box.
const splatSize = 0.04

// splat adds a triangle at a point, across a normal.
func splat(m *mesh.Mesh, at, normal mesh.Vec3) error {
	axis := mesh.Vec3{1, 0, 0}
	if normal[0]*normal[0] > 0.5*normal.Dot(normal) {
		axis = mesh.Vec3{0, 1, 0}
	}
	u := normal.Cross(axis).Unit().Scale(splatSize)
	v := normal.Cross(u).Unit().Scale(splatSize)
	first := int32(len(m.Vertices))
	m.AddVertex(at.Add(u))
	m.AddVertex(at.Sub(u).Add(v))
	m.AddVertex(at.Sub(u).Sub(v))
	return m.AddFace(first, first+1, first+2)
}

// drawn is what tokens say, in the box.
type drawn struct {
	joints  []rig.Joint
	points  []mesh.Vec3
	weights []rig.Influences // of the points
}

// skeleton reads the joints and the influences of the points. The error wraps [ErrSample].
func (t Tokenizer) skeleton(tokens []uint32) (d drawn, err error) {
	parents, err := t.Order.Parents(tokens)
	if err != nil {
		return d, fmt.Errorf("rigs: %w: %w", ErrSample, err)
	}
	for k, p := range parents {
		d.joints = append(d.joints, rig.Joint{Name: fmt.Sprintf("joint%d", k), At: vector(t.Order.Place(tokens, k)), Parent: p})
	}
	for i := range t.Points {
		at, _ := t.Order.Point(tokens, i)
		w, ok := influences(t.Order.Skin(tokens, i), len(parents))
		if !ok {
			return d, fmt.Errorf("rigs: %w: point %d follows no joint of %d", ErrSample, i, len(parents))
		}
		d.points, d.weights = append(d.points, vector(at)), append(d.weights, w)
	}
	return d, nil
}

// Begin starts from the points of a mesh's surface. The result is that mesh with a skeleton. The
// measure ended is 1 if the model ended that, and 0 if it has as many joints as there may be.
// Errors: mesh's for a bad source, and [ErrSample] if what was drawn is no rig.
func (t Tokenizer) Begin(id string, m system.Media, _ system.Extent) (*system.Beginning, error) {
	source, err := tokenizer.Source(m)
	if err != nil {
		return nil, err
	}
	in, _, back, err := mesh.Normalize(source, half)
	if err != nil {
		return nil, err
	}
	s, _, err := t.sampled(in, conditionSeed)
	if err != nil {
		return nil, err
	}
	finish := func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		made, err := t.skeleton(tokens)
		if err != nil {
			return system.Media{}, shard.Sample{}, nil, err
		}
		out := &rig.Rig{Mesh: source, Joints: made.joints, Weights: rig.Spread(in, made.points, made.weights)}
		for i := range out.Joints {
			out.Joints[i].At = back.Apply(out.Joints[i].At)
		}
		if err := out.Validate(); err != nil {
			return system.Media{}, shard.Sample{}, nil, fmt.Errorf("rigs: %w: %w", ErrSample, err)
		}
		sample := t.sample(id, tokens, len(made.joints))
		tokenizer.SetPlace(&sample, back)
		all := system.Measures{"joints": float64(len(out.Joints)), "ended": 0} // there was no room for another joint
		if len(out.Joints) < t.Joints {
			all["ended"] = 1
		}
		return system.Media{Rig: out}, sample, all, nil
	}
	return &system.Beginning{Prompt: system.Prompt{Given: s.tokens()}, Finish: finish}, nil
}

// sample is that of drawn tokens.
func (t Tokenizer) sample(id string, tokens []uint32, joints int) shard.Sample {
	s := shard.Sample{ID: id, Kind: shard.KindRig, Grid: []int32{int32(t.Points), int32(joints)}}
	add := func(words []uint32) {
		for _, w := range words {
			s.Tokens = append(s.Tokens, int64(w))
		}
	}
	add(tokens[:2*t.Points*Width])
	for k := range joints {
		add(t.Order.Place(tokens, k))
		parent := t.Order.Parent(tokens, k)
		if k == 0 { // nothing is drawn of the root's
			parent = hangs(rig.NoParent)
		}
		add(parent)
	}
	for i := range t.Points {
		add(t.Order.Skin(tokens, i))
	}
	return s
}
