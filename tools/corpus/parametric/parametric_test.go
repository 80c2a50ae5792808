package parametric

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

// open are the families that may be thin sheets with a boundary.
var open = map[string]bool{"vase": true, "bowl": true, "lampshade": true}

// TestFamilies draws from every family and holds what it draws to what [Draw] promises,
// by the measures of package mesh.
func TestFamilies(t *testing.T) {
	for side, list := range families {
		for n, f := range list {
			r := dice{rand.New(rand.NewPCG(1, uint64(100*side+n)))}
			drawn, quads, jacobian := 0, 0.0, 0.0
			const tries = 60
			for range tries {
				m := f.draw(r)
				report, err := mesh.Measure(m)
				if err != nil {
					t.Fatalf("%s: %v", f.name, err)
				}
				if report.Faces < MinFaces || report.Faces > MaxFaces || report.NonManifoldEdges > 0 {
					continue
				}
				drawn, quads, jacobian = drawn+1, quads+report.QuadRatio, jacobian+report.ScaledJacobianMean
				if !report.ConsistentWinding || report.DegenerateFaces > 0 || report.WeldedVertices != report.Vertices {
					t.Fatalf("%s: %+v", f.name, report)
				}
				if !report.Watertight && !open[f.name] || report.Watertight && report.Volume <= 0 {
					t.Fatalf("%s is not closed, or inside out: %+v", f.name, report)
				}
			}
			quads, jacobian = quads/float64(drawn), jacobian/float64(drawn)
			t.Logf("%-10s %d of %d, %.0f%% quads, scaled Jacobian %.2f", f.name, drawn, tries, 100*quads, jacobian)
			if drawn < tries/2 || quads < 0.7 || jacobian < 0.6 {
				t.Errorf("%s: %d of %d draws are meshes, %.2f quads, scaled Jacobian %.2f", f.name, drawn, tries, quads, jacobian)
			}
		}
	}
}

// TestDraw: a shape follows from its number; no family is on both sides; every family
// comes.
func TestDraw(t *testing.T) {
	seen := [2]map[string]int{{}, {}}
	for side := range seen {
		for i := range uint64(400) {
			s, err := Draw(Side(side), 3, i, i%2 == 1)
			if err != nil {
				t.Fatal(err)
			}
			seen[side][s.Family]++
			if i%40 == 0 {
				if again, _ := Draw(Side(side), 3, i, i%2 == 1); !reflect.DeepEqual(s, again) {
					t.Fatalf("shape %d of side %d is another the second time", i, side)
				}
			}
		}
		if len(seen[side]) != len(families[side]) {
			t.Errorf("side %d: %d families of %d in 400 shapes: %v", side, len(seen[side]), len(families[side]), seen[side])
		}
	}
	for name := range seen[HeldOut] {
		if seen[Train][name] > 0 {
			t.Errorf("%s is trained on and held out", name)
		}
	}
	a, _ := Draw(Train, 3, 0, false)
	if b, _ := Draw(Train, 4, 0, false); reflect.DeepEqual(a, b) {
		t.Error("another seed gives the same shape")
	}
}

// TestSubdividedKeepsKnownFigures: Catmull-Clark of a cube has its published limit signs:
// 24 quads, every new vertex regular but the eight old ones, and corners at 5/9.
func TestSubdividedKeepsKnownFigures(t *testing.T) {
	m := subdivided(mesh.Cube())
	report, err := mesh.Measure(m)
	if err != nil || report.Quads != 24 || report.Faces != 24 || !report.Watertight || report.IrregularVertices != 8 {
		t.Fatalf("%+v, %v", report, err)
	}
	for v := range 8 {
		for _, x := range m.Vertices[v] {
			if math.Abs(math.Abs(x)-5./9) > 1e-12 {
				t.Fatalf("a corner of the cube went to %v, want 5/9 a coordinate", m.Vertices[v])
			}
		}
	}
}

// TestPlacedKeepsTheOutside: mirrored shapes are turned round, so volumes stay positive.
func TestPlacedKeepsTheOutside(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		if m := Placed(mesh.Cube(), r); mesh.SignedVolume(m) <= 0 {
			t.Fatalf("volume %v", mesh.SignedVolume(m))
		}
	}
}
