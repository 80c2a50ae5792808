package surface

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
)

// torn returns the tree and the codes without the leaves near some of them, and with some
// signs turned over.
func torn(t testing.TB, o *octree.Octree, codes []Code, holes int, radius, flips float64, r *rand.Rand) (*octree.Octree, []Code) {
	t.Helper()
	var middles []mesh.Vec3
	for range holes {
		middles = append(middles, lowCorner(o.Leaves()[r.IntN(len(o.Leaves()))]))
	}
	var keys []octree.Key
	var kept []Code
	for i, k := range o.Leaves() {
		gone := false
		for _, m := range middles {
			gone = gone || lowCorner(k).Sub(m).Len() <= radius
		}
		if gone {
			continue
		}
		c := codes[i]
		for b := range 8 {
			if r.Float64() < flips {
				c.Signs ^= 1 << b
			}
		}
		keys, kept = append(keys, k), append(kept, c)
	}
	out, err := octree.FromKeys(o.Depth, keys)
	if err != nil {
		t.Fatal(err)
	}
	return out, kept
}

// TestHolesAreClosed tears holes into solids, as a generator does, and turns signs over.
// What is extracted is closed, and nearly the solid.
func TestHolesAreClosed(t *testing.T) {
	bowl := mesh.QuadSphere(12)
	bowl = mesh.Transformed(bowl, mesh.Matrix{0.8, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.7, 0, 0, 0, 0, 1})
	for name, c := range map[string]struct {
		holes         int
		radius, flips float64
		least         float64
	}{
		"none":        {0, 0, 0, 1},
		"pinholes":    {20, 0.5, 0, 0.99},
		"holes":       {3, 3, 0, 0.97},
		"holes, lies": {3, 3, 0.05, 0.95},
		"wide":        {1, 6, 0, 0.9},
	} {
		o, codes, _, err := Build(bowl, 5)
		if err != nil {
			t.Fatal(err)
		}
		exact, _, err := Extract(o, codes)
		if err != nil {
			t.Fatal(err)
		}
		o, codes = torn(t, o, codes, c.holes, c.radius, c.flips, rand.New(rand.NewPCG(1, 2)))
		got, report, err := Extract(o, codes)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := mesh.Measure(got); err != nil || !m.Watertight || m.NonManifoldEdges > 0 || !m.ConsistentWinding {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		iou, err := Overlap(got, exact, 6)
		if err != nil || iou < c.least || (report.Added > 0) != (c.holes > 0) {
			t.Errorf("%s: %.3f of the volume, at least %.2f is wanted; %d cells added, %v", name, iou, c.least, report.Added, err)
		}
	}
}

// TestOpeningsStayOpen: half a shell whose leaves say nothing of an inside encloses nothing.
func TestOpeningsStayOpen(t *testing.T) {
	o, _, _, err := Build(mesh.Transformed(mesh.QuadSphere(8), mesh.Matrix{0.7, 0, 0, 0, 0, 0.7, 0, 0, 0, 0, 0.7, 0, 0, 0, 0, 1}), 5)
	if err != nil {
		t.Fatal(err)
	}
	var keys []octree.Key
	for _, k := range o.Leaves() {
		if _, y, _ := k.Decode(); y < 16 {
			keys = append(keys, k)
		}
	}
	half, err := octree.FromKeys(o.Depth, keys)
	if err != nil {
		t.Fatal(err)
	}
	if m, _, err := Extract(half, make([]Code, len(keys))); err != nil || m.NumFaces() > 0 {
		t.Errorf("%d faces of leaves that say outside, %v", m.NumFaces(), err)
	}
}

// TestNoise extracts a tree whose codes are noise, twice.
func TestNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var keys []octree.Key
	for k := octree.Key(0); k < 1<<18; k++ {
		if r.IntN(16) == 0 {
			keys = append(keys, k)
		}
	}
	o, err := octree.FromKeys(6, keys)
	if err != nil {
		t.Fatal(err)
	}
	codes := make([]Code, len(keys))
	for i := range codes {
		codes[i] = FromBits(r.Uint32())
	}
	m, _, err := Extract(o, codes)
	if err != nil || m.NumFaces() == 0 {
		t.Fatal(err)
	}
	again, _, err := Extract(o, codes)
	if err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("%d faces, then %d, or others, %v", m.NumFaces(), again.NumFaces(), err)
	}
}
