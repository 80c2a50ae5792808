package mesh

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
)

func TestSampleSurfaceLiesOnFaces(t *testing.T) {
	m := CubeGrid(3)
	points, normals, faces := SampleSurface(m, 5000, 1)
	perFace := make([]int, m.NumFaces())
	for i, p := range points {
		f := int(faces[i])
		perFace[f]++
		n := FaceNormal(m, f)
		if d := normals[i].Sub(n).Len(); d > 1e-12 {
			t.Fatalf("sample %d: normal %v, face has %v", i, normals[i], n)
		}
		face := m.Face(f)
		lo, hi := m.Vertices[face[0]], m.Vertices[face[0]]
		for _, v := range face {
			for a, x := range m.Vertices[v] {
				lo[a], hi[a] = min(lo[a], x), max(hi[a], x)
			}
		}
		for a := range 3 {
			if p[a] < lo[a]-1e-12 || p[a] > hi[a]+1e-12 {
				t.Fatalf("sample %d at %v is not on face %d", i, p, f)
			}
		}
	}
	for f, n := range perFace { // 5000/54 = 92.6 each; a stratum can be cut at both ends
		if n < 91 || n > 95 {
			t.Errorf("face %d got %d samples", f, n)
		}
	}
}

// TestSampleSurfaceUniform splits a grid of unequal faces into equal regions
// that have nothing to do with them, and applies the χ² test.
func TestSampleSurfaceUniform(t *testing.T) {
	m := outline(Vec3{0, 0}, Vec3{1, 0}, Vec3{1, 1}, Vec3{0.9, 0.95}, Vec3{0.05, 0.9}, Vec3{0, 1})
	m = joined(m, outline(Vec3{1, 1}, Vec3{0, 1}, Vec3{0.05, 0.9}, Vec3{0.9, 0.95}))
	const n, cells = 40000, 10
	points, _, _ := SampleSurface(m, n, 99)
	var count [cells * cells]int
	for _, p := range points {
		count[int(p[0]*cells)*cells+int(p[1]*cells)]++
	}
	chi2, want := 0.0, float64(n)/(cells*cells)
	for _, c := range count {
		chi2 += (float64(c) - want) * (float64(c) - want) / want
	}
	if chi2 > 149 { // 99 degrees of freedom: 149 is passed once in a thousand seeds
		t.Errorf("χ² = %g over %d cells", chi2, cells*cells)
	}
}

// TestSampleSurfaceBits pins the bits: a seed means the same points for ever.
func TestSampleSurfaceBits(t *testing.T) {
	bent := joined(Cube(), outline(Vec3{0.1, 0, 0}, Vec3{3, 0, 1}, Vec3{1, 0.7, 0}, Vec3{0, 3, 1}))
	hash := func(seed uint64) string {
		points, _, faces := SampleSurface(bent, 1000, seed)
		sum := sha256.New()
		_ = binary.Write(sum, binary.LittleEndian, points)
		_ = binary.Write(sum, binary.LittleEndian, faces)
		return hex.EncodeToString(sum.Sum(nil)[:8])
	}
	if got, want := hash(5), "4caff7e12718a5c3"; got != want {
		t.Errorf("seed 5 gives %s, want %s", got, want)
	}
	if hash(5) == hash(6) {
		t.Error("the seed makes no difference")
	}
}

func TestSampleSurfaceNothing(t *testing.T) {
	line := outline(Vec3{0}, Vec3{1}, Vec3{2})
	for name, m := range map[string]*Mesh{"no faces": {}, "no area": line} {
		if points, normals, faces := SampleSurface(m, 10, 1); points != nil || normals != nil || faces != nil {
			t.Errorf("%s: %d points", name, len(points))
		}
	}
	if points, _, _ := SampleSurface(Cube(), 0, 1); points != nil {
		t.Error("no samples asked for, some given")
	}
	_, _, faces := SampleSurface(joined(joined(line, Cube()), line), 500, 1)
	if slices.Contains(faces, 0) || slices.Contains(faces, 7) {
		t.Error("a face without area was sampled")
	}
}

func BenchmarkSampleSurface(b *testing.B) {
	m := QuadSphere(100)
	for b.Loop() {
		SampleSurface(m, 100_000, 1)
	}
	b.ReportMetric(1e5*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
