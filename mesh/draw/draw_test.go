package draw

import (
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
)

var pictures = flag.String("pictures", "", "a folder to write pictures of the fixtures to, for looking at")

func draw(t *testing.T, m *mesh.Mesh, o Options) *image.RGBA {
	t.Helper()
	picture, err := Draw(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// covered returns the share of pixels that are not paper.
func covered(picture *image.RGBA) float64 {
	n := 0
	size := picture.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			if picture.RGBAAt(x, y) != paper {
				n++
			}
		}
	}
	return float64(n) / float64(size.X*size.Y)
}

// isRed reports whether a pixel shows the back of a face.
func isRed(c color.RGBA) bool { return int(c.R) > int(c.B)+30 }

// TestCoverage compares what is covered with the area of known outlines, which
// fill 92% of the side.
func TestCoverage(t *testing.T) {
	for name, c := range map[string]struct {
		mesh *mesh.Mesh
		o    Options
		want float64 // share of the square of 92%
	}{
		"square":        {mesh.Grid(3), Options{}, 1},
		"cube":          {mesh.Cube(), Options{}, 1},
		"sphere":        {mesh.QuadSphere(30), Options{}, math.Pi / 4},
		"from above":    {mesh.Box(mesh.Vec3{-1, -9, -1}, mesh.Vec3{1, 9, 1}), Options{Elevation: 90}, 1},
		"from the side": {mesh.Box(mesh.Vec3{-2, -1, -1}, mesh.Vec3{2, 1, 1}), Options{Azimuth: 90}, 1},
		"tall":          {mesh.Box(mesh.Vec3{-1, -4, -1}, mesh.Vec3{1, 4, 1}), Options{}, 0.25},
		"torus":         {mesh.Torus(60, 30, 3, 1), Options{}, math.Pi / 4 * (16 - 4) / 16},
	} {
		c.o.Size = 200
		if got, want := covered(draw(t, c.mesh, c.o)), c.want*0.92*0.92; math.Abs(got-want) > 0.025 {
			t.Errorf("%s: %.3f of the picture is covered, want %.3f", name, got, want)
		}
	}
}

// TestNearestIsSeen looks at two squares one behind the other, in both orders
// in the file, and at a sheet of two faces back to back.
func TestNearestIsSeen(t *testing.T) {
	front := mesh.Grid(1)
	behind := &mesh.Mesh{Vertices: []mesh.Vec3{{-1, -1, -1}, {1, -1, -1}, {1, 1, -1}, {-1, 1, -1}}}
	if err := behind.AddFace(3, 2, 1, 0); err != nil { // shows its back
		t.Fatal(err)
	}
	sheet := mesh.Grid(1)
	if err := sheet.AddFace(2, 3, 1, 0); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*mesh.Mesh{
		"front first": join(t, front, behind), "front last": join(t, behind, front), "sheet": sheet,
	} {
		if c := draw(t, m, Options{Size: 64}).RGBAAt(28, 37); isRed(c) {
			t.Errorf("%s: the back is seen: %v", name, c)
		}
		if c := draw(t, m, Options{Size: 64, Azimuth: 180}).RGBAAt(28, 37); isRed(c) {
			t.Errorf("%s, from behind: the back is seen: %v", name, c)
		}
	}
	if c := draw(t, front, Options{Size: 64, Azimuth: 180}).RGBAAt(28, 37); !isRed(c) {
		t.Errorf("the back of a square is %v, want red", c)
	}
}

