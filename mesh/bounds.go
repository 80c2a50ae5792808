package mesh

import "math"

// bounds is an axis-aligned box.
type bounds struct{ lo, hi Vec3 }

// emptyBounds returns a box that contains no point.
func emptyBounds() bounds {
	inf := math.Inf(1)
	return bounds{Vec3{inf, inf, inf}, Vec3{-inf, -inf, -inf}}
}

// include grows the box to hold p.
func (b *bounds) include(p Vec3) {
	for i, x := range p {
		b.lo[i], b.hi[i] = min(b.lo[i], x), max(b.hi[i], x)
	}
}

// squaredDistance returns the square of the distance from p to the box.
func (b *bounds) squaredDistance(p Vec3) float64 {
	sum := 0.0
	for i, x := range p {
		d := max(b.lo[i]-x, 0, x-b.hi[i])
		sum += float64(d * d)
	}
	return sum
}

func (b *bounds) middle() Vec3 { return b.lo.Scale(0.5).Add(b.hi.Scale(0.5)) }

// mortonCode returns the Morton code of p in the smallest cube at b.lo that
// contains the box, with 21 bits an axis, x highest.
func (b *bounds) mortonCode(p Vec3) uint64 {
	size := b.hi.Sub(b.lo)
	side := max(size[0], size[1], size[2])
	if !(side > 0) || math.IsInf(side, 0) {
		return 0
	}
	code := uint64(0)
	for i, x := range p {
		cell := uint64(min((x-b.lo[i])/side*(1<<21), 1<<21-1))
		code |= spread(cell) << (2 - i)
	}
	return code
}

// spread moves bit i of a 21-bit number to bit 3i.
func spread(x uint64) uint64 {
	x = (x | x<<32) & 0x001f00000000ffff
	x = (x | x<<16) & 0x001f0000ff0000ff
	x = (x | x<<8) & 0x100f00f00f00f00f
	x = (x | x<<4) & 0x10c30c30c30c30c3
	x = (x | x<<2) & 0x1249249249249249
	return x
}
