package worlds

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/codecs/clip"
)

// Shape is the shape of the clips to draw.
type Shape struct{ Frames, Size int }

// World draws clips of one kind.
type World struct {
	Name    string
	HeldOut bool // no training sees this world
	// scene draws a clip's beginning and returns what shows frame after frame.
	scene func(r *rand.Rand, pictures []*clip.Clip) func(dst []uint8, size, t int)
}

// All returns the worlds. Two of them are held out.
func All() []World {
	return []World{
		{"bounce", false, bounce},
		{"fall", false, fall},
		{"drift", false, drift},
		{"orbit", false, orbit},
		{"camera", false, cameraOnly},
		{"flow", false, flow},
		{"light", false, light},
		{"floor", false, floor},
		{"globe", false, globe},
		{"pendulum", true, pendulum},
		{"doors", true, doors},
	}
}

// Draw draws a clip. Equal arguments give equal bytes.
func Draw(w World, s Shape, pictures []*clip.Clip, seed uint64) *clip.Clip {
	r := rand.New(rand.NewPCG(seed, 0x776f726c6473)) // "worlds"
	show := w.scene(r, pictures)
	c := clip.New(s.Frames, s.Size, s.Size, clip.Rate{Num: 25, Den: 1})
	for t := range s.Frames {
		show(c.Frame(t), s.Size, t)
	}
	return c
}

// camera draws a camera's path: in half of the clips it stands still.
func camera(r *rand.Rand, moves bool) func(t int) view {
	from := view{x: r.NormFloat64(), y: r.NormFloat64(), zoom: 0.8 + 0.5*r.Float64(), angle: 0.2 * r.NormFloat64()}
	var by view
	if moves {
		const frames = 32
		far := 2.5 * r.Float64() / frames
		sin, cos := math.Sincos(2 * math.Pi * r.Float64())
		by = view{x: far * cos, y: far * sin}
		if r.IntN(3) == 0 {
			by.zoom = (r.Float64() - 0.5) / frames
		}
		if r.IntN(3) == 0 {
			by.angle = 1.5 * (r.Float64() - 0.5) / frames
		}
	}
	sway, pace := 0.0, 0.1+0.2*r.Float64()
	if moves && r.IntN(4) == 0 {
		sway = 0.1 * r.Float64()
	}
	return func(t int) view {
		u := float64(t)
		return view{from.x + by.x*u + sway*math.Sin(pace*u), from.y + by.y*u, from.zoom * math.Exp(by.zoom*u), from.angle + by.angle*u}
	}
}

func coin(r *rand.Rand) bool { return r.IntN(2) == 0 }

// body is a sprite with a velocity, a frame.
type body struct {
	sprite
	vx, vy, spin float64
}

func drawBodies(r *rand.Rand, pictures []*clip.Clip, n int, speed float64) []body {
	out := make([]body, n)
	for i := range out {
		v, angle := speed*(0.3+r.Float64()), 2*math.Pi*r.Float64()
		out[i] = body{sprite: drawSprite(r, pictures), vx: v * math.Cos(angle), vy: v * math.Sin(angle)}
		if coin(r) {
			out[i].spin = 0.1 * r.NormFloat64()
		}
	}
	return out
}

// substeps of a frame.
const substeps = 8

// advance moves bodies by a frame within walls at ±1; loss is what a bounce keeps.
func advance(b []body, gravity, keep float64) {
	for range substeps {
		for i := range b {
			p := &b[i]
			p.vy += gravity / substeps
			p.x += p.vx / substeps
			p.y += p.vy / substeps
			p.angle += p.spin / substeps
			p.vx, p.x = wall(p.vx, p.x, p.radius, keep)
			p.vy, p.y = wall(p.vy, p.y, p.radius, keep)
			for j := range i {
				collide(p, &b[j], keep)
			}
		}
	}
}

func wall(v, x, radius, keep float64) (float64, float64) {
	if far := 1 - radius; math.Abs(x) > far {
		side := math.Copysign(1, x)
		if v*side > 0 {
			v *= -keep
		}
		return v, side * far
	}
	return v, x
}

// collide lets two bodies bounce off each other as discs whose mass is their area.
func collide(a, b *body, keep float64) {
	dx, dy := b.x-a.x, b.y-a.y
	d := math.Hypot(dx, dy)
	if d >= a.radius+b.radius || d == 0 {
		return
	}
	dx, dy = dx/d, dy/d
	ma, mb := a.radius*a.radius, b.radius*b.radius
	push := a.radius + b.radius - d
	a.x, a.y = a.x-dx*push*mb/(ma+mb), a.y-dy*push*mb/(ma+mb)
	b.x, b.y = b.x+dx*push*ma/(ma+mb), b.y+dy*push*ma/(ma+mb)
	if closing := (a.vx-b.vx)*dx + (a.vy-b.vy)*dy; closing > 0 {
		k := (1 + keep) * closing / (ma + mb)
		a.vx, a.vy = a.vx-k*mb*dx, a.vy-k*mb*dy
		b.vx, b.vy = b.vx+k*ma*dx, b.vy+k*ma*dy
	}
}

