package rigs

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

var tok = Tokenizer{Config: Config{Points: 64, Joints: 5}, Order: order.Rig{Points: 64, Joints: 5, Skins: 1}}

// beam is a long box on three joints, away from the origin, whose joints do not stand in breadth-first order.
func beam() *rig.Rig {
	r := &rig.Rig{Mesh: mesh.Transformed(mesh.CubeGrid(12), mesh.Matrix{0: 5, 5: 1, 10: 1, 12: 30, 15: 1}), Joints: []rig.Joint{
		{At: mesh.Vec3{25, 0, 0}, Parent: rig.NoParent}, {At: mesh.Vec3{30, 0, 0}, Parent: 0}, {At: mesh.Vec3{34, 0, 0}, Parent: 1}, {At: mesh.Vec3{25, 1, 0}, Parent: 0},
	}}
	for _, p := range r.Mesh.Vertices {
		r.Weights = append(r.Weights, pull(r.Joints, p))
	}
	return r
}

// pull are the weights of a beam at a place.
func pull(joints []rig.Joint, p mesh.Vec3) rig.Influences {
	var all []rig.Influence
	for j, x := range joints {
		all = append(all, rig.Influence{Joint: j, Weight: math.Exp(-x.At.Sub(p).Len())})
	}
	return rig.NewInfluences(all...)
}

// TestRoundTrip takes a rig to a sample and back: joints come back at their places in breadth-first
// order, points lie on the surface, and follow the joints as their places say.
func TestRoundTrip(t *testing.T) {
	s, measures, err := tok.Encode("beam", system.Media{Rig: beam()}, system.Extent{})
	if err != nil || measures["joints"] != 4 {
		t.Fatal(measures, err)
	}
	back, _, err := tok.Decode(s)
	if err != nil {
		t.Fatal(err)
	}
	want := beam().BreadthFirst(nil)
	for k, j := range back.Rig.Joints {
		if w := want.Joints[k]; j.At.Sub(w.At).Len() > 1e-5 || j.Parent != w.Parent {
			t.Errorf("joint %d is %+v, want %+v", k, j, w)
		}
	}
	for v, p := range back.Rig.Mesh.Vertices {
		if d := max(math.Abs(p[0]-30)/5, math.Abs(p[1]), math.Abs(p[2])); math.Abs(d-1) > 0.1 {
			t.Errorf("a point at %v", p)
		}
		of := map[int]float64{}
		for _, x := range pull(want.Joints, p) {
			of[x.Joint] += x.Weight
		}
		for _, x := range back.Rig.Weights[v] {
			if of[x.Joint] -= x.Weight; math.Abs(of[x.Joint]) > 0.15 {
				t.Errorf("point %d follows joint %d by %g, and should by %g more", v/3, x.Joint, x.Weight, of[x.Joint])
			}
		}
	}
}

// TestRefused encodes what is no rig of the model's.
func TestRefused(t *testing.T) {
	if _, _, err := tok.Encode("a", system.Media{Mesh: mesh.Cube()}, system.Extent{}); !errors.Is(err, rig.ErrRig) {
		t.Errorf("a mesh alone: %v", err)
	}
	many := beam()
	for len(many.Joints) < 6 {
		many.Joints = append(many.Joints, rig.Joint{Parent: 0})
	}
	if _, _, err := tok.Encode("a", system.Media{Rig: many}, system.Extent{}); !errors.Is(err, system.ErrTooLong) {
		t.Errorf("six joints of five: %v", err)
	}
	flat := beam()
	flat.Mesh = mesh.Transformed(flat.Mesh, mesh.Matrix{0: 1, 15: 1})
	if _, _, err := tok.Encode("a", system.Media{Rig: flat}, system.Extent{}); !errors.Is(err, mesh.ErrNoArea) {
		t.Errorf("a line: %v", err)
	}
	if _, err := tok.Begin("a", system.Media{}, system.Extent{}); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("nothing: %v", err)
	}
	b, err := tok.Begin("a", system.Media{Mesh: mesh.Cube()}, system.Extent{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := b.Finish(make([]uint32, tok.Order.Positions()*Width)); !errors.Is(err, ErrSample) {
		t.Errorf("nothing drawn: %v", err)
	}
	if _, _, _, err := b.Finish(b.Prompt.Given); !errors.Is(err, ErrSample) {
		t.Errorf("only points: %v", err)
	}
}

// TestEnded finishes a skeleton that the model ended, and one of as many joints as there may be.
func TestEnded(t *testing.T) {
	for joints, want := range map[int]float64{4: 1, 5: 0} {
		r := beam()
		for len(r.Joints) < joints {
			r.Joints = append(r.Joints, rig.Joint{At: mesh.Vec3{28, 1, 0}, Parent: 0})
		}
		s, _, err := tok.Encode("beam", system.Media{Rig: r}, system.Extent{})
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := tok.Lay(s, tok.Order)
		if err != nil {
			t.Fatal(err)
		}
		b, err := tok.Begin("beam", system.Media{Mesh: r.Mesh}, system.Extent{})
		if err != nil {
			t.Fatal(err)
		}
		_, _, measures, err := b.Finish(tokens)
		if err != nil || measures["joints"] != float64(joints) || measures["ended"] != want {
			t.Errorf("%d joints of 5: %v, %v", joints, measures, err)
		}
	}
}

// FuzzSamples lays out and decodes samples of any numbers. It gives an error of a sample, or a rig that is valid.
func FuzzSamples(f *testing.F) {
	s, _, err := tok.Encode("beam", system.Media{Rig: beam()}, system.Extent{})
	if err != nil {
		f.Fatal(err)
	}
	raw := func(s shard.Sample) (out []byte) {
		for _, x := range s.Tokens {
			out = binary.LittleEndian.AppendUint32(out, uint32(x))
		}
		return out
	}
	f.Add(uint8(4), raw(s), "")
	f.Add(uint8(1), raw(s), `{"scale": 2, "offset": [1, 2, 3]}`)
	f.Add(uint8(0), []byte{}, `{`)
	f.Fuzz(func(t *testing.T, joints uint8, data []byte, place string) {
		s := shard.Sample{ID: "a", Kind: shard.KindRig, Grid: []int32{64, int32(joints)}}
		for ; len(data) >= 4; data = data[4:] {
			s.Tokens = append(s.Tokens, int64(binary.LittleEndian.Uint32(data)))
		}
		if place != "" {
			s.Meta = map[string]string{"place": place}
		}
		m, _, err := tok.Decode(s)
		if err != nil {
			if !errors.Is(err, ErrSample) && !errors.Is(err, shard.ErrSample) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if err := m.Rig.Validate(); err != nil {
			t.Fatal(err)
		}
		tokens, err := tok.Lay(s, tok.Order)
		if err != nil {
			t.Fatal(err)
		}
		if again := tok.sample("a", tokens, int(joints)); !slices.Equal(again.Tokens[:len(again.Tokens)-4*64], s.Tokens[:len(s.Tokens)-4*64]) && again.Tokens[8*64+4] == s.Tokens[8*64+4] {
			t.Fatal("another sample came back")
		}
	})
}
