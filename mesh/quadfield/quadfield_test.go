package quadfield

import (
	"errors"
	"math"
	"math/cmplx"
	"testing"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/distance"
)

// turned is m turned, so that nothing lies along the axes.
func turned(m *mesh.Mesh) *mesh.Mesh {
	s, c := math.Sincos(0.5)
	u, w := math.Sincos(0.3)
	a := mesh.Matrix{c, s, 0, 0, -s, c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}
	b := mesh.Matrix{1, 0, 0, 0, 0, w, u, 0, 0, -u, w, 0, 0, 0, 0, 1}
	return mesh.Transformed(m, a.Mul(b))
}

// shapes have known topology.
var shapes = []struct {
	name      string
	m         *mesh.Mesh
	euler     int
	irregular float64 // at most
	chamfer   float64 // at most
}{
	{"cube", turned(mesh.Cube()), 2, 0.05, 1e-6},
	{"sphere", mesh.QuadSphere(12), 2, 0.12, 0.003},
	{"torus", turned(mesh.Torus(48, 24, 1, 0.4)), 0, 0.15, 0.003},
	{"plate", turned(mesh.Grid(5)), 2, 0.1, 0.002},
	{"triangles", turned(mesh.UVSphere(16, 9)), 2, 0.15, 0.006},
}

// TestRemesh remeshes shapes of known topology. Each result is closed, of quads alone
// and within the budget, and has the shape's Euler characteristic.
func TestRemesh(t *testing.T) {
	for _, s := range shapes {
		const faces = 500
		r, err := Remesh(s.m, Options{Faces: faces})
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		q, err := mesh.Measure(r.Mesh)
		if err != nil {
			t.Fatal(err)
		}
		if !q.Watertight || !q.ConsistentWinding || q.QuadRatio != 1 || q.DegenerateFaces > 0 {
			t.Errorf("%s: closed %v, oriented %v, quads %g", s.name, q.Watertight, q.ConsistentWinding, q.QuadRatio)
		}
		if q.Euler != s.euler || defects(r.Mesh) != 4*s.euler {
			t.Errorf("%s: Euler characteristic %d and defects %d, want %d and %d", s.name, q.Euler, defects(r.Mesh), s.euler, 4*s.euler)
		}
		if q.Faces > faces || q.Faces < faces*3/5 {
			t.Errorf("%s: %d faces of %d", s.name, q.Faces, faces)
		}
		if q.ScaledJacobianMean < 0.9 || q.InvertedQuadRatio > 0 || q.Volume < 0 {
			t.Errorf("%s: Jacobian %.3f, %.3f inverted, volume %g", s.name, q.ScaledJacobianMean, q.InvertedQuadRatio, q.Volume)
		}
		if q.IrregularRatio > s.irregular || r.Quality.Chamfer > s.chamfer {
			t.Errorf("%s: %.3f irregular, Chamfer %.5f", s.name, q.IrregularRatio, r.Quality.Chamfer)
		}
		again, err := Remesh(s.m, Options{Faces: faces})
		if err != nil || !equal(r.Mesh, again.Mesh) {
			t.Errorf("%s: not the same mesh twice (%v)", s.name, err)
		}
	}
}

// defects is the sum over vertices of 4 less the number of edges: four times the Euler
// characteristic of a closed quad mesh, as Poincaré and Hopf have it for its field.
func defects(m *mesh.Mesh) (sum int) {
	valence := make([]int, len(m.Vertices))
	for _, v := range m.Corners {
		valence[v]++
	}
	for _, n := range valence {
		sum += 4 - n
	}
	return sum
}

func equal(a, b *mesh.Mesh) bool {
	if len(a.Vertices) != len(b.Vertices) || len(a.Corners) != len(b.Corners) {
		return false
	}
	for i, v := range a.Corners {
		if b.Corners[i] != v {
			return false
		}
	}
	for i, p := range a.Vertices {
		if b.Vertices[i] != p {
			return false
		}
	}
	return true
}

func TestErrors(t *testing.T) {
	if _, err := Remesh(&mesh.Mesh{}, Options{Faces: 100}); !errors.Is(err, mesh.ErrEmpty) {
		t.Errorf("an empty mesh: %v", err)
	}
	if _, err := Remesh(mesh.Cube(), Options{Faces: 4}); !errors.Is(err, ErrBudget) {
		t.Errorf("four faces for a cube: %v", err)
	}
}

