package parametric

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// Things of everyday life, most of several closed parts that touch or meet.

// brick is a block between two corners.
func brick(lo, hi mesh.Vec3) *mesh.Mesh {
	return lattice{[3][]float64{{lo[0], hi[0]}, {lo[1], hi[1]}, {lo[2], hi[2]}}, func(int, int, int) bool { return true }}.mesh()
}

// turned is a lathed profile, closed at both ends. The number of columns is even.
func turned(profile []point, columns int) *mesh.Mesh {
	s := lathe(profile, columns)
	s.capFirst, s.capLast = true, true
	return s.mesh()
}

// arc are n+1 points of a profile on a circle around the axis at a height, between angles
// above the horizon.
func arc(z, radius, from, to float64, n int) (out []point) {
	for i := range n + 1 {
		sin, cos := math.Sincos(from + (to-from)*float64(i)/float64(n))
		out = append(out, point{radius * cos, z + radius*sin})
	}
	return out
}

// alongX and alongY lay down what stands on the z axis.
func alongX(p mesh.Vec3) mesh.Vec3 { return mesh.Vec3{p[2], p[0], p[1]} }
func alongY(p mesh.Vec3) mesh.Vec3 { return mesh.Vec3{p[1], p[2], p[0]} }

func by(offset mesh.Vec3) func(mesh.Vec3) mesh.Vec3 {
	return func(p mesh.Vec3) mesh.Vec3 { return p.Add(offset) }
}

func ball(at mesh.Vec3, radius float64) *mesh.Mesh {
	return moved(mesh.QuadSphere(3), func(p mesh.Vec3) mesh.Vec3 { return at.Add(p.Scale(radius)) })
}

func mushroom(r dice) *mesh.Mesh {
	stem, h, brim := r.between(0.15, 0.35), r.between(0.5, 1.2), r.between(0.6, 1)
	profile := []point{{stem * r.between(1, 1.4), 0}, {stem, h / 2}, {stem, h}}
	for _, p := range arc(0, 1, 0, 1.45, r.count(3, 6)) {
		profile = append(profile, point{brim * p.r, h + brim*r.between(0.6, 0.61)*p.z})
	}
	return turned(profile, r.even(8, 20))
}

func pawn(r dice) *mesh.Mesh {
	h, head, foot := r.between(0.7, 1.1), r.between(0.22, 0.32), r.between(0.45, 0.6)
	profile := []point{{foot, 0}, {foot, 0.12}, {foot * 0.75, 0.2}, {0.22, 0.4}, {0.15, h}, {head * 1.1, h + 0.05}, {head * 0.6, h + 0.12}}
	return turned(append(profile, arc(h+0.1+head*0.8, head, -0.7, 1.4, r.count(4, 6))...), r.even(8, 18))
}

func snowman(r dice) *mesh.Mesh {
	z, radius := 0.0, r.between(0.5, 0.7)
	var parts []*mesh.Mesh
	for range r.count(2, 3) {
		parts = append(parts, ball(mesh.Vec3{0, 0, z}, radius))
		shrink := r.between(0.65, 0.8)
		z, radius = z+radius*(0.85+0.85*shrink), radius*shrink
	}
	return joinAll(parts...)
}

func dumbbell(r dice) *mesh.Mesh {
	disc, w, grip, l := r.between(0.35, 0.6), r.between(0.2, 0.4), r.between(0.08, 0.15), r.between(0.6, 1.2)
	return moved(turned([]point{{disc, 0}, {disc, w}, {grip, w}, {grip, w + l}, {disc, w + l}, {disc, 2*w + l}}, r.even(6, 16)), alongX)
}

func bulb(r dice) *mesh.Mesh {
	base, globe := r.between(0.2, 0.3), r.between(0.5, 0.7)
	profile := []point{{base, 0}, {base, 0.4}, {base * 1.1, 0.5}}
	return turned(append(profile, arc(0.5+globe*1.1, globe, -0.9, 1.4, r.count(5, 8))...), r.even(8, 18))
}

func rocket(r dice) *mesh.Mesh {
	w, h := r.between(0.25, 0.45), r.between(1.4, 2.4)
	parts := []*mesh.Mesh{turned([]point{{w, 0}, {w, h / 2}, {w, h}, {w * 0.8, h + w}, {w * 0.45, h + 2*w}, {w * 0.08, h + 2.6*w}}, r.even(8, 16))}
	fins, span, tall := r.count(3, 4), r.between(0.35, 0.6), r.between(0.4, 0.8)
	for i := range fins {
		angle := 2 * math.Pi * float64(i) / float64(fins)
		fin := moved(brick(mesh.Vec3{w * 0.7, -0.04, 0}, mesh.Vec3{w + span, 0.04, tall}), func(p mesh.Vec3) mesh.Vec3 {
			at := polar(p[0], angle, p[2]-(p[0]-w)*0.6)
			return at.Add(polar(p[1], angle+math.Pi/2, 0))
		})
		parts = append(parts, fin)
	}
	return joinAll(parts...)
}

