package rig

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func chain(parents ...int) (out []Joint) {
	for i, p := range parents {
		out = append(out, Joint{Name: fmt.Sprint(i), At: mesh.Vec3{float64(i), float64(i * i), 0}, Parent: p})
	}
	return out
}

func TestNewInfluences(t *testing.T) {
	for name, c := range map[string]struct {
		in   []Influence
		want Influences
	}{
		"nothing":   {nil, Influences{{0, 1}}},
		"no weight": {[]Influence{{3, 0}, {4, -1}, {5, math.NaN()}}, Influences{{0, 1}}},
		"infinite":  {[]Influence{{3, math.Inf(1)}}, Influences{{0, 1}}},
		"scaled":    {[]Influence{{1, 1}, {2, 3}}, Influences{{2, 0.75}, {1, 0.25}}},
		"twice":     {[]Influence{{1, 1}, {2, 2}, {1, 1}}, Influences{{1, 0.5}, {2, 0.5}}},
		"five":      {[]Influence{{1, 4}, {2, 4}, {3, 4}, {4, 4}, {5, 1}}, Influences{{1, 0.25}, {2, 0.25}, {3, 0.25}, {4, 0.25}}},
	} {
		if got := NewInfluences(c.in...); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestBreadthFirst brings a depth-first tree into order, with its weights, and turns siblings round.
func TestBreadthFirst(t *testing.T) {
	r := &Rig{Mesh: mesh.QuadSphere(1), Joints: chain(-1, 0, 1, 1, 0, 4)}
	for v := range r.Mesh.Vertices {
		r.Weights = append(r.Weights, NewInfluences(Influence{Joint: v % 6, Weight: 3}, Influence{Joint: (v + 1) % 6, Weight: 1}))
	}
	for _, c := range []struct {
		arrange func([]int)
		want    string
	}{{nil, "[0 1 4 2 3 5]"}, {slices.Reverse[[]int], "[0 4 1 5 3 2]"}} {
		out := r.BreadthFirst(c.arrange)
		if err := out.Validate(); err != nil {
			t.Fatal(err)
		}
		var names []string
		for i, j := range out.Joints {
			names = append(names, j.Name)
			old := r.Joints[slices.IndexFunc(r.Joints, func(x Joint) bool { return x.Name == j.Name })]
			if j.Parent >= 0 && out.Joints[j.Parent].Name != r.Joints[old.Parent].Name {
				t.Errorf("joint %d hangs on another one", i)
			}
		}
		if fmt.Sprint(names) != c.want {
			t.Errorf("joints %v, want %s", names, c.want)
		}
		for v, w := range out.Weights {
			for i, x := range w {
				if y := r.Weights[v][i]; x.Weight != y.Weight || x.Weight > 0 && out.Joints[x.Joint].Name != r.Joints[y.Joint].Name {
					t.Fatalf("vertex %d follows %v, want %v", v, w, r.Weights[v])
				}
			}
		}
	}
}

// TestMerged merges a chain with short bones: what is near its parent goes, and what is near that stays
// where the sum is far enough.
func TestMerged(t *testing.T) {
	r := &Rig{Mesh: mesh.QuadSphere(1)}
	for i, x := range []float64{0, 1, 1.3, 1.6, 3, 3} {
		r.Joints = append(r.Joints, Joint{Name: fmt.Sprint(i), At: mesh.Vec3{x, 0, 0}, Parent: i - 1})
	}
	for range r.Mesh.Vertices {
		r.Weights = append(r.Weights, NewInfluences(Influence{1, 1}, Influence{2, 1}, Influence{3, 1}, Influence{5, 1}))
	}
	out := r.Merged(0.5)
	if err := out.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(out.Joints); got != "[{0 [0 0 0] -1} {1 [1 0 0] 0} {3 [1.6 0 0] 1} {4 [3 0 0] 2}]" {
		t.Errorf("joints %s", got)
	}
	if got := fmt.Sprint(out.Weights[0]); got != "[{1 0.5} {2 0.25} {3 0.25} {0 0}]" {
		t.Errorf("weights %s", got)
	}
	if same := r.Merged(-1); len(same.Joints) != len(r.Joints) || same.Weights[0] != r.Weights[0] {
		t.Error("joints merge below no distance")
	}
}

// TestPose turns the middle of an arm by a right angle: what lies before it stays, the hand turns about
// the elbow, and a vertex between both is their mean.
func TestPose(t *testing.T) {
	m := &mesh.Mesh{Vertices: []mesh.Vec3{{0, 0, 0}, {2, 0, 0}, {2, 1, 0}}}
	if err := m.AddFace(0, 1, 2); err != nil {
		t.Fatal(err)
	}
	r := &Rig{
		Mesh: m, Joints: []Joint{{At: mesh.Vec3{0, 0, 0}, Parent: -1}, {At: mesh.Vec3{1, 0, 0}, Parent: 0}, {At: mesh.Vec3{2, 0, 0}, Parent: 1}},
		Weights: []Influences{{{0, 1}}, {{2, 1}}, {{0, 0.5}, {1, 0.5}}},
	}
	p, err := r.Pose([]Turn{{}, {Axis: mesh.Vec3{0, 0, 2}, Radians: math.Pi / 2}, {Axis: mesh.Vec3{1, 0, 0}, Radians: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []mesh.Vec3{{0, 0, 0}, {1, 1, 0}, {1, 1, 0}} {
		if p.Mesh.Vertices[i].Sub(want).Len() > 1e-12 {
			t.Errorf("vertex %d went to %v, want %v", i, p.Mesh.Vertices[i], want)
		}
	}
	for i, want := range []mesh.Vec3{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}} {
		if p.Joints[i].Sub(want).Len() > 1e-12 {
			t.Errorf("joint %d went to %v, want %v", i, p.Joints[i], want)
		}
	}
	if _, err := r.Pose(nil); err == nil {
		t.Error("no turns are taken")
	}
}

// TestCompare measures a skeleton beside itself, a moved one, one with another parent, and one that
// lacks a joint.
func TestCompare(t *testing.T) {
	want := chain(-1, 0, 1, 1)
	if d := Compare(want, want, 0.1); d != (Difference{Matched: 4, Precision: 1, Recall: 1, IoU: 1, Parents: 1}) {
		t.Errorf("beside itself: %+v", d)
	}
	moved := slices.Clone(want)
	moved[3].At[2] += 0.5
	if d := Compare(moved, want, 0.1); math.Abs(d.Joints-0.125) > 1e-12 || d.Matched != 3 || d.Parents != 2.0/3 || d.IoU != 0.6 {
		t.Errorf("moved: %+v", d)
	}
	other := slices.Clone(want)
	other[3].Parent = 2
	if d := Compare(other, want, 0.1); d.Parents != 2.0/3 || d.IoU != 1 {
		t.Errorf("another parent: %+v", d)
	}
	if d := Compare(want[:3], want, 0.1); d.Precision != 1 || d.Recall != 0.75 || d.Parents != 2.0/3 || !(d.Joints > 0) {
		t.Errorf("a joint less: %+v", d)
	}
	if d := Compare(want[:1], want[:1], 0.1); d.Parents != 1 {
		t.Errorf("a root: %+v", d)
	}
}

// TestSpread gives a vertex at a point that point's weights, and one between two about their mean.
func TestSpread(t *testing.T) {
	points := []mesh.Vec3{{0, 0, 0}, {2, 0, 0}, {9, 0, 0}, {9, 1, 0}, {9, 2, 0}, {9, 3, 0}}
	w := make([]Influences, len(points))
	for i := range w {
		w[i] = NewInfluences(Influence{Joint: i, Weight: 1})
	}
	got := Spread(&mesh.Mesh{Vertices: []mesh.Vec3{{2, 0, 0}, {1, 0, 0}}}, points, w)
	if got[0][0].Joint != 1 || got[0][0].Weight < 0.999 {
		t.Errorf("at a point: %v", got[0])
	}
	if a, b := got[1][0], got[1][1]; a.Joint+b.Joint != 1 || math.Abs(a.Weight-b.Weight) > 1e-9 || a.Weight < 0.48 {
		t.Errorf("between two: %v", got[1])
	}
	if got := Spread(&mesh.Mesh{Vertices: []mesh.Vec3{{5, 5, 5}}}, points[:1], w[:1]); got[0] != w[0] {
		t.Errorf("one point: %v", got[0])
	}
}

// TestSkeleton looks at the mesh of a skeleton: closed octahedra that face out, one a joint and one a bone. Bones
// that begin at one joint touch there.
func TestSkeleton(t *testing.T) {
	r := &Rig{Mesh: mesh.QuadSphere(2), Joints: chain(-1, 0, 1, 1)}
	m := r.Skeleton()
	got, err := mesh.Measure(m)
	if err != nil || !got.Watertight || m.NumFaces() != 7*8 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, part := range mesh.Components(m) {
		if v := mesh.SignedVolume(part); !(v > 0) {
			t.Errorf("an octahedron of volume %g", v)
		}
	}
}