// TestIndex sums the indices of a field of four directions over the triangles of a
// sphere and a torus: by Poincaré and Hopf the sum is four times the Euler
// characteristic, in quarter turns. The index of a triangle is how often the field turns
// around it, less what the frames turn.
func TestIndex(t *testing.T) {
	for name, c := range map[string]struct {
		m     *mesh.Mesh
		euler int
	}{"sphere": {mesh.QuadSphere(8), 2}, "torus": {mesh.Torus(24, 12, 1, 0.4), 0}} {
		m, _ := newTriangles(c.m, 0)
		normal := m.normals()
		s := newSystem(m, normal)
		z := s.solve()
		index := 0
		for f := range int32(len(m.from) / 3) {
			field, holonomy := 0.0, complex(1, 0)
			for h := 3 * f; h < 3*f+3; h++ {
				field += cmplx.Phase(z[m.from[h]] / (s.turn[h] * z[m.to(h)]))
				holonomy *= s.turn[h]
			}
			index += int(math.Round((field + cmplx.Phase(holonomy)) / (2 * math.Pi)))
		}
		if abs := max(index, -index); abs != 4*c.euler {
			t.Errorf("%s: the field has index %d quarters, want %d", name, index, 4*c.euler)
		}
	}
}

// TestPairs pairs the triangles of meshes for which greed leaves some over.
func TestPairs(t *testing.T) {
	for _, s := range shapes {
		m, _ := newTriangles(s.m, 0.01)
		m.findLines(0.7)
		p := m.pairUp(true)
		for f, h := range p.mate {
			if h < 0 || p.mate[m.twin[h]/3] != m.twin[h] || h/3 != int32(f) {
				t.Fatalf("%s: triangle %d is not in a pair", s.name, f)
			}
		}
	}
}

// TestMatch compares the size of matchings with that of all subsets of edges, on small
// meshes with some edges closed.
func TestMatch(t *testing.T) {
	m, _ := newTriangles(mesh.Cube(), 0)
	for mask := range 1 << 10 {
		p := &matching{m: m, open: make([]bool, len(m.from)), mate: make([]int32, len(m.from)/3)}
		for f := range p.mate {
			p.mate[f] = -1
		}
		var edges [][2]int32
		n := 0
		for h, g := range m.twin {
			if int32(h) < g {
				if n >= 10 || mask>>n&1 == 1 {
					p.open[h], p.open[g] = true, true
					edges = append(edges, [2]int32{int32(h) / 3, g / 3})
				}
				n++
			}
		}
		p.augment()
		got := 0
		for _, h := range p.mate {
			if h >= 0 {
				got++
			}
		}
		if want := 2 * largest(edges, 0); got != want {
			t.Fatalf("mask %b: %d triangles paired, want %d", mask, got, want)
		}
	}
}

// largest returns the size of the largest matching by trying all.
func largest(edges [][2]int32, taken int) int {
	best := 0
	for i, e := range edges {
		if taken>>e[0]&1 == 0 && taken>>e[1]&1 == 0 {
			best = max(best, 1+largest(edges[i+1:], taken|1<<e[0]|1<<e[1]))
		}
	}
	return best
}

// TestLevels: each level of a connected surface has at most three quarters of the
// places of the one below, and the last has one.
func TestLevels(t *testing.T) {
	for _, s := range shapes {
		m, _ := newTriangles(s.m, 0.01)
		b := newBase(m, 500, 0.7)
		for i, l := range b.levels[1:] {
			if n, below := len(l.at), len(b.levels[i].at); float64(n) > slow*float64(below) {
				t.Errorf("%s: level %d has %d places, the one below %d", s.name, i+1, n, below)
			}
		}
		if n := len(b.levels[len(b.levels)-1].at); n != 1 {
			t.Errorf("%s: %d places at the top", s.name, n)
		}
	}
}