func mug(r dice) *mesh.Mesh {
	h, t, n := r.between(0.9, 1.6), r.between(0.07, 0.12), r.even(10, 20)
	top := r.between(0.5, 0.65)
	cup := lathe([]point{{0, 0}, {0.28, 0}, {0.55, 0}, {(0.55 + top) / 2, h / 2}, {top, h}, {top - t, h}, {(0.55+top)/2 - t, h / 2}, {0.55 - t, t}, {0.25, t}, {0, t}}, n).mesh()
	var path []mesh.Vec3
	for _, p := range arc(h/2, h*r.between(0.25, 0.32), -math.Pi/2, math.Pi/2, 6) {
		path = append(path, mesh.Vec3{0.52 + p.r, 0, p.z})
	}
	handle := sweep(circle(r.between(0.06, 0.1), 6), path, false)
	handle.capFirst, handle.capLast = true, true
	return joinAll(cup, handle.mesh())
}

// roof is a gable over a rectangle, from a height on.
func roof(w, d, z, h float64) *mesh.Mesh {
	m := lattice{[3][]float64{{-w, 0, w}, {-d, d}, {z, z + h}}, func(int, int, int) bool { return true }}.mesh()
	return moved(m, func(p mesh.Vec3) mesh.Vec3 {
		if p[2] > z && p[0] != 0 {
			p[2] = z + 0.08
		}
		return p
	})
}

func house(r dice) *mesh.Mesh {
	w, d, h, slope := r.between(0.5, 0.8), r.between(0.5, 1.1), r.between(0.5, 1.1), r.between(0.35, 0.8)
	parts := []*mesh.Mesh{brick(mesh.Vec3{-w, -d, 0}, mesh.Vec3{w, d, h}), roof(w*1.2, d*1.15, h-0.02, slope)}
	if r.chance(0.6) {
		y := r.between(-0.6, 0.6) * d
		parts = append(parts, brick(mesh.Vec3{w * 0.4, y, h}, mesh.Vec3{w * 0.65, y + 0.2, h + slope + r.between(0, 0.25)}))
	}
	return joinAll(parts...)
}

func car(r dice) *mesh.Mesh {
	l, w, low, top := r.between(1.8, 2.6), r.between(0.8, 1.1), r.between(0.3, 0.45), r.between(0.3, 0.45)
	front, rear := r.between(0.2, 0.35), r.between(0.75, 0.98)
	body := lattice{[3][]float64{{0, front * l, rear * l, l}, {0, w}, {0.2, 0.2 + low, 0.2 + low + top}}, func(x, _, z int) bool { return z == 0 || x == 1 }}.mesh()
	lean := r.between(0.1, 0.3)
	body = moved(body, func(p mesh.Vec3) mesh.Vec3 {
		if p[2] > 0.21+low {
			p[0] += lean * (rear*l + front*l - 2*p[0]) / ((rear - front) * l) * 0.7
			p[1] += (w/2 - p[1]) * 0.15
		}
		return p
	})
	parts, radius := []*mesh.Mesh{body}, r.between(0.2, 0.28)
	for _, x := range []float64{0.2 * l, 0.8 * l} {
		for _, y := range []float64{-0.06, w - 0.12} {
			parts = append(parts, moved(moved(turned([]point{{radius, 0}, {radius, 0.18}}, 12), alongY), by(mesh.Vec3{x, y, 0.2})))
		}
	}
	return joinAll(parts...)
}

