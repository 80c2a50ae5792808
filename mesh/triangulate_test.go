package mesh

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// outline returns a mesh of one face.
func outline(points ...Vec3) *Mesh {
	m := &Mesh{Vertices: points}
	face := make([]int32, len(points))
	for k := range face {
		face[k] = int32(k)
	}
	m.appendFace(face)
	return m
}

// star returns a star-shaped outline of n corners around the origin, with
// random radii, lying in the plane of the unit vectors x and y.
func star(random *rand.Rand, n int, x, y Vec3) *Mesh {
	points := make([]Vec3, n)
	for k := range points {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(n))
		r := 0.05 + random.Float64()
		points[k] = x.Scale(r * cos).Add(y.Scale(r * sin))
	}
	return outline(points...)
}

// spiral returns a long corridor rolled up, which has few ears at a time.
func spiral(n int) *Mesh {
	var points []Vec3
	for k := range n {
		sin, cos := math.Sincos(0.3 * float64(k))
		points = append(points, Vec3{float64(k+3) * cos, float64(k+3) * sin, 0})
	}
	for k := n - 1; k >= 0; k-- {
		sin, cos := math.Sincos(0.3 * float64(k))
		points = append(points, Vec3{(float64(k) + 1.5) * cos, (float64(k) + 1.5) * sin, 0})
	}
	slices.Reverse(points)
	if FaceNormal(outline(points...), 0)[2] < 0 {
		slices.Reverse(points)
	}
	return outline(points...)
}

// checkCover fails unless the triangles of a planar face all look the same way
// as the face and have its area between them, so that they cover it once.
func checkCover(t *testing.T, m *Mesh, pieces *Mesh) {
	t.Helper()
	want, got := FaceVector(m, 0), 0.0
	for f := range pieces.NumFaces() {
		a := FaceVector(pieces, f)
		if a.Dot(want) < -1e-12*want.Dot(want) {
			t.Fatalf("piece %d %v is turned over", f, pieces.Face(f))
		}
		got += a.Len()
	}
	if math.Abs(got-want.Len()) > 1e-9*want.Len() {
		t.Fatalf("pieces have area %g, the face %g", got, want.Len())
	}
}

func TestTriangulateCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	x, y := Vec3{0.6, 0, 0.8}, Vec3{0.8 / math.Sqrt2, 1 / math.Sqrt2, -0.6 / math.Sqrt2}
	meshes := []*Mesh{
		spiral(60),
		outline(Vec3{0, 0}, Vec3{2, 0}, Vec3{2, 2}, Vec3{1, 0.1}, Vec3{0, 2}),                                                           // an M
		outline(Vec3{0, 0}, Vec3{1, 0}, Vec3{2, 0}, Vec3{2, 1}, Vec3{1, 1}, Vec3{0, 1}),                                                 // corners on straight sides
		outline(Vec3{0, 0}, Vec3{4, 0}, Vec3{1, 1}, Vec3{0, 4}),                                                                         // an arrowhead
		outline(Vec3{1, 1}, Vec3{0, 4}, Vec3{0, 0}, Vec3{4, 0}),                                                                         // from another corner
		outline(Vec3{0, 3}, Vec3{-0.5, 0}, Vec3{0, 1}, Vec3{0.5, 0}),                                                                    // the longer diagonal is inside
		outline(Vec3{0, 0}, Vec3{4, 0}, Vec3{4, 4}, Vec3{0, 4}, Vec3{0, 0}, Vec3{1, 1}, Vec3{1, 3}, Vec3{3, 3}, Vec3{3, 1}, Vec3{1, 1}), // a hole behind a bridge
		outline(Vec3{0, 0}, Vec3{1, 0}, Vec3{1, 1}, Vec3{0, 0}, Vec3{-1, 0}, Vec3{-1, -1}),                                              // two triangles that touch
		outline(Vec3{0, 0}, Vec3{4, 0}, Vec3{4, 4}, Vec3{2, 1}, Vec3{4, 4}, Vec3{0, 4}),                                                 // a slit
		outline(Vec3{1, 0}, Vec3{2, 1}, Vec3{0, 2}, Vec3{0, 2}, Vec3{0, 2}, Vec3{0, 1}, Vec3{0.5, 1}),                                   // corners at one place
	}
	for n := 3; n < 80; n++ {
		meshes = append(meshes, star(random, n, x, y))
	}
	for i, m := range meshes {
		for shift := range min(len(m.Corners), 12) { // from any first corner
			turned := &Mesh{Vertices: m.Vertices}
			turned.appendFace(append(slices.Clone(m.Corners[shift:]), m.Corners[:shift]...))
			triangles, faceOf := Triangulate(turned)
			if got, want := triangles.NumFaces(), len(m.Corners)-2; got != want || len(faceOf) != want {
				t.Fatalf("mesh %d: %d triangles, want %d", i, got, want)
			}
			checkCover(t, turned, triangles)
		}
		split, _ := SplitNgons(m)
		checkCover(t, m, split)
		for f := range split.NumFaces() {
			if len(m.Corners) > 4 && len(split.Face(f)) == 4 && ScaledJacobian(split, f) <= 0 {
				t.Fatalf("mesh %d: the quad %v is not convex", i, split.Face(f))
			}
		}
	}
}

