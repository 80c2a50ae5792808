package surface_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/testmesh"
	"github.com/morton-gen/morton/octree/surface"
)

// rebuild takes a mesh through tree and codes, and checks what holds for all.
func rebuild(t testing.TB, m *mesh.Mesh, depth int) (*mesh.Mesh, surface.Parts, surface.Report) {
	t.Helper()
	o, codes, parts, err := surface.Build(m, depth)
	if err != nil {
		t.Fatal(err)
	}
	out, report, err := surface.Extract(o, codes)
	if err != nil {
		t.Fatal(err)
	}
	checkManifold(t, out)
	if report.Added != 0 || report.Idle != 0 || report.Disputed != 0 {
		t.Fatalf("%d cells added, %d leaves idle, %d corners disputed", report.Added, report.Idle, report.Disputed)
	}
	if volume(out) <= 0 {
		t.Fatalf("volume %v: faces look inwards", volume(out))
	}
	return out, parts, report
}

func box(size float64) *mesh.Mesh {
	return testmesh.Box(mesh.Vec3{-size, -size, -size}, mesh.Vec3{size, size, size})
}

func TestBuildFixtures(t *testing.T) {
	for _, path := range testmesh.Fixtures(t, "../..") {
		m := testmesh.ReadOBJ(t, path)
		m = octree.Fit(m, 0.9).Mesh(m)
		for _, depth := range []int{4, 6} {
			out, parts, report := rebuild(t, m, depth)
			t.Logf("%-30s depth %d: %6d quads, %+v, %d split, %d untangled, %d thin",
				filepath.Base(path), depth, out.NumFaces(), parts, report.Split, report.Untangled, report.Thin)
		}
	}
}

func TestBuildKeepsVolume(t *testing.T) {
	turned := testmesh.Rotated(box(0.5), mesh.Vec3{0.3, 0.7, 1.1})
	shifted := testmesh.Moved(box(0.3), func(p mesh.Vec3) mesh.Vec3 { return p.Add(mesh.Vec3{0.3, 0.3, 0.3}) })
	for _, c := range []struct {
		name  string
		m     *mesh.Mesh
		want  float64
		parts surface.Parts
	}{
		{"sphere", testmesh.Sphere(mesh.Vec3{}, 0.7, 100), 4.0 / 3 * math.Pi * 0.343, surface.Parts{Solid: 1}},
		{"torus", testmesh.Torus(0.6, 0.25, 100), 2 * math.Pi * math.Pi * 0.6 * 0.0625, surface.Parts{Solid: 1}},
		{"turned box", turned, 1, surface.Parts{Solid: 1}},
		{"box along the grid", box(0.5), 1, surface.Parts{Solid: 1}},
		{"inside out", testmesh.Flipped(turned), 1, surface.Parts{Solid: 1}},
		{"overlapping", testmesh.Joined(box(0.3), testmesh.Flipped(shifted)), 2*0.216 - 0.027, surface.Parts{Solid: 2}},
		{"one in another", testmesh.Joined(box(0.5), box(0.2)), 1, surface.Parts{Solid: 2, Buried: 1}},
	} {
		out, parts, _ := rebuild(t, c.m, 6)
		if v := volume(out); math.Abs(v-c.want) > 0.015*c.want {
			t.Errorf("%s: volume %.4f, want %.4f", c.name, v, c.want)
		}
		if parts != c.parts {
			t.Errorf("%s: %+v, want %+v", c.name, parts, c.parts)
		}
	}
}

// withoutFace drops one face.
func withoutFace(m *mesh.Mesh, drop int) *mesh.Mesh {
	out := &mesh.Mesh{Vertices: m.Vertices}
	for f := range m.NumFaces() {
		if f != drop {
			if err := out.AddFace(m.Face(f)...); err != nil {
				panic(err)
			}
		}
	}
	return out
}

