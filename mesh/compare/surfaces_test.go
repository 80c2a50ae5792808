package compare

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func moved(m *mesh.Mesh, scale float64, by mesh.Vec3) *mesh.Mesh {
	return mesh.Transformed(m, mesh.Transform{Scale: scale, Offset: by}.Matrix())
}

func surfaces(t *testing.T, m, reference *mesh.Mesh, o Options) *Report {
	t.Helper()
	r, err := Surfaces(m, reference, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func expect(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %g, want %g ± %g", what, got, want, tolerance)
	}
}

// TestOffsetPlanes has sheets of side 2 that are 0.1 apart everywhere.
func TestOffsetPlanes(t *testing.T) {
	plane := mesh.Grid(7)
	above := moved(mesh.Grid(4), 1, mesh.Vec3{0, 0, 0.1})
	r := surfaces(t, above, plane, Options{Samples: 2000, Thresholds: []float64{0.049, 0.051}})
	for what, pair := range map[string][2]float64{
		"side": {r.Side, 2}, "accuracy": {r.Accuracy.Mean, 0.05}, "completeness": {r.Completeness.Mean, 0.05},
		"mean square": {r.Accuracy.MeanSquare, 0.0025}, "L1": {r.ChamferL1, 0.05}, "L2": {r.ChamferL2, 0.005},
		"Hausdorff": {r.Hausdorff, 0.05}, "F below": {r.Scores[0].F, 0}, "F above": {r.Scores[1].F, 1},
		"raw L1": {r.Raw().ChamferL1, 0.1}, "raw L2": {r.Raw().ChamferL2, 0.02}, "raw Hausdorff": {r.Raw().Hausdorff, 0.1},
		"normals": {r.NormalConsistency, 1}, "signed": {r.SignedConsistency, 1},
	} {
		expect(t, what, pair[0], pair[1], 1e-12)
	}
	mirror := mesh.Matrix{1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}
	turned := mesh.Transformed(above, mirror) // mirrored twice over: positions alone
	turned.Vertices = above.Vertices
	r = surfaces(t, turned, plane, Options{Samples: 2000})
	expect(t, "normals turned", r.NormalConsistency, 1, 1e-12)
	expect(t, "signed turned", r.SignedConsistency, -1, 1e-12)
}

// TestSpheres has spheres of radius 1 and 1.1, 0.1 apart everywhere but for the
// flatness of 3,456 faces.
func TestSpheres(t *testing.T) {
	sphere := mesh.QuadSphere(24)
	r := surfaces(t, moved(sphere, 1.1, mesh.Vec3{}), sphere, Options{Samples: 5000, Thresholds: []float64{0.049, 0.051}})
	raw := r.Raw()
	expect(t, "L1", raw.ChamferL1, 0.1, 5e-4)
	expect(t, "L2", raw.ChamferL2, 0.02, 2e-4)
	expect(t, "Hausdorff", raw.Hausdorff, 0.1, 1e-3)
	expect(t, "F below", r.Scores[0].F, 0, 0)
	expect(t, "F above", r.Scores[1].F, 1, 0)
	expect(t, "normals", r.SignedConsistency, 1, 1e-3)
}

// TestMovedCube has a cube [-1,1]³ and its copy moved by 0.2 along x. Of the
// copy's six faces of area 4, the one in front is 0.2 away; the four beside lie on
// the reference but for a strip of 0.2, which is x-1 away; the one behind is
// min(0.2, 1-|y|, 1-|z|) away. The integrals over 24 of area are
//
//	mean   (0.8 + 4·0.04 + 0.2/3·(4 + 2.56 + 3.2)) / 24
//	square (0.16 + 8·0.008/3 + 8·(0.02 - 0.016/3 + 0.0004)) / 24
//
// and the same from the reference to the copy. Of the area, nearer than 0.1 are
// the four faces but for 0.1·2 each, and the frame of the one behind.
func TestMovedCube(t *testing.T) {
	cube := mesh.CubeGrid(3)
	r := surfaces(t, moved(mesh.Cube(), 1, mesh.Vec3{0.2}), cube, Options{Samples: 100_000, Thresholds: []float64{0.05}})
	raw := r.Raw()
	mean := (0.8 + 4*0.04 + 0.2/3*(4+2.56+3.2)) / 24
	square := (0.16 + 8*0.008/3 + 8*(0.02-0.016/3+0.0004)) / 24
	within := (4*(4-0.2) + 4 - 1.8*1.8) / 24
	for what, pair := range map[string][2]float64{
		"accuracy": {raw.Accuracy.Mean, mean}, "completeness": {raw.Completeness.Mean, mean}, "L1": {raw.ChamferL1, mean},
		"square": {raw.Accuracy.MeanSquare, square}, "L2": {raw.ChamferL2, 2 * square},
		"precision": {r.Scores[0].Precision, within}, "recall": {r.Scores[0].Recall, within}, "F": {r.Scores[0].F, within},
	} {
		expect(t, what, pair[0], pair[1], 5e-4)
	}
	expect(t, "Hausdorff", raw.Hausdorff, 0.2, 1e-12)
}

// TestScaleAndPlace moves both surfaces far away and makes them small or large:
// nothing changes but the side. A power of two changes no digit. Other sizes and
// places round, which lets a sample fall on the other side of an edge.
func TestScaleAndPlace(t *testing.T) {
	m, reference := mesh.Torus(20, 12, 1, 0.4), mesh.QuadSphere(10)
	near := surfaces(t, m, reference, Options{Samples: 2000})
	for _, c := range []struct {
		scale, by, tolerance float64
	}{{0x1p-300, 0, 0}, {0x1p300, 0, 0}, {1e-3, 0, 5e-4}, {1e-100, 0, 5e-4}, {1e12, 0, 5e-4}, {1, 5e6, 5e-4}} {
		shift := mesh.Vec3{c.by, -c.by, c.by / 2}
		far := surfaces(t, moved(m, c.scale, shift), moved(reference, c.scale, shift), Options{Samples: 2000})
		what := fmt.Sprintf("scale %g at %g", c.scale, c.by)
		expect(t, what+": L1", far.ChamferL1, near.ChamferL1, c.tolerance)
		expect(t, what+": L2", far.ChamferL2, near.ChamferL2, c.tolerance)
		expect(t, what+": Hausdorff", far.Hausdorff, near.Hausdorff, c.tolerance)
		expect(t, what+": raw", far.Raw().ChamferL1/c.scale, near.Raw().ChamferL1, 2*c.tolerance)
	}
}

// TestSwapped exchanges the two. Their sides are 2 and 4, so no digit changes.
func TestSwapped(t *testing.T) {
	a, b := moved(mesh.CubeGrid(4), 2, mesh.Vec3{}), mesh.QuadSphere(10)
	x, y := surfaces(t, a, b, Options{Samples: 1500, Seed: 3}), surfaces(t, b, a, Options{Samples: 1500, Seed: 3})
	expect(t, "mean", x.Raw().Accuracy.Mean, y.Raw().Completeness.Mean, 0)
	expect(t, "square", x.Raw().Completeness.MeanSquare, y.Raw().Accuracy.MeanSquare, 0)
	expect(t, "max", x.Raw().Completeness.Max, y.Raw().Accuracy.Max, 0)
	expect(t, "normals", x.NormalConsistency, y.NormalConsistency, 0)
}

// TestVertexCountsForHausdorff has a spike too thin to be sampled.
func TestVertexCountsForHausdorff(t *testing.T) {
	spiked := mesh.Clone(mesh.Cube())
	top := spiked.AddVertex(mesh.Vec3{0, 0, 3})
	a, b := spiked.AddVertex(mesh.Vec3{0, 0, 1}), spiked.AddVertex(mesh.Vec3{1e-9, 0, 1})
	if err := spiked.AddFace(top, a, b); err != nil {
		t.Fatal(err)
	}
	r := surfaces(t, spiked, mesh.Cube(), Options{Samples: 1000})
	expect(t, "Hausdorff", r.Raw().Hausdorff, 2, 1e-12)
	expect(t, "completeness", r.Completeness.Max, 0, 1e-12)
}

// TestReportIsOfNoProcessorCount compares bits under different GOMAXPROCS.
func TestReportIsOfNoProcessorCount(t *testing.T) {
	a, b := mesh.Torus(30, 12, 1, 0.4), mesh.QuadSphere(20)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first *Report
	for _, n := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(n)
		r := surfaces(t, a, b, Options{Samples: 3000, Seed: 9})
		if first == nil {
			first = r
		}
		if !reflect.DeepEqual(r, first) {
			t.Errorf("on %d: %+v, on 1 %+v", n, r, first)
		}
	}
	if other := surfaces(t, a, b, Options{Samples: 3000, Seed: 10}); other.ChamferL1 == first.ChamferL1 {
		t.Error("the seed makes no difference")
	}
}
