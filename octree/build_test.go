package octree_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/testmesh"
)

// clipped cuts a polygon with a closed box, grid units, and tells whether
// anything is left: another way to ask what the separating axis test asks.
func clipped(polygon []mesh.Vec3, low mesh.Vec3, side float64) bool {
	for a := range 3 {
		for _, sign := range []float64{1, -1} {
			bound := sign * low[a]
			if sign < 0 {
				bound -= side
			}
			var kept []mesh.Vec3
			for i, p := range polygon {
				q := polygon[(i+1)%len(polygon)]
				dp, dq := sign*p[a]-bound, sign*q[a]-bound
				if dp >= 0 {
					kept = append(kept, p)
				}
				if (dp < 0) != (dq < 0) {
					kept = append(kept, p.Add(q.Sub(p).Scale(dp/(dp-dq))))
				}
			}
			polygon = kept
		}
	}
	return len(polygon) > 0
}

// randomTriangle makes all sorts: large, small, slivers, segments, on the grid.
func randomTriangle(r *rand.Rand, kind int) *mesh.Mesh {
	point := func() (p mesh.Vec3) {
		for a := range p {
			p[a] = 2*r.Float64() - 1
			if kind%2 == 1 {
				p[a] = math.Round(p[a]*8) / 8
			}
		}
		return p
	}
	m := &mesh.Mesh{}
	a, b, c := point(), point(), point()
	switch kind {
	case 2:
		b, c = a.Scale(0.9).Add(b.Scale(0.1)), a.Scale(0.9).Add(c.Scale(0.1))
	case 4:
		c = a.Scale(0.5).Add(b.Scale(0.5)).Add(c.Scale(1e-9)).Scale(0.99)
	case 5:
		c = b
	}
	m.AddVertex(a)
	m.AddVertex(b)
	m.AddVertex(c)
	if err := m.AddFace(0, 1, 2); err != nil {
		panic(err)
	}
	return m
}

func TestBuildAgreesWithClipping(t *testing.T) {
	const depth, slack = 4, 1.0 / (1 << 16)
	r := rand.New(rand.NewPCG(3, 4))
	for trial := range 300 {
		m := randomTriangle(r, trial%6)
		o, err := octree.Build(m, depth)
		if err != nil {
			t.Fatal(err)
		}
		var polygon []mesh.Vec3
		for _, v := range m.Vertices {
			polygon = append(polygon, octree.ToGrid(v, depth))
		}
		for k := octree.Key(0); k < 1<<(3*depth); k++ {
			x, y, z := k.Decode()
			low := mesh.Vec3{float64(x), float64(y), float64(z)}
			_, got := o.Find(depth, k)
			touches := clipped(polygon, low, 1)
			near := clipped(polygon, low.Sub(mesh.Vec3{slack, slack, slack}), 1+2*slack)
			if touches && !got || got && !near {
				t.Fatalf("trial %d, cell %v: leaf %v, touches %v, nearly touches %v\n%v", trial, low, got, touches, near, polygon)
			}
		}
	}
}

// reachable floods the cells that are not leaves from the domain's border and
// counts them.
func reachable(o *octree.Octree) int {
	side := 1 << o.Depth
	seen := map[octree.Key]bool{}
	var queue []octree.Key
	push := func(k octree.Key, ok bool) {
		if _, leaf := o.Find(o.Depth, k); ok && !leaf && !seen[k] {
			seen[k] = true
			queue = append(queue, k)
		}
	}
	for k := octree.Key(0); k < 1<<(3*o.Depth); k++ {
		x, y, z := k.Decode()
		for _, c := range []uint32{x, y, z} {
			if c == 0 || int(c) == side-1 {
				push(k, true)
			}
		}
	}
	for len(queue) > 0 {
		k := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, s := range octree.FaceOffsets {
			push(k.Offset(o.Depth, s[0], s[1], s[2]))
		}
	}
	return len(seen)
}

func TestBuildLeavesNoHole(t *testing.T) {
	grid := testmesh.Box(mesh.Vec3{-0.5, -0.5, -0.5}, mesh.Vec3{0.5, 0.5, 0.5}) // faces along cell faces
	for name, m := range map[string]*mesh.Mesh{
		"aligned box": grid,
		"turned box":  testmesh.Rotated(grid, mesh.Vec3{0.3, 0.7, 1.1}),
		"sphere":      testmesh.Sphere(mesh.Vec3{}, 0.75, 12),
	} {
		for depth := 3; depth <= 5; depth++ {
			o, err := octree.Build(m, depth)
			if err != nil {
				t.Fatal(err)
			}
			cells := 1 << (3 * depth)
			if outside := reachable(o); outside+o.Len(depth) >= cells {
				t.Errorf("%s at depth %d: nothing is enclosed: %d outside, %d leaves, %d cells", name, depth, outside, o.Len(depth), cells)
			}
		}
	}
}