// TestMend moves vertices of a plane over the far corner of a face, or almost onto its other
// diagonal. No quad stays inverted or flat, and in the last case none stays poor. All
// vertices are on the plane, and corners of feature lines stay. Where all vertices are
// corners, those of the inverted quads move, and no others.
func TestMend(t *testing.T) {
	for name, c := range map[string]struct {
		corners bool
		along   []float64 // the diagonal
		least   float64   // scaled Jacobian
	}{
		"poor":        {false, []float64{0.45, 0.47, 0.48}, poor},
		"folded":      {false, []float64{1.05, 1.1, 1.2}, flat},
		"all corners": {true, []float64{1.05, 1.1, 1.2}, flat},
	} {
		p := plane(6, c.corners)
		at := append([]mesh.Vec3{}, p.at...)
		for i, along := range c.along {
			face := p.faces[[]int{7, 16, 28}[i]]
			p.at[face[0]] = p.at[face[0]].Add(p.at[face[2]].Sub(p.at[face[0]]).Scale(along))
		}
		poorly, mayMove := 0, make([]bool, len(p.at))
		for _, face := range p.faces {
			if j := p.jacobian(face); j < c.least {
				poorly++
				for _, v := range face {
					mayMove[v] = true
				}
			}
		}
		if poorly == 0 {
			t.Fatalf("%s: no quad is", name)
		}
		before := append([]mesh.Vec3{}, p.at...)
		p.mend(&surface{near: distance.New(mesh.Grid(1))})
		for _, face := range p.faces {
			if j := p.jacobian(face); j < c.least {
				t.Errorf("%s: a quad has a scaled Jacobian of %g", name, j)
			}
		}
		for v, k := range p.kind {
			if k == corner && p.at[v] != before[v] && (!c.corners || !mayMove[v]) {
				t.Errorf("%s: corner %d moved", name, v)
			}
			if d := p.at[v].Sub(at[v]); math.Abs(d.Dot(p.faceVector(p.faces[0]).Unit())) > 1e-12 {
				t.Errorf("%s: vertex %d left the plane", name, v)
			}
		}
	}
}

// plane is a grid whose rim, or all of it, is corners.
func plane(n int, corners bool) *patch {
	m := mesh.Grid(n)
	p := &patch{at: m.Vertices, kind: make([]kind, len(m.Vertices))}
	rim := map[[2]int32]int{}
	for f := range m.NumFaces() {
		face := m.Face(f)
		p.faces = append(p.faces, face)
		for i, v := range face {
			rim[key(v, face[(i+1)%4])]++
		}
	}
	for e, faces := range rim {
		if faces == 1 || corners {
			p.kind[e[0]], p.kind[e[1]] = corner, corner
		}
	}
	return p
}

// TestScore: a mesh with inverted quads comes after one that is far off without, and is
// never sound. An exact mesh may have many irregular vertices.
func TestScore(t *testing.T) {
	good := Quality{Closed: true, Jacobian: 0.95, Irregular: 0.1, Chamfer: 0.002}
	folded, exact, open := good, good, good
	folded.Inverted, folded.Chamfer, good.Chamfer = 0.001, 0, 0.1
	exact.Irregular, exact.Chamfer = 0.6, 0
	open.Closed, open.Chamfer = false, 0
	if folded.Score() <= good.Score() || open.Score() <= folded.Score() {
		t.Errorf("scores %g, %g with inverted quads, %g open", good.Score(), folded.Score(), open.Score())
	}
	if !good.Sound() || folded.Sound() || !exact.Sound() || open.Sound() {
		t.Error("what is sound")
	}
	if exact.Chamfer = 0.002; exact.Sound() {
		t.Error("many irregular vertices are sound")
	}
}

// TestPart remeshes boxes that touch: along an edge, and by faces of other sizes. The result
// is closed once equal places are joined, at budgets that leave the touching edges whole.
func TestPart(t *testing.T) {
	box := func(lo, hi mesh.Vec3) *mesh.Mesh { return turned(mesh.Box(lo, hi)) }
	for name, parts := range map[string][2]*mesh.Mesh{
		"edge": {box(mesh.Vec3{0, 0, 0}, mesh.Vec3{1, 1, 1}), box(mesh.Vec3{1, 0, 1}, mesh.Vec3{2, 1, 2})},
		"face": {box(mesh.Vec3{0, 0, 0}, mesh.Vec3{1, 1, 1}), box(mesh.Vec3{0, 0, 1}, mesh.Vec3{2, 1, 2})},
	} {
		both := mesh.Clone(parts[0])
		for f := range parts[1].NumFaces() {
			var face []int32
			for _, v := range parts[1].Face(f) {
				face = append(face, both.AddVertex(parts[1].Vertices[v]))
			}
			if err := both.AddFace(face...); err != nil {
				t.Fatal(err)
			}
		}
		both, _ = mesh.Weld(both, 0)
		for _, faces := range []int{12, 60, 300} {
			r, err := Remesh(both, Options{Faces: faces})
			if err != nil {
				t.Fatal(err)
			}
			if !r.Quality.Closed || r.Quality.Inverted > 0 || r.Quality.Chamfer > 1e-4 || r.Mesh.NumFaces() > faces {
				t.Errorf("%s, %d faces: %d, %+v", name, faces, r.Mesh.NumFaces(), r.Quality)
			}
		}
	}
}
