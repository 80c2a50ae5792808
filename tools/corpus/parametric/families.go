package parametric

import (
	"math"

	"github.com/morton-gen/morton/mesh"
)

// family draws a shape. Raw ones are not deformed.
type family struct {
	name string
	raw  bool
	draw func(r dice) *mesh.Mesh
}

var families = [2][]family{
	Train: {
		{"vase", false, vase},
		{"bowl", false, bowl},
		{"goblet", true, goblet},
		{"lampshade", false, lampshade},
		{"baluster", false, baluster},
		{"table", false, table},
		{"chair", false, chair},
		{"cabinet", false, cabinet},
		{"bed", false, bed},
		{"stairs", false, stairs},
		{"frame", false, frame},
		{"sofa", false, sofa},
		{"blob", false, blob},
		{"cushion", false, cushion},
		{"crate", false, crate},
		{"gear", false, gear},
		{"pipe", true, pipe},
		{"spring", true, spring},
		{"nut", false, nut},
		{"bolt", false, bolt},
		{"ring", false, ring},
		{"knot", true, knot},
		{"pebble", false, pebble},
		{"box", false, box},
		{"panel", false, panel},
		{"mushroom", true, mushroom},
		{"pawn", true, pawn},
		{"snowman", true, snowman},
		{"dumbbell", true, dumbbell},
		{"bulb", true, bulb},
		{"rocket", true, rocket},
		{"mug", true, mug},
		{"house", true, house},
		{"car", true, car},
		{"airplane", true, airplane},
		{"tree", true, tree},
		{"lamp", true, lamp},
		{"hammer", true, hammer},
		{"sword", true, sword},
		{"fence", true, fence},
		{"ladder", true, ladder},
	},
	HeldOut: {
		{"bottle", false, bottle}, {"stool", true, stool}, {"pulley", false, pulley}, {"bookcase", false, bookcase}, {"arch", true, arch}, {"bracket", false, bracket},
	},
}

// Lathed vessels.

// wave is a smooth random profile of n points between two heights.
func (r dice) wave(n int, lo, hi, least, most float64) (out []point) {
	a, b, f, phase := r.between(least, most), r.between(least, most), r.between(2, 6), r.between(0, 6)
	swing := r.between(0, 0.25) * (most - least)
	for i := range n {
		t := float64(i) / float64(n-1)
		out = append(out, point{max(a+(b-a)*t+swing*math.Sin(f*t+phase), least/2), lo + (hi-lo)*t})
	}
	return out
}

// cup closes a profile by a floor, and if it is thick by an inner wall.
func (r dice) cup(wall []point, thick bool) []point {
	out := append([]point{{0, wall[0].z}}, wall...)
	if wall[0].r > 0.5 {
		out = append([]point{{0, wall[0].z}, {wall[0].r / 2, wall[0].z}}, wall...)
	}
	if !thick {
		return out
	}
	t := r.between(0.05, 0.15)
	for i := len(wall) - 1; i >= 0; i-- {
		if p := wall[i]; i == len(wall)-1 || p.z > wall[0].z+t {
			out = append(out, point{max(p.r-t, 0.02), p.z})
		}
	}
	return append(out, point{0, wall[0].z + t})
}

func vase(r dice) *mesh.Mesh {
	return lathe(r.cup(r.wave(r.count(4, 9), 0, r.between(1, 3), 0.3, 1), r.chance(0.6)), r.even(6, 20)).mesh()
}

func bowl(r dice) *mesh.Mesh {
	var wall []point
	n, h, foot := r.count(3, 6), r.between(0.3, 1), r.between(0.2, 0.5)
	for i := range n {
		t := float64(i) / float64(n-1)
		wall = append(wall, point{foot + (1-foot)*math.Sqrt(t), h * t})
	}
	return lathe(r.cup(wall, r.chance(0.7)), r.even(6, 24)).mesh()
}

func goblet(r dice) *mesh.Mesh {
	foot, stem, height := r.between(0.4, 0.8), r.between(0.06, 0.15), r.between(0.6, 1.4)
	wall := []point{{foot, 0}, {foot, r.between(0.04, 0.1)}, {stem * 1.5, 0.15}, {stem, height / 2}, {stem * 1.3, height}}
	n, top, width := r.count(3, 5), height+r.between(0.6, 1.2), r.between(0.4, 0.8)
	for i := range n {
		t := float64(i+1) / float64(n)
		wall = append(wall, point{stem*1.3 + (width-stem)*math.Sqrt(t), height + (top-height)*t})
	}
	out := append([]point{{0, 0}}, wall...)
	for i := n - 1; i > 0; i-- {
		p := wall[len(wall)-n+i]
		out = append(out, point{max(p.r-0.07, 0.03), p.z})
	}
	return lathe(append(out, point{0, height + 0.15}), r.even(6, 16)).mesh()
}

