package worlds

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/codecs/clip"
)

// sprite is a shape with a texture that moves with it.
type sprite struct {
	x, y, radius, angle float64
	kind                int
	sides               int
	tex                 texture
	shadow              float64 // how dark its shadow is, 0 for none
}

const shapeKinds = 6

func drawSprite(r *rand.Rand, pictures []*clip.Clip) sprite {
	return sprite{
		x: 1.6*r.Float64() - 0.8, y: 1.6*r.Float64() - 0.8, radius: 0.12 + 0.3*r.Float64(), angle: 2 * math.Pi * r.Float64(),
		kind: r.IntN(shapeKinds), sides: 3 + r.IntN(5), tex: drawTexture(r, pictures), shadow: float64(r.IntN(2)) * 0.5 * r.Float64(),
	}
}

// distance is how far a point lies outside of the shape, negative inside, in units of
// the radius; u and v are the point in the shape's own frame.
func (s *sprite) distance(u, v float64) float64 {
	switch s.kind {
	case 0:
		return math.Hypot(u, v) - 1
	case 1: // a box
		return max(math.Abs(u)-0.8, math.Abs(v)-0.8)
	case 2: // a regular polygon
		n := math.Pi / float64(s.sides)
		a := math.Mod(math.Atan2(v, u)+4*math.Pi, 2*n) - n
		return math.Hypot(u, v)*math.Cos(a) - math.Cos(n)
	case 3: // a ring
		return math.Abs(math.Hypot(u, v)-0.75) - 0.25
	case 4: // a star
		a := math.Atan2(v, u) * float64(s.sides)
		return (math.Hypot(u, v) - 0.75 - 0.25*math.Cos(a)) * 0.8
	case rodKind:
		return max(math.Abs(u)-1, math.Abs(v)-0.05)
	}
	return math.Hypot(max(math.Abs(u)-0.6, 0), v) - 0.4 // a capsule
}

// view is where a camera looks.
type view struct{ x, y, zoom, angle float64 }

// paint fills a frame of size by size pixels with a background and sprites, the last in
// front.
func paint(dst []uint8, size int, cam view, back texture, sprites []sprite) {
	sin, cos := math.Sincos(cam.angle)
	pixel := 2 / float64(size) / cam.zoom
	for j := range size {
		for i := range size {
			u, v := (float64(i)+0.5)*pixel-1/cam.zoom, (float64(j)+0.5)*pixel-1/cam.zoom
			x, y := cam.x+cos*u-sin*v, cam.y+sin*u+cos*v
			c := back(x, y)
			for k := range sprites {
				c = sprites[k].over(c, x, y, pixel)
			}
			put(dst[3*(j*size+i):], c)
		}
	}
}

func put(dst []uint8, c colour) {
	for k, v := range c {
		dst[k] = uint8(min(max(v, 0), 1)*255 + 0.5)
	}
}

// over returns colour c with the sprite in front of it.
func (s *sprite) over(c colour, x, y, pixel float64) colour {
	dx, dy := x-s.x, y-s.y
	if reach := 1.3 * s.radius; dx > reach || dx < -reach || dy > reach || dy < -reach {
		return c
	}
	sin, cos := math.Sincos(s.angle)
	at := func(dx, dy float64) (u, v, cover float64) {
		u, v = (cos*dx+sin*dy)/s.radius, (cos*dy-sin*dx)/s.radius
		return u, v, min(max(0.5-s.distance(u, v)*s.radius/pixel, 0), 1)
	}
	if s.shadow > 0 {
		if _, _, cover := at(dx-0.15*s.radius, dy-0.15*s.radius); cover > 0 {
			c = c.times(1 - s.shadow*cover)
		}
	}
	u, v, cover := at(dx, dy)
	if cover == 0 {
		return c
	}
	return c.mix(s.tex(u*s.radius, v*s.radius), cover)
}
