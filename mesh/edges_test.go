package mesh

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// randomMesh returns faces of three to seven random corners, repetitions and
// all: nothing about it is manifold.
func randomMesh(seed uint64, vertices, faces int) *Mesh {
	random := rand.New(rand.NewPCG(seed, 1))
	m := &Mesh{}
	for range vertices {
		m.AddVertex(Vec3{random.Float64(), random.Float64(), random.Float64()})
	}
	for range faces {
		face := make([]int32, 3+random.IntN(5))
		for k := range face {
			face[k] = int32(random.IntN(vertices))
		}
		m.appendFace(face)
	}
	return m
}

func TestEdgesAgainstMap(t *testing.T) {
	m := randomMesh(1, 30, 200)
	want := make(map[[2]int32][]int32)
	for f := range m.NumFaces() {
		face := m.Face(f)
		for k, a := range face {
			b := face[(k+1)%len(face)]
			if a != b {
				e := [2]int32{min(a, b), max(a, b)}
				want[e] = append(want[e], m.Starts[f]+int32(k))
			}
		}
	}
	table := BuildEdges(m)
	got := make(map[[2]int32][]int32)
	for e := range int32(table.Len()) {
		if e > 0 && !less(table.Ends[e-1], table.Ends[e]) {
			t.Fatalf("edge %d %v does not come after %v", e, table.Ends[e], table.Ends[e-1])
		}
		got[table.Ends[e]] = table.HalfEdges(e)
		for _, h := range table.HalfEdges(e) {
			if table.Of[h] != e {
				t.Fatalf("half-edge %d: edge %d, want %d", h, table.Of[h], e)
			}
		}
	}
	equal := func(a, b []int32) bool {
		if len(a) != len(b) {
			return false
		}
		for i := range a {
			if a[i] != b[i] {
				return false
			}
		}
		return true
	}
	if !maps.EqualFunc(got, want, equal) {
		t.Fatalf("%d edges, want %d, or other half-edges", len(got), len(want))
	}
}

func less(a, b [2]int32) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }

func TestNextPrev(t *testing.T) {
	table := BuildEdges(Cube())
	for h := range int32(24) {
		if table.Prev(table.Next(h)) != h || table.Next(table.Next(table.Next(table.Next(h)))) != h {
			t.Fatalf("half-edge %d: four steps do not lead around its quad", h)
		}
	}
}

func BenchmarkBuildEdges(b *testing.B) {
	m := Grid(1000)
	b.ReportAllocs()
	for b.Loop() {
		BuildEdges(m)
	}
	b.ReportMetric(float64(m.NumFaces())*float64(b.N)/b.Elapsed().Seconds(), "faces/s")
}
