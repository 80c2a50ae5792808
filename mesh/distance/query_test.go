package distance

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/mesh"
)

func randomMesh(random *rand.Rand, vertices, faces int) *mesh.Mesh {
	m := &mesh.Mesh{}
	for range vertices {
		m.AddVertex(mesh.Vec3{random.Float64(), random.Float64(), random.Float64()})
	}
	for range faces {
		face := make([]int32, 3+random.IntN(5))
		for k := range face {
			face[k] = int32(random.IntN(vertices))
		}
		_ = m.AddFace(face...) // its corners are vertices
	}
	return m
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

func randomPoint(random *rand.Rand, reach float64) mesh.Vec3 {
	return mesh.Vec3{random.Float64()*2 - 1, random.Float64()*2 - 1, random.Float64()*2 - 1}.Scale(reach)
}

// TestDistanceAgainstBruteForce compares the tree with all triangles one by
// one, and each triangle with a fine net of its points.
func TestDistanceAgainstBruteForce(t *testing.T) {
	random := rand.New(rand.NewPCG(31, 1))
	for name, m := range map[string]*mesh.Mesh{
		"random": randomMesh(random, 40, 60), "torus": mesh.Torus(20, 9, 1, 0.3), "one": mesh.Grid(1), "flat": mesh.Grid(20),
	} {
		query := New(m)
		triangles, _ := mesh.Triangulate(m)
		for range 300 {
			p := randomPoint(random, 2)
			want := math.Inf(1)
			for f := range triangles.NumFaces() {
				c := corners(triangles, int32(f))
				want = min(want, p.Sub(closestOnTriangle(p, c[0], c[1], c[2])).Len())
			}
			got, closest, face := query.Distance(p)
			if got != want || p.Sub(closest).Len() != got || face < 0 || int(face) >= m.NumFaces() {
				t.Fatalf("%s: %g at %v on face %d, want %g", name, got, closest, face, want)
			}
		}
	}
}

func TestClosestOnTriangle(t *testing.T) {
	random := rand.New(rand.NewPCG(32, 1))
	const steps = 200
	for range 100 {
		a, b, c, p := randomPoint(random, 1), randomPoint(random, 1), randomPoint(random, 1), randomPoint(random, 2)
		got := p.Sub(closestOnTriangle(p, a, b, c)).Len()
		least := math.Inf(1)
		for i := range steps + 1 {
			for j := range steps + 1 - i {
				q := a.Add(b.Sub(a).Scale(float64(i) / steps)).Add(c.Sub(a).Scale(float64(j) / steps))
				least = min(least, p.Sub(q).Len())
			}
		}
		if got > least+1e-12 || got < least-4.0/steps {
			t.Fatalf("%g, the net has %g", got, least)
		}
	}
	line := closestOnTriangle(mesh.Vec3{1, 5, 0}, mesh.Vec3{0}, mesh.Vec3{2}, mesh.Vec3{3})
	point := closestOnTriangle(mesh.Vec3{1, 5, 0}, mesh.Vec3{7}, mesh.Vec3{7}, mesh.Vec3{7})
	if line != (mesh.Vec3{1}) || point != (mesh.Vec3{7}) {
		t.Errorf("without area: %v, %v", line, point)
	}
}

// TestDistanceAnalytic has shapes whose distance is a formula.
func TestDistanceAnalytic(t *testing.T) {
	random := rand.New(rand.NewPCG(33, 1))
	cube, sphere, plane := New(mesh.CubeGrid(5)), New(mesh.QuadSphere(100)), New(mesh.Grid(9))
	for range 500 {
		p := randomPoint(random, 3)
		outside, inside := mesh.Vec3{}, math.Inf(1)
		for a, x := range p {
			outside[a] = max(0, math.Abs(x)-1)
			inside = min(inside, math.Abs(math.Abs(x)-1))
		}
		want := outside.Len()
		if want == 0 {
			want = inside
		}
		if got, _, _ := cube.Distance(p); !near(got, want, 1e-12) {
			t.Fatalf("cube: %g at %v, want %g", got, p, want)
		}
		if got, _, _ := sphere.Distance(p); !near(got, math.Abs(p.Len()-1), 2e-4) {
			t.Fatalf("sphere: %g at %v, want %g", got, p, math.Abs(p.Len()-1))
		}
		flat := mesh.Vec3{max(0, math.Abs(p[0])-1), max(0, math.Abs(p[1])-1), p[2]}
		if got, _, _ := plane.Distance(p); !near(got, flat.Len(), 1e-12) {
			t.Fatalf("plane: %g at %v, want %g", got, p, flat.Len())
		}
	}
}

func TestDistanceFaceAndNothing(t *testing.T) {
	m := mesh.Cube()
	query := New(m)
	for f := range m.NumFaces() {
		if _, _, face := query.Distance(mesh.FaceNormal(m, f).Scale(2)); int(face) != f {
			t.Errorf("over face %d: face %d", f, face)
		}
	}
	if d, _, face := New(&mesh.Mesh{}).Distance(mesh.Vec3{}); !math.IsInf(d, 1) || face != -1 {
		t.Errorf("no faces: %g, %d", d, face)
	}
	if d, _, face := query.Distance(mesh.Vec3{math.NaN()}); !math.IsInf(d, 1) || face != -1 {
		t.Errorf("NaN: %g, %d", d, face)
	}
}

func BenchmarkDistance(b *testing.B) {
	m := mesh.QuadSphere(130) // 101,400 quads
	query := New(m)
	random := rand.New(rand.NewPCG(34, 1))
	points := make([]mesh.Vec3, 1024)
	for i := range points {
		points[i] = randomPoint(random, 1).Unit().Scale(0.98 + 0.04*random.Float64())
	}
	i := 0
	for b.Loop() {
		query.Distance(points[i%len(points)])
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "queries/s")
}

func BenchmarkNew(b *testing.B) {
	m := mesh.Grid(1000)
	for b.Loop() {
		New(m)
	}
	b.ReportMetric(float64(m.NumFaces())*float64(b.N)/b.Elapsed().Seconds(), "faces/s")
}