func lampshade(r dice) *mesh.Mesh {
	return lathe(r.wave(r.count(2, 7), 0, r.between(0.5, 2), 0.3, 1), r.count(5, 24)).mesh()
}

func baluster(r dice) *mesh.Mesh {
	return turned(r.wave(r.count(4, 12), 0, r.between(2, 5), 0.2, 0.7), r.even(4, 14))
}

func bottle(r dice) *mesh.Mesh {
	neck, h, shoulder := r.between(0.15, 0.35), r.between(1.5, 3), r.between(0.5, 0.75)
	wall := []point{{0.7, 0}, {0.75, 0.08}, {0.75, h * shoulder / 2}, {0.75, h * shoulder}, {(neck + 0.75) / 2, h * (shoulder + 0.1)}, {neck, h * (shoulder + 0.18)}, {neck, h}, {neck * 1.2, h}, {neck * 1.2, h + 0.1}}
	return lathe(append(append([]point{{0, 0}}, wall...), point{0, h + 0.1}), r.even(6, 16)).mesh()
}

// Furniture of boards.

func table(r dice) *mesh.Mesh {
	w, d, h, top, leg := r.between(1, 3), r.between(0.8, 1.5), r.between(0.4, 1.2), r.between(0.05, 0.15), r.between(0.08, 0.2)
	in := r.between(0, 0.2)
	x := []float64{0, in, in + leg, w - in - leg, w - in, w}
	y := []float64{0, in, in + leg, d - in - leg, d - in, d}
	if in < 0.05 {
		x, y = []float64{0, leg, w - leg, w}, []float64{0, leg, d - leg, d}
	}
	legs := func(i, n int) bool { return n == 3 && i != 1 || n == 5 && (i == 1 || i == 3) }
	shelf := r.chance(0.3)
	z := []float64{0, 0.3 * h, 0.3*h + top, h, h + top}
	return r.block(x, y, z, func(i, j, k int) bool {
		inner := len(x) == 4 || i > 0 && i < 4 && j > 0 && j < 4
		return k == 3 || shelf && k == 1 && inner || legs(i, len(x)-1) && legs(j, len(y)-1)
	})
}

func chair(r dice) *mesh.Mesh {
	leg, seat, h, back := r.between(0.08, 0.16), r.between(0.06, 0.15), r.between(0.6, 1), r.between(0.6, 1.4)
	w := []float64{0, leg, 1 - leg, 1}
	slats := r.count(1, 3)
	z := []float64{0, h, h + seat}
	for range slats {
		at := z[len(z)-1]
		z = append(z, at+back/float64(slats)*0.5, at+back/float64(slats))
	}
	arms := r.chance(0.3)
	return r.block(w, w, z, func(i, j, k int) bool {
		post := i != 1 && j != 1
		switch {
		case k == 0:
			return post
		case k == 1:
			return true
		}
		return j == 2 && (i != 1 || k%2 == 1) || arms && k == 3 && i != 1
	})
}

func cabinet(r dice) *mesh.Mesh {
	t := r.between(0.05, 0.12)
	w, d, h := r.between(0.8, 2), r.between(0.5, 1), r.between(0.8, 2.5)
	doors := r.count(1, 3)
	x := []float64{0, t}
	for i := range doors {
		x = append(x, t+(w-2*t)*float64(i+1)/float64(doors))
		if i+1 < doors {
			x = append(x, x[len(x)-1]+t/2)
		}
	}
	x = append(x, w)
	foot := r.between(0.05, 0.2)
	return r.block(x, []float64{0, t, d - t/2, d}, []float64{0, foot, foot + t, h - t, h}, func(i, j, k int) bool {
		return k > 0 && (k != 2 || j < 2 || i%2 == 0) || k == 0 && (i == 0 || i == len(x)-2) && j < 2
	})
}