func sprites(b []body) []sprite {
	out := make([]sprite, len(b))
	for i := range b {
		out[i] = b[i].sprite
	}
	return out
}

// inBox shows bodies in a box, before a camera that frames it.
func inBox(r *rand.Rand, pictures []*clip.Clip, n int, speed, gravity, keep float64) func([]uint8, int, int) {
	back, b := drawTexture(r, pictures), drawBodies(r, pictures, n, speed)
	return func(dst []uint8, size, t int) {
		if t > 0 {
			advance(b, gravity, keep)
		}
		paint(dst, size, view{zoom: 1}, back, sprites(b))
	}
}

func bounce(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	return inBox(r, pictures, 1+r.IntN(5), 0.07, 0, 1)
}

func fall(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	return inBox(r, pictures, 1+r.IntN(4), 0.05, 0.004+0.006*r.Float64(), 0.6+0.35*r.Float64())
}

// drift: bodies pass each other at constant speed, before a camera that may move.
func drift(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	back, b, cam := drawTexture(r, pictures), drawBodies(r, pictures, 1+r.IntN(6), 0.05), camera(r, coin(r))
	from := cam(0)
	for i := range b {
		b[i].x += from.x
		b[i].y += from.y
	}
	return func(dst []uint8, size, t int) {
		for i := range b {
			if t > 0 {
				b[i].x, b[i].y, b[i].angle = b[i].x+b[i].vx, b[i].y+b[i].vy, b[i].angle+b[i].spin
			}
		}
		paint(dst, size, cam(t), back, sprites(b))
	}
}

// orbit: shapes go around a centre, moons around shapes.
func orbit(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	back, b := drawTexture(r, pictures), drawBodies(r, pictures, 2+r.IntN(4), 0)
	far, pace, phase := make([]float64, len(b)), make([]float64, len(b)), make([]float64, len(b))
	for i := range b {
		far[i], phase[i] = 0.25+0.25*float64(i)*r.Float64(), 2*math.Pi*r.Float64()
		pace[i] = math.Copysign(0.03+0.09*r.Float64(), r.NormFloat64())
	}
	around := r.IntN(2) // of the middle, or each of the one before
	return func(dst []uint8, size, t int) {
		s := sprites(b)
		for i := range s {
			sin, cos := math.Sincos(phase[i] + pace[i]*float64(t))
			s[i].x, s[i].y = far[i]*cos, far[i]*sin
			if i > 0 && around == 1 {
				s[i].x, s[i].y = s[i-1].x+far[i]*cos, s[i-1].y+far[i]*sin
			}
			s[i].angle += b[i].spin * float64(t)
		}
		paint(dst, size, view{zoom: 0.9}, back, s)
	}
}

func cameraOnly(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	back, cam := drawTexture(r, pictures), camera(r, true)
	return func(dst []uint8, size, t int) { paint(dst, size, cam(t), back, nil) }
}

// flow: a texture is carried along by whirls that turn slowly.
func flow(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	tex, seed := drawTexture(r, pictures), r.Uint32()
	strong, wide := 0.1+0.4*r.Float64(), 1+2*r.Float64()
	vx, vy, pace := 0.03*r.NormFloat64(), 0.03*r.NormFloat64(), 0.02+0.06*r.Float64()
	return func(dst []uint8, size, t int) {
		u := float64(t)
		paint(dst, size, view{zoom: 1}, func(x, y float64) colour {
			a := strong * (noise(wide*x+pace*u, wide*y, seed) - 0.5)
			b := strong * (noise(wide*x, wide*y-pace*u, seed+1) - 0.5)
			return tex(x+a+vx*u, y+b+vy*u)
		}, nil)
	}
}

// light: a lamp moves over a rough surface with some things on it.
func light(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	tex, seed, b := drawTexture(r, pictures), r.Uint32(), drawBodies(r, pictures, r.IntN(3), 0)
	rough, wide, dark := 0.3*r.Float64(), 0.5+r.Float64(), 0.05+0.3*r.Float64()
	lamp := drawBodies(r, nil, 1, 0.06)
	return func(dst []uint8, size, t int) {
		if t > 0 {
			advance(lamp, 0, 1)
		}
		lx, ly := lamp[0].x, lamp[0].y
		shade := func(x, y float64) float64 {
			const e = 0.02
			h := func(x, y float64) float64 { return rough * clouds(4*x, 4*y, 2, seed) }
			nx, ny := (h(x-e, y)-h(x+e, y))/(2*e), (h(x, y-e)-h(x, y+e))/(2*e)
			dx, dy, dz := lx-x, ly-y, 0.5*wide
			return dark + 1.2*max(0, nx*dx+ny*dy+dz)/math.Sqrt(1+nx*nx+ny*ny)/math.Sqrt(dx*dx+dy*dy+dz*dz)/(1+(dx*dx+dy*dy)/(wide*wide))
		}
		s := sprites(b)
		for i := range s {
			own, x0, y0 := s[i].tex, s[i].x, s[i].y
			s[i].tex = func(x, y float64) colour { return own(x, y).times(shade(x0, y0)) }
		}
		paint(dst, size, view{zoom: 1}, func(x, y float64) colour { return tex(x, y).times(shade(x, y)) }, s)
	}
}