// TestTriangulateAnything feeds outlines that cross themselves: the count must
// hold and every corner must appear.
func TestTriangulateAnything(t *testing.T) {
	m := randomMesh(5, 9, 300)
	triangles, faceOf := Triangulate(m)
	if err := triangles.Validate(); err != nil {
		t.Fatal(err)
	}
	count := make([]int, m.NumFaces())
	for _, f := range faceOf {
		count[f]++
	}
	for f, n := range count {
		if n != len(m.Face(f))-2 {
			t.Fatalf("face %d of %d corners gave %d triangles", f, len(m.Face(f)), n)
		}
	}
}

// TestQuadCutIgnoresRotation cuts one bent quad from each of its corners.
func TestQuadCutIgnoresRotation(t *testing.T) {
	for name, points := range map[string][]Vec3{
		"bent, equal diagonals": {{0, 0, 0}, {0.5, -1, 0.5}, {2, 0, 0}, {0.5, 1, 0.5}},
		"bent, short diagonal":  {{0, 0, 0}, {3, 0, 1}, {1, 1, 0}, {0, 3, 1}},
		"arrowhead":             {{0, 0, 0}, {4, 0, 0}, {1, 1, 0.1}, {0, 4, 0}},
	} {
		var want float64
		for shift := range 4 {
			m := outline(points...)
			for k := range m.Corners {
				m.Corners[k] = int32((k + shift) % 4)
			}
			if shift == 0 {
				want = Area(m)
			}
			if got := Area(m); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: area %g from corner %d, %g from corner 0", name, got, shift, want)
			}
		}
	}
}

func TestSplitNgonsConvex(t *testing.T) {
	for n, want := range map[int][2]int{5: {1, 1}, 6: {2, 0}, 7: {2, 1}, 8: {3, 0}, 31: {14, 1}} {
		points := make([]Vec3, n)
		for k := range points {
			sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(n))
			points[k] = Vec3{cos, sin, 0}
		}
		m := outline(points...)
		slices.Reverse(m.Corners[1:]) // any winding and first corner will do
		first, _ := SplitNgons(m)
		m.Corners = append(m.Corners[2:], m.Corners[:2]...)
		second, faceOf := SplitNgons(m)
		sizes := faceSizes(second)
		if sizes[1] != int64(want[0]) || sizes[0] != int64(want[1]) || len(faceOf) != want[0]+want[1] {
			t.Errorf("%d corners: %d quads and %d triangles, want %v", n, sizes[1], sizes[0], want)
		}
		if !slices.Equal(first.Corners, second.Corners) {
			t.Errorf("%d corners: the split depends on the first corner", n)
		}
	}
}

func TestSplitNgonsPairsEars(t *testing.T) {
	l := outline(Vec3{0, 0}, Vec3{2, 0}, Vec3{2, 1}, Vec3{1, 1}, Vec3{1, 2}, Vec3{0, 2}) // an L: two convex quads fit
	out, _ := SplitNgons(l)
	if sizes := faceSizes(out); sizes[1] < 1 {
		t.Fatalf("an L became %d triangles and %d quads", sizes[0], sizes[1])
	}
	for f := range out.NumFaces() {
		if len(out.Face(f)) == 4 && ScaledJacobian(out, f) <= 0 {
			t.Errorf("quad %v is not convex", out.Face(f))
		}
	}
}

// BenchmarkEars is the worst case that obj.Limits lets in.
func BenchmarkEars(b *testing.B) {
	m := spiral(1 << 11)
	for b.Loop() {
		Triangulate(m)
	}
}

// TestManyCorners cuts faces of 70,000 corners. A fan of a disk would have all of its
// triangles at one corner, which took octrees minutes.
func TestManyCorners(t *testing.T) {
	var disk []Vec3
	for k := range 70000 {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / 70000)
		disk = append(disk, Vec3{cos, sin})
	}
	cut := CutLarge(outline(disk...))
	at, most := make([]int, len(disk)), 0
	for _, v := range cut.Corners {
		at[v]++
		most = max(most, at[v])
	}
	if cut.NumFaces() != len(disk)-2 || most > 100 {
		t.Errorf("%d triangles, %d at one corner", cut.NumFaces(), most)
	}
	checkCover(t, outline(disk...), cut)
	if small := Cube(); CutLarge(small) != small {
		t.Error("a mesh of small faces is copied")
	}
}