func TestBuildOpenMeshes(t *testing.T) {
	// A hole of one in 2000 faces is capped, and the sphere stays solid.
	sphere := testmesh.Sphere(mesh.Vec3{}, 0.7, 32)
	out, parts, _ := rebuild(t, withoutFace(sphere, 500), 6)
	if want := 4.0 / 3 * math.Pi * 0.343; parts != (surface.Parts{Sealed: 1}) || math.Abs(volume(out)-want) > 0.02*want {
		t.Errorf("sphere with a hole: %+v, volume %v, want %v", parts, volume(out), want)
	}
	// A box without a lid is a sheet with five walls.
	out, parts, _ = rebuild(t, withoutFace(box(0.5), 3), 6)
	if v := volume(out); parts.Sheets != 1 || v > 0.35 || v < 0.1 {
		t.Errorf("box without lid: %+v, volume %v", parts, v)
	}
	// A sheet's thickness is one cell along its normal if that is an axis.
	for _, depth := range []int{5, 6, 7} {
		sheet := testmesh.Moved(testmesh.Sheet(0.6, 8), func(p mesh.Vec3) mesh.Vec3 { return p.Add(mesh.Vec3{0, 0, 0.0137}) })
		out, parts, report := rebuild(t, sheet, depth)
		cell := 2 / float64(int(1)<<depth)
		want := 1.2 * 1.2 * cell
		if v := volume(out); parts.Sheets != 1 || math.Abs(v-want) > 0.15*want || report.Thin != report.Active {
			t.Errorf("sheet at depth %d: %+v, volume %v, want about %v", depth, parts, v, want)
		}
	}
}

// Walls thinner than a cell stay whole wherever they are in the grid.
func TestBuildKeepsThinWalls(t *testing.T) {
	const depth = 5
	cell := 2.0 / (1 << depth)
	for _, share := range []float64{0, 0.2, 0.6, 0.95} {
		for shift := range 4 {
			z := (0.11 + 0.25*float64(shift)) * cell
			slab := testmesh.Box(mesh.Vec3{-0.6, -0.6, z}, mesh.Vec3{0.6, 0.6, z + share*cell})
			for _, angles := range []mesh.Vec3{{}, {0.4, 0.3, 0.2}} {
				m := testmesh.Rotated(slab, angles)
				out, _, _ := rebuild(t, m, depth)
				if n := eulerNumber(out); n != 2 {
					t.Errorf("slab of %v cells at %v turned %v: Euler number %d, not a ball", share, z/cell, angles, n)
				}
				far := worst(testmesh.Sample(m, 2000, 1), testmesh.NewIndex(out, 0.1))
				if far > 1.2*cell {
					t.Errorf("slab of %v cells at %v turned %v: a point is %.2f cells off", share, z/cell, angles, far/cell)
				}
			}
		}
	}
}

func worst(points []mesh.Vec3, x *testmesh.Index) (far float64) {
	for _, p := range points {
		far = max(far, x.Distance(p))
	}
	return far
}

// eulerNumber is V-E+F of a closed quad mesh, which has two edges a face.
func eulerNumber(m *mesh.Mesh) int { return len(m.Vertices) - m.NumFaces() }

// Soups of random triangles have every defect; the result is a manifold still.
func TestBuildTriangleSoup(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 40 {
		m := &mesh.Mesh{}
		n := 3 + r.IntN(8)
		for range n {
			m.AddVertex(mesh.Vec3{1.8*r.Float64() - 0.9, math.Round(8*r.Float64()-4) / 5, 1.8*r.Float64() - 0.9})
		}
		for range 1 + r.IntN(20) {
			if err := m.AddFace(int32(r.IntN(n)), int32(r.IntN(n)), int32(r.IntN(n))); err != nil {
				t.Fatal(err)
			}
		}
		rebuild(t, m, 2+r.IntN(4))
	}
}