func join(t *testing.T, a, b *mesh.Mesh) *mesh.Mesh {
	t.Helper()
	out := mesh.Clone(a)
	out.Vertices = append(out.Vertices, b.Vertices...)
	for f := range b.NumFaces() {
		var face []int32
		for _, v := range b.Face(f) {
			face = append(face, v+int32(len(a.Vertices)))
		}
		if err := out.AddFace(face...); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestEdges checks that the edges of quads are drawn and their diagonals are
// not.
func TestEdges(t *testing.T) {
	dark := func(c color.RGBA) bool { return int(c.R)+int(c.G)+int(c.B) < 300 }
	picture := draw(t, mesh.Grid(2), Options{Size: 101})
	if !dark(picture.RGBAAt(50, 25)) || !dark(picture.RGBAAt(25, 50)) {
		t.Error("an edge between quads is not drawn")
	}
	for _, at := range [][2]int{{27, 27}, {73, 73}, {27, 73}, {73, 27}} {
		if dark(picture.RGBAAt(at[0], at[1])) {
			t.Errorf("a diagonal is drawn at %v", at)
		}
	}
	hidden := mesh.Transformed(mesh.Grid(2), mesh.Transform{Scale: 1, Offset: mesh.Vec3{0, 0, -1}}.Matrix())
	if picture := draw(t, join(t, hidden, mesh.Grid(1)), Options{Size: 101}); dark(picture.RGBAAt(50, 25)) {
		t.Error("an edge behind a face is drawn")
	}
	if picture := draw(t, mesh.Grid(2), Options{Size: 101, NoEdges: true}); dark(picture.RGBAAt(50, 25)) {
		t.Error("an edge is drawn that was not wanted")
	}
}

func TestUpIsUp(t *testing.T) {
	flag := &mesh.Mesh{Vertices: []mesh.Vec3{{0, 0, 0}, {0, 2, 0}, {-1, 2, 0}}} // the top left half
	if err := flag.AddFace(0, 1, 2); err != nil {
		t.Fatal(err)
	}
	picture := draw(t, flag, Options{Size: 100})
	if picture.RGBAAt(45, 12) == paper || picture.RGBAAt(35, 90) != paper {
		t.Error("the picture is upside down or mirrored")
	}
}

// TestInside draws a small cube in the middle of a large one: it is seen through the surface, where it is, and at its size
// beside the surface's.
func TestInside(t *testing.T) {
	const size = 200
	outer := mesh.Transformed(mesh.Cube(), mesh.Matrix{0: 10, 5: 10, 10: 10, 12: 70, 15: 1})
	inner := mesh.Transformed(mesh.Cube(), mesh.Matrix{0: 2, 5: 2, 10: 2, 12: 74, 13: 4, 14: 4, 15: 1})
	picture, without := draw(t, outer, Options{Size: size, NoEdges: true, Inside: inner}), draw(t, outer, Options{Size: size, NoEdges: true})
	n, sum := 0, image.Point{}
	for y := range size {
		for x := range size {
			if isRed(picture.RGBAAt(x, y)) {
				n, sum = n+1, sum.Add(image.Pt(x, y))
			}
			if isRed(without.RGBAAt(x, y)) {
				t.Fatal("red without anything inside")
			}
		}
	}
	side := 0.92 * size * 2 / 10
	if math.Abs(math.Sqrt(float64(n))-side) > 2 {
		t.Errorf("%d pixels show the inside, want a square of %g", n, side)
	}
	lo, hi := mesh.Bounds(outer)
	in, out := mesh.Bounds(inner)
	middle := func(axis int) float64 {
		return size/2 + 0.92*size*((in[axis]+out[axis])-(lo[axis]+hi[axis]))/2/(hi[axis]-lo[axis])
	}
	if x, y := float64(sum.X)/float64(n), float64(sum.Y)/float64(n); math.Abs(x-middle(0)) > 1.5 || math.Abs(y-(size-middle(1))) > 1.5 {
		t.Errorf("the inside is seen at %g, %g, want %g, %g", x, y, middle(0), size-middle(1))
	}
}

func TestDrawErrors(t *testing.T) {
	nan := mesh.Cube()
	nan.Vertices[0][0] = math.NaN()
	for name, c := range map[string]struct {
		mesh *mesh.Mesh
		o    Options
		want error
	}{
		"no faces":  {&mesh.Mesh{}, Options{}, mesh.ErrEmpty},
		"NaN":       {nan, Options{}, mesh.ErrNotFinite},
		"too large": {mesh.Cube(), Options{Size: MaxSize + 1}, ErrOptions},
		"negative":  {mesh.Cube(), Options{Size: -1}, ErrOptions},
		"elevation": {mesh.Cube(), Options{Elevation: 91}, ErrOptions},
		"azimuth":   {mesh.Cube(), Options{Azimuth: math.Inf(1)}, ErrOptions},
		"NaN angle": {mesh.Cube(), Options{Elevation: math.NaN()}, ErrOptions},
		"edge on":   {mesh.Grid(2), Options{Azimuth: 90}, nil},
	} {
		if _, err := Draw(c.mesh, c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestFixtures draws all fixtures: from all sides something is seen, and none
// of the closed ones shows a back.
func TestFixtures(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/mesh/*.obj")
	if err != nil || len(paths) != 21 {
		t.Fatalf("%d fixtures, want 21: %v", len(paths), err)
	}
	for _, path := range paths {
		m, _, err := obj.ReadFile(path, obj.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := mesh.Measure(m)
		if err != nil {
			t.Fatal(err)
		}
		picture := draw(t, m, Options{Size: 128, Azimuth: 35, Elevation: 25})
		if got := covered(picture); got < 0.03 {
			t.Errorf("%s: only %.3f of the picture is covered", path, got)
		}
		red := 0
		for y := range 128 {
			for x := range 128 {
				if isRed(picture.RGBAAt(x, y)) {
					red++
				}
			}
		}
		if r.Watertight && r.ConsistentWinding && red > 30 {
			t.Errorf("%s: %d pixels show the backs of a closed mesh", path, red)
		}
		if *pictures != "" {
			save(t, filepath.Join(*pictures, filepath.Base(path)+".png"), draw(t, m, Options{Size: 512, Azimuth: 35, Elevation: 25}))
		}
	}
}

func save(t *testing.T, path string, picture image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, picture); err != nil {
		t.Fatal(err)
	}
}

func ExampleDraw() {
	picture, err := Draw(mesh.Torus(24, 12, 1, 0.4), Options{Size: 128, Azimuth: 30, Elevation: 40})
	fmt.Println(picture.Bounds(), err)
	// Output: (0,0)-(128,128) <nil>
}

func BenchmarkDraw(b *testing.B) {
	m := mesh.QuadSphere(60)
	for b.Loop() {
		if _, err := Draw(m, Options{Size: 256, Azimuth: 30, Elevation: 20}); err != nil {
			b.Fatal(err)
		}
	}
}
