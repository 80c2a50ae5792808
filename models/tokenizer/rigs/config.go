package rigs

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// ErrSample reports tokens that are not a sample of this family.
var ErrSample = errkind.New("bad_sample", "not a sample of a rig")

// Width is the number of numbers of a token. Places and normals have three, and a zero, since
// products want an even number.
const Width = sample.MostInfluences

// half is half the longest side of the box that tokens span. Coordinates then spread about
// as widely as the noise of a diffusion.
const half = 2

// Config describes a model of this family. Its sizes are those of [order.Rig].
type Config struct {
	Points int // of a surface
	Joints int // of a skeleton at most
}

// surface are points of a mesh in the box.
type surface struct{ points, normals []mesh.Vec3 }

// Normalize moves a rig into the box, and returns how to move one back. Errors are mesh's.
func Normalize(r *rig.Rig) (*rig.Rig, mesh.Transform, error) {
	m, to, back, err := mesh.Normalize(r.Mesh, half)
	if err != nil {
		return nil, back, err
	}
	out := r.Transformed(to.Matrix())
	out.Mesh = m
	return out, back, nil
}

// sampled returns points of a surface, and the face of each. The error wraps mesh.ErrNoArea.
func (c Config) sampled(m *mesh.Mesh, seed uint64) (s surface, faces []int32, err error) {
	s.points, s.normals, faces = mesh.SampleSurface(m, c.Points, seed)
	if len(s.points) != c.Points {
		return s, nil, fmt.Errorf("rigs: %w: no surface to sample", mesh.ErrNoArea)
	}
	return s, faces, nil
}

// numbers appends the bits of a vector and a zero.
func numbers(to []uint32, p mesh.Vec3) []uint32 {
	for _, x := range p {
		to = append(to, math.Float32bits(float32(x)))
	}
	return append(to, 0)
}

// tokens are those of the points.
func (s surface) tokens() (out []uint32) {
	for i, p := range s.points {
		out = numbers(numbers(out, p), s.normals[i])
	}
	return out
}

// vector reads the first three numbers of a token.
func vector(w []uint32) mesh.Vec3 {
	f := func(i int) float64 { return float64(math.Float32frombits(w[i])) }
	return mesh.Vec3{f(0), f(1), f(2)}
}

// influence packs influences of joints as those of candidates, which the start precedes.
func influence(all rig.Influences) (out []uint32) {
	for _, x := range all {
		out = append(out, math.Float32bits(sample.PackInfluence(x.Joint+1, x.Weight)))
	}
	return out
}

// influences is the inverse of influence. Joints are below n.
func influences(w []uint32, n int) (out rig.Influences, ok bool) {
	var all []rig.Influence
	for _, x := range w {
		c, share, ok := sample.UnpackInfluence(math.Float32frombits(x))
		if !ok {
			continue
		}
		if c < 1 || c > n {
			return out, false
		}
		all = append(all, rig.Influence{Joint: c - 1, Weight: share})
	}
	return rig.NewInfluences(all...), len(all) > 0
}

// hangs is the token of a joint's parent, [rig.NoParent] for the root.
func hangs(parent int) []uint32 {
	return []uint32{math.Float32bits(sample.PackInfluence(parent+1, 1)), 0, 0, 0}
}

// Tokenize turns a rig in the box of [Normalize], whose joints are in breadth-first order, into a
// sample. The points are drawn with the given seed. A point's influences are those of its
// face's corners, by the inverse of the squared distance. Errors: mesh's, rig.ErrRig, and
// system.ErrTooLong for a rig with too many joints.
func (c Config) Tokenize(id string, r *rig.Rig, seed uint64) (shard.Sample, error) {
	if err := r.Validate(); err != nil {
		return shard.Sample{}, err
	}
	if len(r.Joints) > c.Joints {
		return shard.Sample{}, fmt.Errorf("rigs: %w: %d joints, the model has %d", system.ErrTooLong, len(r.Joints), c.Joints)
	}
	s, faces, err := c.sampled(r.Mesh, seed)
	if err != nil {
		return shard.Sample{}, err
	}
	words := s.tokens()
	for _, j := range r.Joints {
		words = append(numbers(words, j.At), hangs(j.Parent)...)
	}
	for i, p := range s.points {
		words = append(words, influence(onFace(r, faces[i], p))...)
	}
	out := shard.Sample{ID: id, Kind: shard.KindRig, Grid: []int32{int32(c.Points), int32(len(r.Joints))}}
	for _, w := range words {
		out.Tokens = append(out.Tokens, int64(w))
	}
	return out, nil
}

// onFace returns the influences at a point of a face.
func onFace(r *rig.Rig, face int32, p mesh.Vec3) rig.Influences {
	corners := r.Mesh.Face(int(face))
	at, weights := &mesh.Mesh{Vertices: []mesh.Vec3{p}}, make([]rig.Influences, len(corners))
	points := make([]mesh.Vec3, len(corners))
	for i, v := range corners {
		points[i], weights[i] = r.Mesh.Vertices[v], r.Weights[v]
	}
	return rig.Spread(at, points, weights)[0]
}

// Lay returns the tokens of a sample at the positions of an order, with the end behind the joints.
// The error wraps [ErrSample].
func (c Config) Lay(s shard.Sample, o order.Rig) ([]uint32, error) {
	words, n, err := c.words(s)
	if err != nil {
		return nil, err
	}
	out := make([]uint32, o.Positions()*Width)
	at := copy(out, words[:2*c.Points*Width])
	for k := range n {
		at += copy(o.Place(out, k), words[at:])
		at += copy(o.Parent(out, k), words[at:])
	}
	copy(o.Place(out, n), o.Place(out, 0))
	copy(o.Parent(out, n), hangs(rig.NoParent))
	for i := range c.Points {
		at += copy(o.Skin(out, i), words[at:])
	}
	if parents, err := o.Parents(out); err != nil || len(parents) != n {
		return nil, fmt.Errorf("rigs.Lay: %w: %q has %d joints, and a tree of %d: %v", ErrSample, s.ID, n, len(parents), err)
	}
	for i := range c.Points {
		if _, ok := influences(o.Skin(out, i), n); !ok {
			return nil, fmt.Errorf("rigs.Lay: %w: %q: point %d follows no joint of %d", ErrSample, s.ID, i, n)
		}
	}
	return out, nil
}

// words checks a sample's numbers, and returns them and how many joints it has.
func (c Config) words(s shard.Sample) (words []uint32, joints int, err error) {
	if s.Kind != shard.KindRig || len(s.Grid) != 2 || int(s.Grid[0]) != c.Points || s.Grid[1] < 1 || int(s.Grid[1]) > c.Joints ||
		len(s.Tokens) != Width*(3*c.Points+2*int(s.Grid[1])) {
		return nil, 0, fmt.Errorf("rigs: %w: %q is %s %v with %d numbers, want %d points and up to %d joints", ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens), c.Points, c.Joints)
	}
	for i, x := range s.Tokens {
		y := float64(math.Float32frombits(uint32(x)))
		if x < 0 || x > math.MaxUint32 || math.IsNaN(y) || math.IsInf(y, 0) {
			return nil, 0, fmt.Errorf("rigs: %w: %q: number %d is %d, no bits of a finite one", ErrSample, s.ID, i, x)
		}
		words = append(words, uint32(x))
	}
	return words, int(s.Grid[1]), nil
}