func airplane(r dice) *mesh.Mesh {
	l, w := r.between(1.8, 2.6), r.between(0.14, 0.24)
	fuselage := turned([]point{{w * 0.2, 0}, {w * 0.5, 0.25 * l}, {w, 0.45 * l}, {w, 0.85 * l}, {w * 0.8, 0.95 * l}, {w * 0.3, l}}, r.even(8, 12))
	parts := []*mesh.Mesh{moved(fuselage, alongX)}
	back := r.between(0, 0.6)
	wing := func(at, chord, span, z, taper float64) *mesh.Mesh {
		m := lattice{[3][]float64{{0, chord}, {-span, 0, span}, {z, z + 0.07}}, func(int, int, int) bool { return true }}.mesh()
		return moved(m, func(p mesh.Vec3) mesh.Vec3 {
			out := math.Abs(p[1]) / span
			return mesh.Vec3{at + p[0]*(1-taper*out) - back*math.Abs(p[1]), p[1], p[2]}
		})
	}
	parts = append(parts, wing(0.5*l, r.between(0.35, 0.5), r.between(0.9, 1.4), r.between(-0.1, 0.05), 0.5))
	tail := r.between(0.35, 0.5)
	parts = append(parts, wing(0.03*l, 0.3, tail, 0, 0.4))
	fin := moved(brick(mesh.Vec3{0.02 * l, -0.035, 0}, mesh.Vec3{0.02*l + 0.35, 0.035, tail + 0.1}), func(p mesh.Vec3) mesh.Vec3 {
		p[0] -= 0.4 * p[2]
		return p
	})
	return joinAll(append(parts, fin)...)
}

// tree is a fir or a tree with a round crown.
func tree(r dice) *mesh.Mesh {
	trunk, h := r.between(0.08, 0.16), r.between(0.4, 1)
	parts := []*mesh.Mesh{turned([]point{{trunk * 1.3, 0}, {trunk, h + 0.1}}, 8)}
	if r.chance(0.5) {
		radius := r.between(0.4, 0.7)
		return joinAll(append(parts, ball(mesh.Vec3{0, 0, h + radius*0.8}, radius))...)
	}
	w := r.between(0.45, 0.7)
	for range r.count(2, 3) {
		parts = append(parts, turned([]point{{w, h}, {w * 0.5, h + 0.35}, {w * 0.06, h + 0.7}}, 10))
		h, w = h+0.4, w*0.8
	}
	return joinAll(parts...)
}

func lamp(r dice) *mesh.Mesh {
	foot, h, wide, tall := r.between(0.3, 0.5), r.between(0.7, 2), r.between(0.4, 0.7), r.between(0.4, 0.8)
	stem := r.between(0.05, 0.1)
	return turned([]point{{foot, 0}, {foot, 0.08}, {stem, 0.12}, {stem, h / 2}, {stem, h}, {wide, h}, {wide * r.between(0.4, 0.9), h + tall}}, r.even(8, 18))
}

func hammer(r dice) *mesh.Mesh {
	h, w, l := r.between(1.4, 2.2), r.between(0.15, 0.25), r.between(0.4, 0.6)
	return joinAll(
		turned([]point{{0.1, 0}, {0.08, h / 2}, {0.08, h}}, 8),
		brick(mesh.Vec3{-l, -w, h - 0.05}, mesh.Vec3{l * r.between(0.6, 1), w, h + 2*w}))
}

func sword(r dice) *mesh.Mesh {
	l, w, guard := r.between(1.6, 2.6), r.between(0.1, 0.18), r.between(0.3, 0.5)
	blade := lattice{[3][]float64{{-w, w}, {-0.06, 0.06}, {0.55, 0.55 + 0.8*l, 0.55 + l}}, func(int, int, int) bool { return true }}.mesh()
	blade = moved(blade, func(p mesh.Vec3) mesh.Vec3 {
		if p[2] > 0.5+0.9*l {
			p[0] *= 0.1
		}
		return p
	})
	return joinAll(blade,
		brick(mesh.Vec3{-guard, -0.1, 0.48}, mesh.Vec3{guard, 0.1, 0.6}),
		turned([]point{{0.12, 0}, {0.08, 0.1}, {0.08, 0.5}}, 8))
}

func fence(r dice) *mesh.Mesh {
	n, gap, h, t := r.count(3, 6), r.between(0.2, 0.5), r.between(0.8, 1.4), r.between(0.1, 0.16)
	var x []float64
	for i := range n {
		x = append(x, float64(i)*(gap+t), float64(i)*(gap+t)+t)
	}
	low, high := h*r.between(0.15, 0.3), h*r.between(0.6, 0.75)
	return r.block(x, []float64{0, t}, []float64{0, low, low + t, high, high + t, h}, func(i, _, k int) bool { return i%2 == 0 || k == 1 || k == 3 })
}

func ladder(r dice) *mesh.Mesh {
	n, gap, t, w := r.count(3, 7), r.between(0.25, 0.4), r.between(0.08, 0.12), r.between(0.4, 0.7)
	z := []float64{0}
	for range n {
		at := z[len(z)-1] + gap
		z = append(z, at, at+t)
	}
	z = append(z, z[len(z)-1]+gap)
	return r.block([]float64{0, t, t + w, 2*t + w}, []float64{0, t}, z, func(i, _, k int) bool { return i != 1 || k%2 == 1 })
}