func bookcase(r dice) *mesh.Mesh {
	t, shelves := r.between(0.05, 0.12), r.count(2, 5)
	z := []float64{0, t}
	for range shelves {
		at := z[len(z)-1] + r.between(0.3, 0.6)
		z = append(z, at, at+t)
	}
	return r.block([]float64{0, t, r.between(0.8, 1.6), 1.7}, []float64{0, 0.4, 0.45}, z, func(i, j, k int) bool {
		return j == 1 || i != 1 || k%2 == 0
	})
}

func bed(r dice) *mesh.Mesh {
	leg, l := r.between(0.1, 0.2), r.between(1.8, 2.2)
	foot, head := r.between(0, 0.5), r.between(0.4, 1)
	return r.block([]float64{0, leg, 1.4 - leg, 1.4}, []float64{0, leg, l - leg, l}, []float64{0, 0.25, 0.5, 0.5 + foot*head + 0.01, 0.52 + head}, func(i, j, k int) bool {
		switch k {
		case 0:
			return i != 1 && j != 1
		case 1:
			return true
		case 2:
			return j == 2 || j == 0 && foot > 0.1
		}
		return j == 2
	})
}

func stairs(r dice) *mesh.Mesh {
	n := r.count(3, 8)
	var y, z []float64
	for i := range n + 1 {
		y, z = append(y, float64(i)), append(z, float64(i)*0.7)
	}
	hollow := r.chance(0.5)
	return r.block([]float64{0, r.between(1, 4)}, y, z, func(_, j, k int) bool { return k <= j && (!hollow || k >= j-1) })
}

func frame(r dice) *mesh.Mesh {
	w, h, t := r.between(0.6, 2), r.between(0.6, 2), r.between(0.05, 0.2)
	x, z := []float64{0, t, w + t}, []float64{0, t, h + t}
	if r.chance(0.4) { // a bar across
		x = append(x, w+2*t, 2*w+2*t)
	}
	if r.chance(0.4) {
		z = append(z, h+2*t, 2*h+2*t)
	}
	x, z = append(x, x[len(x)-1]+t), append(z, z[len(z)-1]+t)
	return r.block(x, []float64{0, r.between(0.05, 0.3)}, z, func(i, _, k int) bool { return i%2 == 0 || k%2 == 0 })
}

func crate(r dice) *mesh.Mesh {
	t := r.between(0.1, 0.2)
	planes := []float64{0, t, 1 - t, 1}
	z := []float64{0, t, 0.5, 0.5 + t, 1, 1 + t}
	return r.block(planes, planes, z, func(i, j, k int) bool {
		post := i != 1 && j != 1
		return post || k == 0 || k%2 == 0 && (i != 1 || j != 1)
	})
}

func box(r dice) *mesh.Mesh {
	return r.block([]float64{0, r.between(0.2, 2)}, []float64{0, r.between(0.2, 2)}, []float64{0, r.between(0.05, 2)}, func(int, int, int) bool { return true })
}

// panel is a board with steps, as fronts of drawers have.
func panel(r dice) *mesh.Mesh {
	b, c := r.between(0.1, 0.3), r.between(0.02, 0.1)
	w, h := r.between(1, 2), r.between(0.5, 2)
	return r.block([]float64{0, b, w - b, w}, []float64{0, 0.1, 0.1 + c}, []float64{0, b, h - b, h}, func(i, j, k int) bool {
		centre := i == 1 && k == 1
		return j == 0 || centre
	})
}

func sofa(r dice) *mesh.Mesh {
	arm, back, w := r.between(0.2, 0.35), r.between(0.2, 0.4), r.between(1, 2.5)
	m := lattice{
		[3][]float64{{0, arm, arm + w/2, arm + w, 2*arm + w}, {0, 0.8, 0.8 + back}, {0, 0.4, 0.7, r.between(0.9, 1.2)}},
		func(x, y, z int) bool { return z == 0 || y == 1 || z == 1 && (x == 0 || x == 3) },
	}.mesh()
	return subdivided(m)
}

// cushion is a subdivided block.
func cushion(r dice) *mesh.Mesh {
	m := r.block([]float64{0, r.between(0.5, 2)}, []float64{0, r.between(0.5, 1.5)}, []float64{0, r.between(0.1, 0.5)}, func(int, int, int) bool { return true })
	if m.NumFaces() > MaxFaces/4 {
		return m
	}
	return subdivided(m)
}

