package remesh

import (
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// soup is a heap of triangles that cut each other, with some closed parts.
func soup(seed uint64) *mesh.Mesh {
	r := rand.New(rand.NewPCG(seed, 1))
	at := func() mesh.Vec3 { return mesh.Vec3{r.Float64() - 0.5, r.Float64() - 0.5, r.Float64() - 0.5} }
	m := &mesh.Mesh{}
	for range 2 + r.IntN(6) {
		a, b, c := m.AddVertex(at()), m.AddVertex(at()), m.AddVertex(at())
		faces := [][]int32{{a, b, c}}
		if r.IntN(2) == 0 {
			d := m.AddVertex(at())
			faces = [][]int32{{a, c, b}, {a, b, d}, {b, c, d}, {c, a, d}}
		}
		for _, f := range faces {
			if err := m.AddFace(f...); err != nil {
				panic(err)
			}
		}
	}
	return m
}

// TestAnyBudgetStaysClosed merges surfaces of many parts and handles down to many
// budgets, and as far as it goes.
func TestAnyBudgetStaysClosed(t *testing.T) {
	blocked, smallest := 0, 1<<30
	for seed := range uint64(24) {
		m := soup(seed)
		c, err := surface.NewContour(octree.Fit(m, extent).Mesh(m), 3+int(seed%3))
		if err != nil {
			t.Fatal(err)
		}
		l := newLinks(c.Mesh)
		fine := euler(c.Mesh)
		for n := c.Mesh.NumFaces() - 1; ; n /= 2 {
			p := newPartition(newForest(c, l), l)
			p.reduce(n)
			out, _ := p.mesh()
			out = apart(out)
			checkManifold(t, out)
			if out.NumFaces() != p.faces || len(out.Vertices) != p.count {
				t.Fatalf("seed %d: %d faces and %d vertices, counted %d and %d", seed, out.NumFaces(), len(out.Vertices), p.faces, p.count)
			}
			if e := euler(out); e != fine {
				t.Fatalf("seed %d, %d faces: Euler number %d, of the fine surface %d", seed, p.faces, e, fine)
			}
			if p.faces > n {
				blocked++ // as far as it goes
				smallest = min(smallest, p.faces)
				break
			}
		}
	}
	if blocked != 24 || smallest > 8 {
		t.Errorf("%d ended where no merge was left, the smallest with %d faces", blocked, smallest)
	}
}

// TestPairsStayClosed joins across nodes, from where nodes are of no more use and from
// the start, down to the least that the topology allows.
func TestPairsStayClosed(t *testing.T) {
	for seed := range uint64(16) {
		m := soup(seed)
		c, err := surface.NewContour(octree.Fit(m, extent).Mesh(m), 3+int(seed%3))
		if err != nil {
			t.Fatal(err)
		}
		l := newLinks(c.Mesh)
		p := newPartition(newForest(c, l), l)
		if seed%2 == 0 {
			p.reduce(0)
		}
		before := p.faces
		for _, n := range []int{before * 3 / 4, before / 3, 0} {
			p.pairUp(c, n)
			out, clusters := p.mesh()
			out = apart(out)
			checkManifold(t, out)
			fit := apart(p.fitted(out, clusters, c))
			checkManifold(t, fit)
			quads := coupled(fit)
			checkManifold(t, quads)
			if euler(quads) != euler(fit) || quads.NumFaces() > fit.NumFaces() {
				t.Fatalf("seed %d: Euler number %d of %d with quads", seed, euler(quads), euler(fit))
			}
			if out.NumFaces() != p.faces || len(out.Vertices) != p.count || euler(out) != euler(c.Mesh) {
				t.Fatalf("seed %d: %d faces and %d vertices, counted %d and %d; Euler number %d of %d", seed, out.NumFaces(), len(out.Vertices), p.faces, p.count, euler(out), euler(c.Mesh))
			}
		}
		if before > 50 && p.faces > before/2 {
			t.Errorf("seed %d: %d faces of %d are left", seed, p.faces, before)
		}
	}
}

// TestDegrees compares the counts that merges keep with those of the mesh.
func TestDegrees(t *testing.T) {
	m := soup(3)
	c, err := surface.NewContour(octree.Fit(m, extent).Mesh(m), 5)
	if err != nil {
		t.Fatal(err)
	}
	l := newLinks(c.Mesh)
	p := newPartition(newForest(c, l), l)
	p.reduce(c.Mesh.NumFaces() / 6)
	out, clusters := p.mesh()
	degree := make([]int32, len(out.Vertices))
	for _, v := range out.Corners {
		degree[v]++
	}
	for v, k := range clusters {
		if p.degree[k] != degree[v] {
			t.Fatalf("vertex %d has %d faces, counted %d", v, degree[v], p.degree[k])
		}
		if at := out.Vertices[v]; !within(at, &p.clusters[k]) {
			t.Errorf("vertex %d at %v is outside its node, %v to %v", v, at, p.clusters[k].low, p.clusters[k].high)
		}
	}
}

func within(x mesh.Vec3, k *cluster) bool {
	for a := range x {
		if x[a] < k.low[a] || x[a] > k.high[a] {
			return false
		}
	}
	return true
}
