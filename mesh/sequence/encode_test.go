package sequence

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func TestEncodeByHand(t *testing.T) {
	m := &mesh.Mesh{Vertices: []mesh.Vec3{
		{1, 1, -1}, {-1, 1, -1}, {-1, -1, -1}, {1, -1, -1}, {0, 0, 1}, {0.99, 0.99, -1}, {0.1, -1, -1}, {0.8, -0.2, -1},
	}}
	for _, face := range [][]int32{
		{0, 1, 2, 3},    // a quad
		{4, 0, 1},       // a triangle
		{2, 3, 5, 1},    // the quad again: vertex 5 lies in the cell of vertex 0
		{3, 2, 1, 0},    // its back
		{0, 5, 4},       // nothing
		{5, 1, 4, 0},    // the triangle again
		{7, 0, 1, 2, 6}, // five corners: a quad and a triangle, from vertex 2 on
	} {
		if err := m.AddFace(face...); err != nil {
			t.Fatal(err)
		}
	}
	const p, e = 4, 5
	// Cells (z x y), ascending: 2 is 000, 1 is 003, 6 is 020, 3 is 030, 7 is 031, 0 and 5 are 033, 4 is 322.
	want := []int32{
		0, 0, 0, 0, 0, 3, 0, 3, 3, 0, 3, 0, // 2 1 0 3
		0, 0, 0, 0, 2, 0, 0, 3, 1, 0, 3, 3, // 2 6 7 0
		0, 0, 0, 0, 3, 0, 0, 3, 3, 0, 0, 3, // 2 3 0 1
		p, p, p, 0, 0, 0, 0, 3, 3, 0, 0, 3, // 2 0 1
		p, p, p, 0, 0, 3, 3, 2, 2, 0, 3, 3, // 1 4 0
		e,
	}
	got, report, err := Encode(m, Options{Levels: 4})
	if err != nil {
		t.Fatal(err)
	}
	wantReport := Report{
		Vertices: 7, MergedVertices: 1, Faces: 5, Triangles: 2, Quads: 3,
		SplitNgons: 1, DegenerateFaces: 1, DuplicateFaces: 2, Tokens: 61,
	}
	if report != wantReport {
		t.Errorf("%+v, want %+v", report, wantReport)
	}
	if !slices.Equal(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}

// TestCells checks both ends, that the middle of every cell is in it, and the
// bound on the error.
func TestCells(t *testing.T) {
	for _, levels := range []int{2, 3, 100, 1023, 1024, MaxLevels - 1, MaxLevels} {
		o := Options{Levels: levels}
		for _, end := range []struct {
			x    float64
			want int32
		}{{-1, 0}, {1, int32(levels - 1)}, {math.Nextafter(1, 0), int32(levels - 1)}, {math.Nextafter(-1, 0), 0}} {
			if cell, err := o.cell(mesh.Vec3{end.x}); err != nil || cell[0] != end.want {
				t.Errorf("%d levels: %g is in cell %d, want %d: %v", levels, end.x, cell[0], end.want, err)
			}
		}
		for i := range min(levels, 3000) {
			id := int32(i * levels / min(levels, 3000))
			q := Quantized{Levels: levels, Vertices: []Cell{{id, id, id}}}
			middle := q.Mesh().Vertices[0]
			if cell, err := o.cell(middle); err != nil || cell != q.Vertices[0] {
				t.Fatalf("%d levels: the middle of %d is in %v: %v", levels, id, cell, err)
			}
			if low := float64(id)/float64(levels)*2 - 1; math.Abs(middle[0]-low-1/float64(levels)) > 1e-15 {
				t.Fatalf("%d levels: cell %d begins at %g and has its middle at %g", levels, id, low, middle[0])
			}
		}
	}
	if cell := (Cell{1 << 19, 3, 1<<20 - 1}); cellOf(cell.key()) != cell {
		t.Errorf("%v comes back as %v", cell, cellOf(cell.key()))
	}
}

func TestEncodeErrors(t *testing.T) {
	outside := mesh.Cube()
	outside.Vertices[7][2] = 1.0001
	unusedOutside := mesh.Cube()
	unusedOutside.AddVertex(mesh.Vec3{5, 5, 5})
	nan := mesh.Cube()
	nan.Vertices[0][0] = math.NaN()
	index := mesh.Cube()
	index.Corners[0] = -1
	point := mesh.Transformed(mesh.Cube(), mesh.Transform{Scale: 1e-9, Offset: mesh.Vec3{0.3, 0.3, 0.3}}.Matrix())
	for name, c := range map[string]struct {
		mesh *mesh.Mesh
		o    Options
		want error
	}{
		"cube":             {mesh.Cube(), Options{}, nil},
		"unused outside":   {unusedOutside, Options{}, nil},
		"outside":          {outside, Options{}, ErrRange},
		"NaN":              {nan, Options{}, mesh.ErrNotFinite},
		"index":            {index, Options{}, mesh.ErrFace},
		"no faces":         {&mesh.Mesh{}, Options{}, mesh.ErrEmpty},
		"too small":        {point, Options{}, mesh.ErrEmpty},
		"one level":        {mesh.Cube(), Options{Levels: 1}, ErrOptions},
		"too many levels":  {mesh.Cube(), Options{Levels: MaxLevels + 1}, ErrOptions},
		"negative levels":  {mesh.Cube(), Options{Levels: -4}, ErrOptions},
		"two levels do":    {mesh.Cube(), Options{Levels: 2}, nil},
		"twisted pentagon": {twisted(), Options{Levels: 8}, nil},
	} {
		if _, _, err := Encode(c.mesh, c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// twisted returns a face that comes back to one of its vertices.
func twisted() *mesh.Mesh {
	return &mesh.Mesh{
		Vertices: []mesh.Vec3{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {-1, 0, 0}, {-1, -1, 0}},
		Corners:  []int32{0, 1, 2, 0, 3, 4},
		Starts:   []int32{0, 6},
	}
}

func ExampleEncode() {
	m, _, _, err := mesh.Normalize(mesh.Cube(), 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens, report, err := Encode(m, Options{})
	fmt.Println(report.Quads, "quads,", report.Tokens, "tokens", err)
	fmt.Println(tokens[:12], "…", tokens[72])
	// Output:
	// 6 quads, 73 tokens <nil>
	// [25 25 25 25 25 998 25 998 998 25 998 25] … 1025
}

func BenchmarkEncode(b *testing.B) {
	m, _, _, err := mesh.Normalize(mesh.QuadSphere(60), 0.95)
	if err != nil {
		b.Fatal(err)
	}
	tokens := 0
	b.ReportAllocs()
	for b.Loop() {
		_, report, err := Encode(m, Options{})
		if err != nil {
			b.Fatal(err)
		}
		tokens += report.Tokens
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}

// TestPinchedFace splits a face that comes back to one of its vertices: some of
// the pieces are nothing and must go.
func TestPinchedFace(t *testing.T) {
	q, report, err := Quantize(twisted(), Options{Levels: 8})
	if err != nil {
		t.Fatal(err)
	}
	if report.Triangles != 2 || report.Quads != 0 || report.DuplicateFaces != 0 || report.DegenerateFaces == 0 || report.SplitNgons != 1 {
		t.Errorf("%+v, want two triangles", report)
	}
	back, _, err := DecodeQuantized(q.Tokens(), Options{Levels: 8})
	if err != nil || !slices.Equal(back.Faces, q.Faces) {
		t.Errorf("%v comes back as %v: %v", q.Faces, back, err)
	}
}