// blob is a random walk of cubes, made smooth.
func blob(r dice) *mesh.Mesh {
	solid := map[[3]int]bool{{3, 3, 3}: true}
	at := [3]int{3, 3, 3}
	for range r.count(2, 8) {
		a := r.IntN(3)
		at[a] = min(max(at[a]+2*r.IntN(2)-1, 1), 5)
		solid[at] = true
	}
	var planes [3][]float64
	for a := range planes {
		x := 0.0
		for range 8 {
			planes[a] = append(planes[a], x)
			x += r.between(0.5, 1.5)
		}
	}
	m := lattice{planes, func(x, y, z int) bool { return solid[[3]int{x, y, z}] }}.mesh()
	m = subdivided(m)
	if r.chance(0.3) && m.NumFaces() <= MaxFaces/4 {
		m = subdivided(m)
	}
	return m
}

// pebble is a sphere of quads, stretched and dented.
func pebble(r dice) *mesh.Mesh {
	a, f := r.between(0, 0.2), r.between(1, 3)
	s := mesh.Vec3{r.between(0.5, 1), r.between(0.5, 1), r.between(0.5, 1)}
	return moved(mesh.QuadSphere(r.count(2, 8)), func(p mesh.Vec3) mesh.Vec3 {
		k := 1 + a*math.Sin(f*p[0]+p[1])*math.Cos(f*p[2])
		return mesh.Vec3{k * s[0] * p[0], k * s[1] * p[1], k * s[2] * p[2]}
	})
}

// Mechanical parts.

// washer is a closed profile around an axis: outer and inner radius, and height.
func washer(outer, inner, h float64) []point {
	return []point{{inner, 0}, {outer, 0}, {outer, h}, {inner, h}}
}

func ring(r dice) *mesh.Mesh {
	n := r.even(6, 24)
	var s sheet
	if r.chance(0.5) {
		var section []point
		for _, p := range circle(r.between(0.1, 0.4), r.count(4, 10)) {
			section = append(section, point{1 + p.r, p.z})
		}
		s = lathe(section, n)
	} else {
		s = lathe(washer(1, r.between(0.3, 0.85), r.between(0.1, 1)), n)
	}
	s.wrapRows = true
	return s.mesh()
}

func gear(r dice) *mesh.Mesh {
	teeth, hole, depth := r.count(6, 16), r.between(0.2, 0.5), r.between(0.1, 0.3)
	s := lathe(washer(1, hole, r.between(0.2, 0.8)), 4*teeth)
	round := s.at
	s.wrapRows = true
	s.at = func(i, j int) mesh.Vec3 {
		p := round(i, j)
		if (i == 1 || i == 2) && j%4 > 1 {
			p[0], p[1] = p[0]*(1-depth), p[1]*(1-depth)
		}
		return p
	}
	return s.mesh()
}

func nut(r dice) *mesh.Mesh {
	s := lathe(washer(1, r.between(0.4, 0.7), r.between(0.3, 1)), 12)
	round := s.at
	s.wrapRows = true
	s.at = func(i, j int) mesh.Vec3 { // six flat sides: every second point is their middle
		p := round(i, j)
		if (i == 1 || i == 2) && j%2 == 1 {
			k := math.Cos(math.Pi / 6)
			p[0], p[1] = k*p[0], k*p[1]
		}
		return p
	}
	return s.mesh()
}

func bolt(r dice) *mesh.Mesh {
	head, shaft := r.between(0.2, 0.6), r.between(0.25, 0.6)
	n := 6 * r.count(1, 2)
	profile := []point{{1, 0}, {1, head}, {shaft, head}, {shaft, head + r.between(0.3, 1)}, {shaft, head + r.between(1, 3)}, {shaft * 0.7, head + 3.2}}
	return turned(profile, n)
}

func pulley(r dice) *mesh.Mesh {
	h, groove := r.between(0.3, 0.8), r.between(0.6, 0.9)
	s := lathe([]point{{0.25, 0}, {1, 0}, {1, h * 0.2}, {groove, h / 2}, {1, h * 0.8}, {1, h}, {0.25, h}}, r.even(8, 20))
	s.wrapRows = true
	return s.mesh()
}

// pipe is a tube along a path with a bend or two; thick ones have an inside.
func pipe(r dice) *mesh.Mesh {
	radius, n := r.between(0.15, 0.35), r.even(4, 12)
	path := r.bends(r.count(1, 2), r.between(0.5, 1), r.count(2, 4))
	s := sweep(circle(radius, n), path, false)
	if r.chance(0.5) {
		s.capFirst, s.capLast = true, true
		return s.mesh()
	}
	inner := sweep(circle(radius*r.between(0.6, 0.85), n), path, false)
	outer := s.at
	rows := s.rows
	s.rows, s.wrapRows = 2*rows, true
	s.at = func(i, j int) mesh.Vec3 { // out along one wall and back along the other
		if i < rows {
			return outer(i, j)
		}
		return inner.at(2*rows-1-i, j)
	}
	return s.mesh()
}

