package quadfield

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/compare"
	"github.com/morton-gen/morton/mesh/distance"
)

// ErrBudget reports too small a number of faces for the surface.
var ErrBudget = errkind.New("budget", "too few faces")

// Methods of making quads.
const (
	// Pairs merges triangles between lattice points in pairs.
	Pairs = "pairs"
	// Split makes a mesh of a quarter of the faces and splits each into four.
	Split = "split"
)

// Options control [Remesh].
type Options struct {
	Faces int     // at most
	Angle float64 // radians between the faces at a feature line, at least; 0 means 40 degrees
}

// Result is a closed mesh of quads.
type Result struct {
	Mesh    *mesh.Mesh
	Way     string
	Open    int // surfaces with a boundary, which became plates
	Quality Quality
}

// Quality measures how well a mesh approximates another.
type Quality struct {
	Closed    bool    // and oriented, with edges that survive 32-bit coordinates
	Inverted  float64 // share of quads with a negative scaled Jacobian
	Folded    int     // their number
	Jacobian  float64 // mean scaled Jacobian
	Irregular float64 // share of irregular vertices
	Chamfer   float64 // relative to the other's longest side, as Hausdorff
	Hausdorff float64
	Normals   float64 // signed consistency, see compare.Report
}

// samples is the number of points per surface for Chamfer and Hausdorff.
const samples = 4000

// Measure returns the quality of m as an approximation of source.
func Measure(m, source *mesh.Mesh) (q Quality, err error) {
	r, err := mesh.Measure(m)
	if err != nil {
		return q, err
	}
	c, err := compare.Surfaces(m, source, compare.Options{Samples: samples, Vertices: samples, Seed: 1})
	if err != nil {
		return q, err
	}
	return Quality{
		Closed: r.Watertight && r.ConsistentWinding && !brittle(m), Inverted: r.InvertedQuadRatio, Folded: int(math.Round(r.InvertedQuadRatio * float64(r.Quads))), Jacobian: r.ScaledJacobianMean,
		Irregular: r.IrregularRatio, Chamfer: c.ChamferL1, Hausdorff: c.Hausdorff, Normals: c.SignedConsistency,
	}, nil
}

// shortest is the shortest edge, relative to the longest side, that survives 32-bit
// coordinates.
const shortest = 2e-6

// brittle reports whether some edge is shorter.
func brittle(m *mesh.Mesh) bool {
	lo, hi := mesh.Bounds(m)
	d := hi.Sub(lo)
	least := shortest * max(d[0], d[1], d[2])
	for f := range m.NumFaces() {
		face := m.Face(f)
		for i, v := range face {
			if m.Vertices[v].Sub(m.Vertices[face[(i+1)%len(face)]]).Len() < least {
				return true
			}
		}
	}
	return false
}

// Score is lower for a better mesh. These changes weigh the same: a hundredth of the
// longest side in Chamfer, a third in Hausdorff, half the Jacobian, half of the vertices
// irregular, and a twentieth of the quads inverted. A mesh with inverted quads comes after
// all without, and an open mesh after every closed one.
func (q Quality) Score() float64 {
	s := 100*q.Chamfer + 3*q.Hausdorff + 2*(1-q.Jacobian) + 2*q.Irregular + 20*q.Inverted
	if q.Inverted > 0 {
		s += 100
	}
	if !q.Closed {
		s += 1000
	}
	return s
}

// Sound reports whether the mesh is good enough not to try other source surfaces. An
// exact mesh may have many irregular vertices, for they are the source's corners.
func (q Quality) Sound() bool {
	if !q.Closed || q.Inverted > 0 || q.Jacobian < 0.85 {
		return false
	}
	return q.Irregular <= 0.2 || q.Chamfer <= 1e-4 && q.Jacobian >= 0.95
}

// plate is the thickness of an open surface, relative to the longest side. It adds
// half as much to Chamfer.
const plate = 0.001