func TestBuildAlignedBoxIsTwoLayers(t *testing.T) {
	o, err := octree.Build(testmesh.Box(mesh.Vec3{-0.5, -0.5, -0.5}, mesh.Vec3{0.5, 0.5, 0.5}), 4)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := o.Len(4), 10*10*10-6*6*6; got != want { // cells 3..12 but not 5..10
		t.Errorf("%d leaves, want %d", got, want)
	}
}

func TestBuildDoesNotDependOnWorkers(t *testing.T) {
	m := testmesh.Rotated(testmesh.Torus(0.6, 0.25, 120), mesh.Vec3{0.2, 0.4, 0.6})
	want, err := octree.Build(m, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, workers := range []int{1, 3, 7} {
		runtime.GOMAXPROCS(workers)
		if got, err := octree.Build(m, 8); err != nil || !got.Equal(want) {
			t.Errorf("%d workers: another tree (%v)", workers, err)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	box := testmesh.Box(mesh.Vec3{-0.5, -0.5, -0.5}, mesh.Vec3{0.5, 0.5, 0.5})
	outside := testmesh.Moved(box, func(p mesh.Vec3) mesh.Vec3 { return p.Scale(2.1) })
	nan := testmesh.Moved(box, func(mesh.Vec3) mesh.Vec3 { return mesh.Vec3{math.NaN()} })
	for _, c := range []struct {
		m     *mesh.Mesh
		depth int
		want  error
	}{
		{box, octree.MaxDepth + 1, octree.ErrDepth},
		{box, -1, octree.ErrDepth},
		{&mesh.Mesh{}, 4, octree.ErrEmpty},
		{outside, 4, octree.ErrDomain},
		{nan, 4, mesh.ErrNotFinite},
		{&mesh.Mesh{Vertices: box.Vertices, Corners: []int32{0, 1, 99}, Starts: []int32{0, 3}}, 4, mesh.ErrFace},
	} {
		if _, err := octree.Build(c.m, c.depth); !errors.Is(err, c.want) {
			t.Errorf("depth %d: error %v, want %v", c.depth, err, c.want)
		}
	}
}

func TestBuildFixtures(t *testing.T) {
	for _, path := range testmesh.Fixtures(t, "..") {
		m := testmesh.ReadOBJ(t, path)
		o, err := octree.Build(octree.Fit(m, 0.9).Mesh(m), 6)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		checkInvariants(t, o)
		checkTokens(t, o)
	}
}

func ExampleBuild() {
	m := testmesh.Box(mesh.Vec3{1, 1, 1}, mesh.Vec3{2, 2, 2})
	o, err := octree.Build(octree.Fit(m, 0.9).Mesh(m), 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	for d := range o.Depth + 1 {
		fmt.Println("level", d, "nodes", o.Len(d))
	}
	// Output:
	// level 0 nodes 1
	// level 1 nodes 8
	// level 2 nodes 56
	// level 3 nodes 296
}

func BenchmarkBuild(b *testing.B) {
	chicken := testmesh.ReadOBJ(b, "../testdata/mesh/cc-0_chicken.obj")
	for _, c := range []struct {
		name string
		m    *mesh.Mesh
	}{
		{"sphere100k", testmesh.Sphere(mesh.Vec3{}, 0.9, 159)},
		{"chicken", octree.Fit(chicken, 0.9).Mesh(chicken)},
	} {
		triangles := len(c.m.Corners) - 2*c.m.NumFaces()
		b.Run(fmt.Sprintf("%s/depth=8/triangles=%d", c.name, triangles), func(b *testing.B) {
			b.ReportAllocs()
			var o *octree.Octree
			for b.Loop() {
				var err error
				if o, err = octree.Build(c.m, 8); err != nil {
					b.Fatal(err)
				}
			}
			seconds := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(float64(triangles)/seconds, "triangles/s")
			b.ReportMetric(float64(o.Len(8))/seconds, "leaves/s")
		})
	}
}
