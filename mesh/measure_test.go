package mesh

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
)

// topology is the part of a report that has no rounding.
type topology struct {
	V, E, F, Euler, Boundary, NonManifold, Loops, Components, Irregular int
	Watertight, Consistent, Orientable                                  bool
}

func topologyOf(r Report) topology {
	return topology{
		r.WeldedVertices, r.Edges, r.Faces, r.Euler, r.BoundaryEdges, r.NonManifoldEdges, r.BoundaryLoops, r.Components,
		r.IrregularVertices, r.Watertight, r.ConsistentWinding, r.Orientable,
	}
}

func TestMeasureTopology(t *testing.T) {
	halfTurned := Cube()
	flip(halfTurned.Face(2))
	pinched := joined(Grid(2), Transformed(Grid(2), Transform{Scale: 1, Offset: Vec3{2, 2, 0}}.Matrix()))
	book := outline(Vec3{0, 0, 0}, Vec3{1, 0, 0}, Vec3{1, 1, 0}, Vec3{0, 1, 0}) // three pages on one spine
	for _, page := range []Vec3{{1, 0, 1}, {1, 0, -1}} {
		book = joined(book, outline(Vec3{0, 0, 0}, page, page.Add(Vec3{0, 1, 0}), Vec3{0, 1, 0}))
	}
	for name, c := range map[string]struct {
		mesh *Mesh
		want topology
	}{
		"cube":          {Cube(), topology{8, 12, 6, 2, 0, 0, 0, 1, 8, true, true, true}},
		"exploded cube": {exploded(Cube()), topology{8, 12, 6, 2, 0, 0, 0, 1, 8, true, true, true}},
		"flipped cube":  {halfTurned, topology{8, 12, 6, 2, 0, 0, 0, 1, 8, true, false, true}},
		"quad sphere":   {QuadSphere(5), topology{152, 300, 150, 2, 0, 0, 0, 1, 8, true, true, true}},
		"sphere":        {UVSphere(8, 5), topology{34, 72, 40, 2, 0, 0, 0, 1, 2, true, true, true}},
		"torus":         {Torus(7, 5, 2, 0.5), topology{35, 70, 35, 0, 0, 0, 0, 1, 0, true, true, true}},
		"grid":          {Grid(3), topology{16, 24, 9, 1, 12, 0, 1, 1, 0, false, true, true}},
		"two grids":     {pinched, topology{17, 24, 8, 1, 16, 0, 1, 1, 1, false, true, true}},
		"möbius band":   {mobius(9), topology{18, 27, 9, 0, 18, 0, 1, 1, 0, false, false, false}},
		"book":          {book, topology{8, 10, 3, 1, 9, 1, 1, 1, 2, false, true, true}},
	} {
		r, err := Measure(c.mesh)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := topologyOf(r); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

// TestSingularities checks that the indices (4 − valence)/4 of a closed quad
// mesh add up to its Euler number, with valences counted here.
func TestSingularities(t *testing.T) {
	for _, m := range []*Mesh{Cube(), QuadSphere(6), Torus(8, 6, 1, 0.2)} {
		r, err := Measure(m)
		if err != nil {
			t.Fatal(err)
		}
		starts, _ := BuildEdges(m).atVertices()
		sum := 0
		for v := range m.Vertices {
			sum += 4 - int(starts[v+1]-starts[v])
		}
		if sum != 4*r.Euler {
			t.Errorf("indices add up to %d/4, Euler number %d", sum, r.Euler)
		}
	}
}

func TestEdgeLoops(t *testing.T) {
	square := outline(Vec3{0, 0}, Vec3{1, 0}, Vec3{1, 1}, Vec3{0, 1})
	square.appendFace([]int32{3, 2, 1, 0})
	pillows := joined(square, Transformed(square, Transform{Scale: 1, Offset: Vec3{1, 1, 0}}.Matrix()))
	for name, c := range map[string]struct {
		mesh  *Mesh
		loops int
		mean  float64
	}{
		"grid":           {Grid(5), 12, 5},
		"torus":          {Torus(7, 5, 2, 0.5), 12, 70.0 / 12}, // 5 loops of 7 and 7 of 5
		"cube":           {Cube(), 12, 1},
		"pillows":        {pillows, 8, 1},                     // two, that touch in a vertex
		"cube grid":      {CubeGrid(4), 12 + 3*3, 192.0 / 21}, // 12 cube edges, 9 closed loops of 16
		"one-sided band": {mobius(9), 10, 2.7},                // 9 rungs, and the boundary, one closed loop of 18
	} {
		r, err := Measure(c.mesh)
		if err != nil {
			t.Fatal(err)
		}
		if r.EdgeLoops != c.loops || !near(r.EdgeLoopLength, c.mean, 1e-12) {
			t.Errorf("%s: %d loops of mean length %g, want %d of %g", name, r.EdgeLoops, r.EdgeLoopLength, c.loops, c.mean)
		}
	}
}

func TestMeasureSizes(t *testing.T) {
	fine := QuadSphere(40)
	for name, c := range map[string]struct {
		mesh         *Mesh
		area, volume float64
		tolerance    float64
	}{
		"cube":   {Transformed(Cube(), Transform{Scale: 2, Offset: Vec3{1e6, 0, 0}}.Matrix()), 96, 64, 1e-9},
		"grid":   {Grid(7), 4, 0, 1e-12},
		"sphere": {fine, 4 * math.Pi, 4 * math.Pi / 3, 0.02},
		"torus":  {Torus(200, 100, 2, 0.5), 4 * math.Pi * math.Pi, math.Pi * math.Pi, 0.02},
	} {
		r, err := Measure(c.mesh)
		if err != nil {
			t.Fatal(err)
		}
		if !near(r.Area, c.area, c.tolerance) || !near(r.Volume, c.volume, c.tolerance) {
			t.Errorf("%s: area %g, volume %g; want %g, %g", name, r.Area, r.Volume, c.area, c.volume)
		}
	}
}

func TestScaledJacobian(t *testing.T) {
	for name, c := range map[string]struct {
		mesh *Mesh
		want float64
	}{
		"square":      {Grid(1), 1},
		"rectangle":   {outline(Vec3{0, 0}, Vec3{5, 0}, Vec3{5, 1}, Vec3{0, 1}), 1},
		"rhombus 60°": {outline(Vec3{0, 0}, Vec3{1, 0}, Vec3{1.5, math.Sqrt(3) / 2}, Vec3{0.5, math.Sqrt(3) / 2}), math.Sqrt(3) / 2},
		"straight":    {outline(Vec3{0, 0}, Vec3{2, 0}, Vec3{1, 1}, Vec3{0.5, 0.5}), 0},
		"arrowhead":   {outline(Vec3{0, 0}, Vec3{4, 0}, Vec3{1, 1}, Vec3{0, 4}), -0.8},
		"no side":     {outline(Vec3{0, 0}, Vec3{0, 0}, Vec3{1, 1}, Vec3{0, 1}), 0},
		"triangle":    {outline(Vec3{0, 0}, Vec3{1, 0}, Vec3{0.5, math.Sqrt(3) / 2}), math.Sqrt(3) / 2},
	} {
		if got := ScaledJacobian(c.mesh, 0); !near(got, c.want, 1e-12) {
			t.Errorf("%s: %g, want %g", name, got, c.want)
		}
	}
	mean, least, inverted, poor := quadQuality(joined(Grid(1), outline(Vec3{0, 0}, Vec3{4, 0}, Vec3{1, 1}, Vec3{0, 4})))
	if !near(mean, 0.1, 1e-12) || !near(least, -0.8, 1e-12) || inverted != 0.5 || poor != 0.5 {
		t.Errorf("mean %g, least %g, inverted %g, poor %g", mean, least, inverted, poor)
	}
}

func TestMeasureCounts(t *testing.T) {
	m := Grid(1)
	m.AddVertex(Vec3{9, 9, 9})
	m.appendFace([]int32{0, 1, 1, 3})                          // a triangle
	m.appendFace([]int32{0, 1, 0})                             // nothing
	m.appendFace([]int32{2, 0, 1, 3})                          // the quad again
	m = joined(m, outline(Vec3{5, 0}, Vec3{6, 0}, Vec3{7, 0})) // no area
	m = joined(m, outline(Vec3{}, Vec3{1}, Vec3{1, 1}, Vec3{0, 1}, Vec3{-1, 0.5}))
	r, err := Measure(m)
	if err != nil {
		t.Fatal(err)
	}
	got := [...]int{r.Vertices, r.UnusedVertices, r.Faces, r.Triangles, r.Quads, r.Ngons, r.DegenerateFaces, r.DuplicateFaces, r.ZeroAreaFaces}
	want := [...]int{13, 1, 5, 2, 2, 1, 1, 1, 1}
	if got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if !near(r.QuadRatio, 0.4, 1e-12) || r.BoundsMin != (Vec3{-1, -1, 0}) || r.BoundsMax != (Vec3{7, 1, 0}) {
		t.Errorf("quad ratio %g, bounds %v %v", r.QuadRatio, r.BoundsMin, r.BoundsMax)
	}
}

// TestMeasureTiny holds that sizes whose products float64 does not hold change no
// measure but area and volume: 10⁻¹⁶⁰ squared is 10⁻³²⁰, with four digits left.
func TestMeasureTiny(t *testing.T) {
	want, err := Measure(Cube())
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []float64{1e-160, 1e-100, 1e-60, 1e100} {
		got, err := Measure(Transformed(Cube(), Transform{Scale: scale}.Matrix()))
		if err != nil {
			t.Fatal(err)
		}
		if want := 24 * scale * scale; math.Abs(got.Area-want) > 1e-3*want {
			t.Errorf("scale %g: area %g, want %g", scale, got.Area, want)
		}
		if volume := 8 * scale * scale * scale; math.Abs(got.Volume-volume) > 1e-12*volume {
			t.Errorf("scale %g: volume %g, want %g", scale, got.Volume, volume)
		}
		got.Area, got.Volume, got.BoundsMin, got.BoundsMax = want.Area, want.Volume, want.BoundsMin, want.BoundsMax
		got.ScaledJacobianMean, got.ScaledJacobianMin = want.ScaledJacobianMean, want.ScaledJacobianMin
		if got != want {
			t.Errorf("scale %g: %+v, want %+v", scale, got, want)
		}
	}
}

func TestMeasureErrors(t *testing.T) {
	badIndex := &Mesh{Vertices: make([]Vec3, 3), Corners: []int32{0, 1, 3}, Starts: []int32{0, 3}}
	point := &Mesh{Vertices: make([]Vec3, 1), Corners: []int32{0, 0, 0}, Starts: []int32{0, 3}}
	for name, c := range map[string]struct {
		mesh *Mesh
		want error
	}{
		"no faces":   {&Mesh{Vertices: make([]Vec3, 4)}, ErrEmpty},
		"a point":    {point, ErrEmpty},
		"index":      {badIndex, ErrFace},
		"NaN":        {outline(Vec3{math.NaN()}, Vec3{1}, Vec3{2}), ErrNotFinite},
		"overflow":   {outline(Vec3{1e300}, Vec3{0, 1e300}, Vec3{0, 0, 1e300}), ErrNotFinite},
		"very small": {outline(Vec3{1e-300}, Vec3{0, 1e-300}, Vec3{0, 0, 1e-300}), nil},
	} {
		r, err := Measure(c.mesh)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ExampleMeasure() {
	r, err := Measure(Torus(24, 12, 2, 0.5))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Faces, "faces, Euler number", r.Euler)
	fmt.Printf("watertight %v, quads %.0f%%, edge loops of %.0f edges\n", r.Watertight, 100*r.QuadRatio, r.EdgeLoopLength)
	// Output:
	// 288 faces, Euler number 0
	// watertight true, quads 100%, edge loops of 16 edges
}

func BenchmarkMeasure(b *testing.B) {
	m := Grid(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Measure(m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(m.NumFaces())*float64(b.N)/b.Elapsed().Seconds(), "faces/s")
}