// floor: a floor passes below a camera that turns, under a sky.
func floor(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	ground, sky := drawTexture(r, pictures), drawTexture(r, pictures)
	horizon, speed, turn, angle := -0.4+0.5*r.Float64(), 0.04*r.NormFloat64(), 0.02*r.NormFloat64(), 2*math.Pi*r.Float64()
	haze := palette(r, 1)[0]
	return func(dst []uint8, size, t int) {
		u := float64(t)
		a := angle + turn*u
		sin, cos := math.Sincos(a)
		paint(dst, size, view{zoom: 1}, func(x, y float64) colour {
			down := y - horizon
			if down <= 0.02 {
				return sky(x*0.7+a, y).mix(haze, smooth(-0.3, 0.02, down))
			}
			z := 0.5 / down
			gx, gy := x*z, z+speed*u
			return ground(cos*gx-sin*gy, sin*gx+cos*gy).mix(haze, smooth(2, 8, z))
		}, nil)
	}
}

// globe: a textured ball turns in the light, still or passing by.
func globe(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	back, tex := drawTexture(r, pictures), drawTexture(r, pictures)
	radius, spin, tilt, lean := 0.35+0.4*r.Float64(), 0.08*r.NormFloat64(), 0.5*r.NormFloat64(), 2*math.Pi*r.Float64()
	x0, y0, vx, vy := 0.3*r.NormFloat64(), 0.3*r.NormFloat64(), 0.015*r.NormFloat64(), 0.015*r.NormFloat64()
	ls, lc := math.Sincos(lean)
	ts, tc := math.Sincos(tilt)
	return func(dst []uint8, size, t int) {
		u := float64(t)
		cx, cy, pixel := x0+vx*u, y0+vy*u, 2/float64(size)
		paint(dst, size, view{zoom: 1}, func(x, y float64) colour {
			c := back(x, y)
			px, py := (x-cx)/radius, (y-cy)/radius
			d := math.Hypot(px, py)
			cover := min(max(0.5-(d-1)*radius/pixel, 0), 1)
			if cover == 0 {
				return c
			}
			z := math.Sqrt(max(1-d*d, 0))
			shade := 0.25 + 0.75*max(0, 0.6*(lc*px+ls*py)+0.8*z)
			qy, qz := tc*py-ts*z, ts*py+tc*z
			return c.mix(tex(radius*(math.Atan2(px, qz)+spin*u), radius*math.Asin(min(max(qy, -1), 1))).times(shade), cover)
		}, nil)
	}
}

// pendulum: weights swing on rods.
func pendulum(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	back, b := drawTexture(r, pictures), drawBodies(r, pictures, 1+r.IntN(3), 0)
	rod := palette(r, 1)[0]
	long, wide, phase := make([]float64, len(b)), make([]float64, len(b)), make([]float64, len(b))
	for i := range b {
		long[i], wide[i], phase[i] = 0.6+0.8*r.Float64(), 0.3+0.6*r.Float64(), 2*math.Pi*r.Float64()
		b[i].x, b[i].radius = 1.2*r.Float64()-0.6, 0.12+0.15*r.Float64()
	}
	return func(dst []uint8, size, t int) {
		var s []sprite
		for i := range b {
			angle := wide[i] * math.Cos(phase[i]+0.14*float64(t)/math.Sqrt(long[i]))
			sin, cos := math.Sincos(angle)
			s = append(s, sprite{
				x: b[i].x + 0.5*long[i]*sin, y: -0.9 + 0.5*long[i]*cos, radius: 0.5 * long[i], angle: math.Pi/2 - angle,
				kind: rodKind, tex: func(float64, float64) colour { return rod },
			})
			w := b[i].sprite
			w.x, w.y, w.angle = b[i].x+long[i]*sin, -0.9+long[i]*cos, w.angle-angle
			s = append(s, w)
		}
		paint(dst, size, view{zoom: 1}, back, s)
	}
}

// rodKind is a thin box, see sprite.distance.
const rodKind = shapeKinds

// doors: panels slide open and shut over a picture.
func doors(r *rand.Rand, pictures []*clip.Clip) func([]uint8, int, int) {
	back, left, right := drawTexture(r, pictures), drawTexture(r, pictures), drawTexture(r, pictures)
	pace, phase, angle := 0.06+0.1*r.Float64(), 2*math.Pi*r.Float64(), 2*math.Pi*r.Float64()
	sin, cos := math.Sincos(angle)
	return func(dst []uint8, size, t int) {
		open, pixel := 0.5+0.5*math.Cos(phase+pace*float64(t)), 2/float64(size)
		paint(dst, size, view{zoom: 1}, func(x, y float64) colour {
			u, v := cos*x+sin*y, cos*y-sin*x
			c := back(x, y)
			c = c.mix(left(u+open, v), min(max(0.5+(-open-u)/pixel, 0), 1))
			return c.mix(right(u-open, v), min(max(0.5+(u-open)/pixel, 0), 1))
		}, nil)
	}
}
