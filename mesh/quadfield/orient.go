package quadfield

import (
	"math"
	"math/cmplx"

	"github.com/morton-gen/morton/mesh"
)

// field is a cross field: each vertex has a normal and one direction that stands
// for four at right angles.
type field struct {
	normal    []mesh.Vec3
	direction []mesh.Vec3
}

// orient finds the smoothest cross field along the feature lines. A direction at
// angle φ is the complex number e^{4iφ}, equal for all four directions. Numbers of
// neighbours differ by the angle between their frames. The field minimises the sum
// of squared differences with the vertices on lines fixed, a linear system solved by
// conjugate gradients. Without lines, a few rounds of inverse iteration find the
// smallest eigenvector.
//
// Source: Knöppel, Crane, Pinkall and Schröder, "Globally optimal direction fields",
// 2013, with uniform weights.
func (m *triangles) orient() field {
	f := field{normal: m.normals(), direction: make([]mesh.Vec3, len(m.at))}
	s := newSystem(m, f.normal)
	z := s.solve()
	for v := range f.direction {
		phi := cmplx.Phase(z[v]) / 4
		x, y := s.x[v], f.normal[v].Cross(s.x[v])
		f.direction[v] = x.Scale(math.Cos(phi)).Add(y.Scale(math.Sin(phi)))
	}
	return f
}

// system is the linear system of orient.
type system struct {
	m      *triangles
	x      []mesh.Vec3  // [v] the first axis of the frame
	turn   []complex128 // [h] rotates the number at the end of h into the frame of its start
	weight []float64    // [h]
	given  []bool       // [v] fixed
	value  []complex128 // [v] if fixed
}

func newSystem(m *triangles, normal []mesh.Vec3) *system {
	n := len(m.at)
	s := &system{
		m: m, x: make([]mesh.Vec3, n), turn: make([]complex128, len(m.from)), weight: make([]float64, len(m.from)),
		given: make([]bool, n), value: make([]complex128, n),
	}
	for v := range s.x {
		s.x[v] = across(normal[v])
	}
	angle := func(v int32, e mesh.Vec3) float64 {
		return math.Atan2(e.Dot(normal[v].Cross(s.x[v])), e.Dot(s.x[v]))
	}
	for h := range m.from {
		a, b, e := m.from[h], m.to(int32(h)), m.vec(int32(h))
		s.turn[h] = cmplx.Exp(complex(0, 4*(angle(a, e)-angle(b, e))))
		if s.weight[h] = 1; m.kind[a] == corner || m.kind[b] == corner {
			s.weight[h] = 0.01 // no direction at a corner suits all faces around it
		}
	}
	for v := range m.at {
		if t := m.tangent(int32(v)); t != (mesh.Vec3{}) {
			s.given[v], s.value[v] = true, cmplx.Exp(complex(0, 4*angle(int32(v), t)))
		}
	}
	return s
}

// across returns a unit vector perpendicular to n.
func across(n mesh.Vec3) mesh.Vec3 {
	axis := 0
	for i := range 3 {
		if math.Abs(n[i]) < math.Abs(n[axis]) {
			axis = i
		}
	}
	var e mesh.Vec3
	e[axis] = 1
	return e.Sub(n.Scale(n.Dot(e))).Unit()
}

// tangent returns the direction of the line through v, or zero.
func (m *triangles) tangent(v int32) (t mesh.Vec3) {
	if m.kind[v] != onLine {
		return t
	}
	for h := m.out[v]; ; {
		if m.line[h] != 0 {
			if e := m.vec(h).Unit(); t.Dot(e) < 0 {
				t = t.Sub(e)
			} else {
				t = t.Add(e)
			}
		}
		if h = m.spin(h); h == m.out[v] {
			return t.Unit()
		}
	}
}

// pull regularises the system where no value is fixed.
const pull = 1e-6

// apply computes the system's product with z. The result is 0 at fixed
// vertices.
func (s *system) apply(z, out []complex128) {
	for v := range out {
		out[v] = complex(pull, 0) * z[v]
	}
	for h, a := range s.m.from {
		b := s.m.to(int32(h))
		out[a] += complex(s.weight[h], 0) * (z[a] - s.turn[h]*z[b])
	}
	for v, given := range s.given {
		if given {
			out[v] = 0
		}
	}
}

func (s *system) solve() []complex128 {
	n := len(s.m.at)
	z, right := make([]complex128, n), make([]complex128, n)
	any := false
	for v, given := range s.given {
		any = any || given
		z[v] = complex(math.Cos(float64(v)), math.Sin(float64(v))) // an asymmetric start
	}
	if !any {
		const rounds = 4
		for range rounds {
			norm := 0.0
			for _, x := range z {
				norm += real(x)*real(x) + imag(x)*imag(x)
			}
			for v := range z {
				right[v] = z[v] / complex(math.Sqrt(norm), 0)
			}
			s.conjugate(z, right)
		}
		return z
	}
	for h, a := range s.m.from {
		if b := s.m.to(int32(h)); s.given[b] && !s.given[a] {
			right[a] += complex(s.weight[h], 0) * s.turn[h] * s.value[b]
		}
	}
	for v := range z {
		z[v] = 0
	}
	s.conjugate(z, right)
	for v, given := range s.given {
		if given {
			z[v] = s.value[v]
		}
	}
	return z
}

// conjugate solves the system by conjugate gradients, starting at z = 0.
func (s *system) conjugate(z, right []complex128) {
	const rounds, enough = 400, 1e-10
	n := len(z)
	r, p, q := make([]complex128, n), make([]complex128, n), make([]complex128, n)
	dot := func(a, b []complex128) (sum float64) {
		for v := range a {
			sum += real(a[v])*real(b[v]) + imag(a[v])*imag(b[v])
		}
		return sum
	}
	for v := range z {
		z[v] = 0
		if !s.given[v] {
			r[v] = right[v]
		}
		p[v] = r[v]
	}
	was := dot(r, r)
	first := was
	for i := 0; i < rounds && was > enough*first; i++ {
		s.apply(p, q)
		step := complex(was/dot(p, q), 0)
		for v := range z {
			z[v] += step * p[v]
			r[v] -= step * q[v]
		}
		is := dot(r, r)
		for v := range p {
			p[v] = r[v] + complex(is/was, 0)*p[v]
		}
		was = is
	}
}
