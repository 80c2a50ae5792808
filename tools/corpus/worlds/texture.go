package worlds

import (
	"math"
	"math/rand/v2"

	"github.com/morton-gen/morton/codecs/clip"
)

type colour [3]float64

func (a colour) mix(b colour, u float64) colour {
	return colour{a[0] + (b[0]-a[0])*u, a[1] + (b[1]-a[1])*u, a[2] + (b[2]-a[2])*u}
}

func (a colour) times(k float64) colour { return colour{a[0] * k, a[1] * k, a[2] * k} }

// texture gives the colour of a point of the plane.
type texture func(x, y float64) colour

// palette draws colours that go together: near hues, different brightness.
func palette(r *rand.Rand, n int) []colour {
	hue, out := r.Float64(), make([]colour, n)
	for i := range out {
		out[i] = hsv(hue+0.25*r.NormFloat64(), 0.15+0.7*r.Float64(), 0.1+0.9*r.Float64())
	}
	return out
}

func hsv(h, s, v float64) (c colour) {
	for i := range c {
		k := math.Mod(5-2*float64(i)+6*(h-math.Floor(h)), 6)
		c[i] = v - v*s*max(0, min(k, 4-k, 1))
	}
	return c
}

// smooth goes from 0 at a to 1 at b.
func smooth(a, b, x float64) float64 {
	u := min(max((x-a)/(b-a), 0), 1)
	return u * u * (3 - 2*u)
}

// hash is a value in 0..1 for a point of a grid.
func hash(x, y int, seed uint32) float64 {
	h := uint32(x)*0x8da6b343 ^ uint32(y)*0xd8163841 ^ seed
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	h ^= h >> 15
	return float64(h) / (1 << 32)
}

// noise is smooth noise of one bump a unit, in 0..1.
func noise(x, y float64, seed uint32) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	u, v, i, j := x-fx, y-fy, int(fx), int(fy)
	u, v = u*u*(3-2*u), v*v*(3-2*v)
	top := hash(i, j, seed)*(1-u) + hash(i+1, j, seed)*u
	low := hash(i, j+1, seed)*(1-u) + hash(i+1, j+1, seed)*u
	return top*(1-v) + low*v
}

// clouds adds octaves of noise, in 0..1.
func clouds(x, y float64, octaves int, seed uint32) float64 {
	sum, weight, total := 0.0, 1.0, 0.0
	for o := range octaves {
		sum += weight * noise(x, y, seed+uint32(o)*7919)
		total += weight
		weight *= 0.55
		x, y = 2*x+5.3, 2*y+1.7
	}
	return sum / total
}

// drawTexture draws a texture at random. Edges are as soft as a pixel of a small picture,
// so that nothing flickers.
func drawTexture(r *rand.Rand, pictures []*clip.Clip) texture {
	if len(pictures) > 0 && r.IntN(2) == 0 {
		return photo(r, pictures)
	}
	c, seed, angle := palette(r, 3), r.Uint32(), 2*math.Pi*r.Float64()
	sin, cos := math.Sincos(angle)
	period := 0.35 + 0.8*r.Float64()
	const soft = 0.05
	wave := func(x float64) float64 { // a soft square wave
		u := math.Abs(math.Mod(math.Mod(x/period, 1)+1, 1) - 0.5)
		return smooth(0.25-soft/period, 0.25+soft/period, u)
	}
	turned := func(x, y float64) (float64, float64) { return cos*x + sin*y, cos*y - sin*x }
	grain := func(base texture) texture {
		return func(x, y float64) colour { return base(x, y).times(0.85 + 0.3*clouds(6*x, 6*y, 2, seed)) }
	}
	switch r.IntN(7) {
	case 0: // plain
		return grain(func(float64, float64) colour { return c[0] })
	case 1: // stripes
		return grain(func(x, y float64) colour { u, _ := turned(x, y); return c[0].mix(c[1], wave(u)) })
	case 2: // checks
		return grain(func(x, y float64) colour {
			u, v := turned(x, y)
			a, b := wave(u), wave(v)
			return c[0].mix(c[1], a+b-2*a*b)
		})
	case 3: // dots
		return grain(func(x, y float64) colour {
			u, v := turned(x, y)
			u, v = u-period*math.Round(u/period), v-period*math.Round(v/period)
			return c[0].mix(c[1], smooth(0.3*period+soft/2, 0.3*period-soft/2, math.Hypot(u, v)))
		})
	case 4: // a gradient
		return func(x, y float64) colour { u, _ := turned(x, y); return c[0].mix(c[1], smooth(-1.5, 1.5, u)) }
	case 5: // wood and marble: bent stripes
		return func(x, y float64) colour {
			u, v := turned(x, y)
			return c[0].mix(c[1], 0.5+0.5*math.Sin(2*math.Pi/period*(u+0.4*clouds(2*u, 2*v, 3, seed))))
		}
	}
	scale := 1 + 3*r.Float64()
	return func(x, y float64) colour { // clouds
		u := clouds(scale*x, scale*y, 4, seed)
		return c[0].mix(c[1], smooth(0.25, 0.75, u)).mix(c[2], smooth(0.55, 0.9, clouds(scale*x+9, scale*y, 3, seed^77)))
	}
}

// photo shows a frame of a picture, mirrored where it ends, about a pixel of it to a
// pixel of a picture of 64 by 64.
func photo(r *rand.Rand, pictures []*clip.Clip) texture {
	p := pictures[r.IntN(len(pictures))]
	frame := p.Frame(r.IntN(p.T))
	scale := 32 * (0.8 + 1.2*r.Float64())
	x0, y0, quarter := r.Float64()*float64(p.W), r.Float64()*float64(p.H), r.IntN(4)
	return func(x, y float64) colour {
		for range quarter {
			x, y = -y, x
		}
		return bilinear(frame, p.W, p.H, x0+scale*x, y0+scale*y)
	}
}

func mirrored(x float64, n int) float64 {
	m := float64(n - 1)
	x = math.Mod(math.Abs(x), 2*m)
	return min(x, 2*m-x)
}

func bilinear(pix []uint8, w, h int, x, y float64) (c colour) {
	x, y = mirrored(x, w), mirrored(y, h)
	i, j := min(int(x), w-2), min(int(y), h-2)
	u, v := x-float64(i), y-float64(j)
	a, b := pix[3*(j*w+i):], pix[3*((j+1)*w+i):]
	for k := range c {
		top := float64(a[k])*(1-u) + float64(a[k+3])*u
		low := float64(b[k])*(1-u) + float64(b[k+3])*u
		c[k] = (top*(1-v) + low*v) / 255
	}
	return c
}