func TestExtractRepairs(t *testing.T) {
	m := testmesh.Sphere(mesh.Vec3{}, 0.7, 40)
	o, codes, _, err := surface.Build(m, 5)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(8, 8))
	for i := range codes {
		if r.Float64() < 0.03 {
			codes[i] = surface.FromBits(codes[i].Bits() ^ 1<<(24+r.IntN(8)))
		}
	}
	out, report, err := surface.Extract(o, codes)
	if err != nil {
		t.Fatal(err)
	}
	checkManifold(t, out)
	if report.Disputed == 0 || math.Abs(volume(out)-1.43) > 0.03 {
		t.Errorf("wrong bits: %d disputed, volume %v", report.Disputed, volume(out))
	}
	var leaves []octree.Key
	var left []surface.Code
	for i, k := range o.Leaves() {
		if k%97 != 0 {
			leaves, left = append(leaves, k), append(left, codes[i])
		}
	}
	holed, err := octree.FromKeys(5, leaves)
	if err != nil {
		t.Fatal(err)
	}
	out, report, err = surface.Extract(holed, left)
	if err != nil {
		t.Fatal(err)
	}
	checkManifold(t, out)
	if report.Added == 0 {
		t.Error("leaves are missing but none was added")
	}
}

func TestBuildDoesNotDependOnWorkers(t *testing.T) {
	m := testmesh.ReadOBJ(t, "../../testdata/mesh/cc-0_chicken.obj")
	m = octree.Fit(m, 0.9).Mesh(m)
	o, codes, _, err := surface.Build(m, 6)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, workers := range []int{1, 3, 5} {
		runtime.GOMAXPROCS(workers)
		b, others, _, err := surface.Build(m, 6)
		if err != nil || !b.Equal(o) || !slices.Equal(codes, others) {
			t.Errorf("%d workers: another tree or other codes (%v)", workers, err)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	far := testmesh.Moved(box(0.5), func(p mesh.Vec3) mesh.Vec3 { return p.Scale(3) })
	for _, c := range []struct {
		m     *mesh.Mesh
		depth int
		want  error
	}{
		{box(0.5), 11, octree.ErrDepth},
		{box(0.5), -1, octree.ErrDepth},
		{&mesh.Mesh{}, 5, octree.ErrEmpty},
		{far, 5, octree.ErrDomain},
		{testmesh.Moved(far, func(mesh.Vec3) mesh.Vec3 { return mesh.Vec3{math.Inf(1)} }), 5, mesh.ErrNotFinite},
	} {
		if _, _, _, err := surface.Build(c.m, c.depth); !errors.Is(err, c.want) {
			t.Errorf("depth %d: error %v, want %v", c.depth, err, c.want)
		}
	}
}

func ExampleBuild() {
	m := testmesh.Torus(3, 1, 64)
	frame := octree.Fit(m, 0.9)
	o, codes, parts, err := surface.Build(frame.Mesh(m), 5)
	if err != nil {
		fmt.Println(err)
		return
	}
	quads, report, err := surface.Extract(o, codes)
	if err != nil {
		fmt.Println(err)
		return
	}
	quads = frame.InvertMesh(quads)
	fmt.Println("solid parts", parts.Solid, "leaves", len(codes), "added", report.Added)
	fmt.Println("vertices - quads =", len(quads.Vertices)-quads.NumFaces())
	// Output:
	// solid parts 1 leaves 2192 added 0
	// vertices - quads = 0
}

func BenchmarkSurface(b *testing.B) {
	m := testmesh.Sphere(mesh.Vec3{}, 0.9, 159)
	o, codes, _, err := surface.Build(m, 7)
	if err != nil {
		b.Fatal(err)
	}
	leaves := float64(len(codes))
	b.Run("build/depth=7/triangles=100488", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, _, err := surface.Build(m, 7); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(leaves*float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
	})
	b.Run("extract/depth=7", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := surface.Extract(o, codes); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(leaves*float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
	})
}
