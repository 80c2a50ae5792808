package parametric

import (
	"errors"
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/mesh"
)

// Shape is a drawn mesh.
type Shape struct {
	Family string
	Mesh   *mesh.Mesh
}

// Side says which families a shape may be of.
type Side int

// The sides. No family is on both.
const (
	Train Side = iota
	HeldOut
)

// Bounds of a shape's faces.
const (
	MinFaces = 6
	MaxFaces = 500
)

// errRefused reports parameters that make no shape. The next ones are tried.
var errRefused = errors.New("parametric: no shape from 100 draws of parameters")

// Families returns the names of a side's families, in an order to which later ones are
// added.
func Families(side Side) (names []string) {
	for _, f := range families[side] {
		names = append(names, f.name)
	}
	return names
}

// Draw returns shape number index of a side. It follows from its arguments alone. Each
// shape is closed, or says by its boundary that it is a thin sheet; edges have two faces
// at most. It is [Upright], or one in two is deformed and all are [Placed]. The error says
// that 100 draws of parameters gave no such mesh.
func Draw(side Side, seed, index uint64, upright bool) (Shape, error) {
	list := families[side]
	r := dice{rand.New(rand.NewPCG(seed, index<<1|uint64(side)))}
	for range 100 {
		f := list[r.IntN(len(list))]
		m := f.draw(r)
		if n := m.NumFaces(); n < MinFaces || n > MaxFaces {
			continue
		}
		switch {
		case upright:
			m = Upright(moved(m, func(p mesh.Vec3) mesh.Vec3 { return mesh.Vec3{p[0], p[2], -p[1]} }), r.Rand)
		case f.raw:
			m = Placed(m, r.Rand)
		default:
			m = Placed(r.deformed(m), r.Rand)
		}
		if report, err := mesh.Measure(m); err != nil || report.NonManifoldEdges > 0 || report.DegenerateFaces > 0 {
			continue
		}
		return Shape{f.name, m}, nil
	}
	return Shape{}, errRefused
}

// Placed returns m turned, mirrored and stretched at random: by quarter turns about any
// axis, for one in four by an angle about the vertical too, and by a factor of 2/3 to 3/2
// for each axis.
func Placed(m *mesh.Mesh, random *rand.Rand) *mesh.Mesh {
	r := dice{random}
	axes := [3]int{0, 1, 2}
	random.Shuffle(3, func(i, j int) { axes[i], axes[j] = axes[j], axes[i] })
	var a mesh.Matrix
	for i, axis := range axes {
		s := math.Exp(r.between(-0.4, 0.4))
		if random.IntN(2) == 0 {
			s = -s
		}
		a[4*axis+i] = s
	}
	a[15] = 1
	m = mesh.Transformed(m, a)
	if random.IntN(4) > 0 {
		return m
	}
	sin, cos := math.Sincos(r.between(0, 2*math.Pi))
	return mesh.Transformed(m, mesh.Matrix{cos, sin, 0, 0, -sin, cos, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1})
}

// Upright returns m, whose y axis points up, turned by quarter turns about it, mirrored and
// stretched by up to a fifth an axis, at random.
func Upright(m *mesh.Mesh, random *rand.Rand) *mesh.Mesh {
	r := dice{random}
	axes := [3]int{0, 1, 2}
	if r.chance(0.5) {
		axes = [3]int{2, 1, 0}
	}
	var a mesh.Matrix
	for i, axis := range axes {
		s := math.Exp(r.between(-0.2, 0.2))
		if axis != 1 && r.chance(0.5) {
			s = -s
		}
		a[4*axis+i] = s
	}
	a[15] = 1
	return mesh.Transformed(m, a)
}

// dice draws parameters.
type dice struct{ *rand.Rand }

func (r dice) between(lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// count draws a whole number, both ends included.
func (r dice) count(lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// even draws an even number.
func (r dice) even(lo, hi int) int { return r.count(lo/2, hi/2) * 2 }

func (r dice) chance(p float64) bool { return r.Float64() < p }

// deformed bends, tapers and twists a shape a little, one in two.
func (r dice) deformed(m *mesh.Mesh) *mesh.Mesh {
	if r.chance(0.5) {
		return m
	}
	unit, _, _, err := mesh.Normalize(m, 1)
	if err != nil {
		return m
	}
	taper, twist, bend, lean := r.between(-0.3, 0.3), 0.0, 0.0, 0.0
	switch r.IntN(3) {
	case 0:
		twist = r.between(-0.6, 0.6)
	case 1:
		bend = r.between(-0.5, 0.5)
	case 2:
		lean = r.between(-0.4, 0.4)
	}
	return moved(unit, func(p mesh.Vec3) mesh.Vec3 {
		s := 1 + taper*p[2]
		sin, cos := math.Sincos(twist * p[2])
		x, y := s*p[0], s*p[1]
		return mesh.Vec3{cos*x - sin*y + bend*p[2]*p[2] + lean*p[2], sin*x + cos*y, p[2]}
	})
}

// planes returns n+1 planes from lo to hi, each interval cut where the dice say.
func (r dice) cut(planes []float64, longest float64) (out []float64, of []int) {
	for i := range len(planes) - 1 {
		n := max(int(math.Ceil((planes[i+1]-planes[i])/longest-1e-9)), 1)
		for k := range n {
			out, of = append(out, planes[i]+(planes[i+1]-planes[i])*float64(k)/float64(n)), append(of, i)
		}
	}
	return append(out, planes[len(planes)-1]), of
}

// block returns the surface of a lattice whose planes are cut so that no cell is longer
// than a random length.
func (r dice) block(x, y, z []float64, solid func(x, y, z int) bool) *mesh.Mesh {
	side := max(x[len(x)-1]-x[0], y[len(y)-1]-y[0], z[len(z)-1]-z[0])
	longest := side * []float64{10, 1. / 2, 1. / 3, 1. / 4, 1. / 6}[r.IntN(5)]
	x, ofX := r.cut(x, longest)
	y, ofY := r.cut(y, longest)
	z, ofZ := r.cut(z, longest)
	return lattice{[3][]float64{x, y, z}, func(i, j, k int) bool { return solid(ofX[i], ofY[j], ofZ[k]) }}.mesh()
}