// Remesh returns a closed mesh of quads near source with at most o.Faces faces: the
// better of [Pairs] and [Split] by [Quality.Score]. Feature lines of the source stay
// edges. The result depends on the arguments alone.
//
// It returns an error wrapping [ErrBudget] if o.Faces is too small, or an error of
// [mesh.Measure].
func Remesh(source *mesh.Mesh, o Options) (*Result, error) {
	if o.Angle == 0 {
		o.Angle = 40 * math.Pi / 180
	}
	m, open, err := closedTriangles(source)
	if err != nil {
		return nil, fmt.Errorf("quadfield.Remesh: %w", err)
	}
	b := newBase(m, o.Faces, o.Angle)
	var best *Result
	for _, w := range []struct {
		name string
		way  way
	}{{Pairs, b.pairs}, {Split, b.halves}} {
		finish := b.fit(w.way, o.Faces)
		if finish == nil {
			continue
		}
		out := b.finish(finish())
		q, err := Measure(out, source)
		if err != nil {
			return nil, fmt.Errorf("quadfield.Remesh: %w", err)
		}
		if best == nil || q.Score() < best.Quality.Score() {
			best = &Result{Mesh: out, Way: w.name, Open: open, Quality: q}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("quadfield.Remesh: %w: %d", ErrBudget, o.Faces)
	}
	return best, nil
}

// Open returns the number of surfaces of m with a boundary. It returns an error of
// [mesh.CheckArea].
func Open(m *mesh.Mesh) (int, error) {
	_, open, err := closedTriangles(m)
	if err != nil {
		return 0, fmt.Errorf("quadfield.Open: %w", err)
	}
	return open, nil
}

// closedTriangles closes a mesh and returns how many of its surfaces had a boundary.
func closedTriangles(source *mesh.Mesh) (*triangles, int, error) {
	lo, hi := mesh.Bounds(source)
	d := hi.Sub(lo)
	longest := max(d[0], d[1], d[2])
	clean := once(mesh.Clean(source, shortest/2*longest))
	clean, _ = mesh.Orient(clean)
	if err := mesh.CheckArea(clean); err != nil {
		return nil, 0, err
	}
	m, open := newTriangles(clean, plate*longest)
	return m, open, nil
}

// finish improves the quads of a patch.
func (b *base) finish(p *patch) *mesh.Mesh {
	p.relax(b.s, 10)
	p.tidy()
	p.relax(b.s, 30)
	p.untangle(b.s)
	p.settle(b.s)
	p.spread()
	p.mend(b.s)
	p.part()
	return p.mesh()
}

// base is shared by all attempts at one mesh.
type base struct {
	m      *triangles
	levels []*level
	s      *surface
}

// resolution is the number of edges of the fine mesh per step.
const resolution = 3

// newBase computes the lines, the fine mesh and its field.
func newBase(m *triangles, faces int, angle float64) *base {
	m.findLines(angle)
	s := &surface{near: distance.New(m.mesh()), l: m.lines()}
	m = m.even(math.Sqrt(m.area()/float64(faces))/resolution, s.near)
	return &base{m, m.levels(m.orient()), s}
}

// way makes quads with a step and returns their number.
type way func(step float64) (finish func() *patch, faces int)

// pairs implements [Pairs].
func (b *base) pairs(step float64) (func() *patch, int) {
	m := b.m.clone().gather(lattice(b.levels, step), step, b.s.l)
	return func() *patch { return m.pairUp(true).patch() }, m.count() / 2
}

// halves implements [Split].
func (b *base) halves(step float64) (func() *patch, int) {
	step *= 2
	m := b.m.clone().gather(lattice(b.levels, step), step, b.s.l)
	p := m.pairUp(false)
	n := 3 * len(p.mate)
	for _, h := range p.mate {
		if h >= 0 {
			n--
		}
	}
	return func() *patch { return p.patch().split(b.s.l) }, n
}

// fit searches for the step that gives the most faces within a budget. The number may
// stay the same over a range of steps, as where thin parts are one face wide.
func (b *base) fit(w way, faces int) (best func() *patch) {
	step := math.Sqrt(b.m.area() / float64(faces))
	low, high, most, was, stuck := 0.0, math.Inf(1), 0, 0, 0 // steps that gave too many and too few
	for try := 0; try < 3 || try < 10 && best == nil; try++ {
		finish, n := w(step)
		if n <= faces && n > most {
			best, most = finish, n
		}
		if n <= faces && float64(n) > 0.95*float64(faces) {
			break
		}
		longer := math.Pow(float64(n)/(0.975*float64(faces)), 0.6)
		if n > faces && float64(n) > 0.95*float64(was) && was > 0 {
			if stuck++; best != nil || stuck > 1 {
				break
			}
			longer = max(longer, 1.5)
		}
		if n > faces {
			low, was = max(low, step), n
		} else {
			high = min(high, step)
		}
		step *= longer
		if math.IsInf(high, 1) && step < low*1.02 {
			step = low * 1.02
		}
		if step <= low || step >= high {
			step = math.Sqrt(low * high)
		}
	}
	return best
}

func (m *triangles) clone() *triangles {
	return &triangles{
		at: append([]mesh.Vec3{}, m.at...), out: append([]int32{}, m.out...), from: append([]int32{}, m.from...),
		twin: append([]int32{}, m.twin...), line: append([]int32{}, m.line...), kind: append([]kind{}, m.kind...),
	}
}