// bends is a path of straight pieces and quarter turns.
func (r dice) bends(turns int, radius float64, steps int) []mesh.Vec3 {
	at, ahead, side := mesh.Vec3{}, mesh.Vec3{1, 0, 0}, mesh.Vec3{0, 1, 0}
	path := []mesh.Vec3{at}
	for range turns {
		at = at.Add(ahead.Scale(r.between(0.4, 1.5)))
		path = append(path, at)
		if r.chance(0.5) {
			side = ahead.Cross(side)
		}
		centre := at.Add(side.Scale(radius))
		angle := r.between(0.6, math.Pi/2)
		a, b := ahead, side
		for k := range steps {
			sin, cos := math.Sincos(angle * float64(k+1) / float64(steps))
			at = centre.Add(a.Scale(radius * sin)).Sub(b.Scale(radius * cos))
			path = append(path, at)
		}
		sin, cos := math.Sincos(angle)
		ahead, side = a.Scale(cos).Add(b.Scale(sin)), b.Scale(cos).Sub(a.Scale(sin))
	}
	return append(path, at.Add(ahead.Scale(r.between(0.4, 1.5))))
}

func spring(r dice) *mesh.Mesh {
	turns, steps, pitch := r.between(1.5, 4), r.count(8, 14), r.between(0.5, 1)
	var path []mesh.Vec3
	n := int(turns * float64(steps))
	for i := range n + 1 {
		t := float64(i) / float64(steps)
		path = append(path, polar(1, 2*math.Pi*t, pitch*t))
	}
	s := sweep(circle(r.between(0.1, 0.22), r.even(4, 6)), path, false)
	s.capFirst, s.capLast = true, true
	return s.mesh()
}

func knot(r dice) *mesh.Mesh {
	p, q, n := float64(r.count(1, 3)), float64(r.count(0, 3)), r.count(16, 48)
	swing := r.between(0.1, 0.4)
	var path []mesh.Vec3
	for i := range n {
		t := 2 * math.Pi * float64(i) / float64(n)
		path = append(path, polar(1+swing*math.Cos(q*t), t, swing*math.Sin(p*t)))
	}
	return sweep(circle(r.between(0.1, 0.25), r.even(4, 8)), path, true).mesh()
}

func arch(r dice) *mesh.Mesh {
	n, h := r.count(4, 12), r.between(0.3, 1.5)
	path := []mesh.Vec3{{-1, 0, -h}}
	for i := range n + 1 {
		sin, cos := math.Sincos(math.Pi * float64(i) / float64(n))
		path = append(path, mesh.Vec3{-cos, 0, sin})
	}
	s := sweep(rectangle(r.between(0.2, 0.5), r.between(0.2, 0.8)), append(path, mesh.Vec3{1, 0, -h}), false)
	s.capFirst, s.capLast = true, true
	return s.mesh()
}

func bracket(r dice) *mesh.Mesh {
	t, rib := r.between(0.1, 0.25), r.between(0.1, 0.3)
	return r.block([]float64{0, 0.5 - rib/2, 0.5 + rib/2, 1}, []float64{0, t, 0.5, r.between(0.8, 1.5)}, []float64{0, t, 0.5, r.between(0.8, 1.5)}, func(i, j, k int) bool {
		return j == 0 || k == 0 || i == 1 && j == 1 && k == 1
	})
}

// stool is a lathed seat on swept legs, which are parts of their own.
func stool(r dice) *mesh.Mesh {
	parts := []*mesh.Mesh{turned([]point{{0.9, 0}, {1, 0.08}, {0.9, 0.16}}, r.even(8, 16))}
	legs, h, spread := r.count(3, 4), r.between(0.8, 2), r.between(0, 0.4)
	for i := range legs {
		angle := 2 * math.Pi * float64(i) / float64(legs)
		leg := sweep(circle(0.08, 4), []mesh.Vec3{polar(0.6+spread, angle, -h), polar(0.6, angle, -0.01)}, false)
		leg.capFirst, leg.capLast = true, true
		parts = append(parts, leg.mesh())
	}
	return joinAll(parts...)
}
