// Package box has axis-aligned boxes for the trees of package mesh and mesh/distance.
package box

import "math"

// Box is an axis-aligned box.
type Box struct{ Lo, Hi [3]float64 }

// Empty returns a box that contains no point.
func Empty() Box {
	inf := math.Inf(1)
	return Box{[3]float64{inf, inf, inf}, [3]float64{-inf, -inf, -inf}}
}

// Include grows the box to hold p.
func (b *Box) Include(p [3]float64) {
	for i, x := range p {
		b.Lo[i], b.Hi[i] = min(b.Lo[i], x), max(b.Hi[i], x)
	}
}

// SquaredDistance returns the square of the distance from p to the box.
func (b *Box) SquaredDistance(p [3]float64) float64 {
	sum := 0.0
	for i, x := range p {
		d := max(b.Lo[i]-x, 0, x-b.Hi[i])
		sum += float64(d * d)
	}
	return sum
}

// Middle returns the centre of the box.
func (b *Box) Middle() (m [3]float64) {
	for i := range m {
		m[i] = float64(b.Lo[i]*0.5) + float64(b.Hi[i]*0.5)
	}
	return m
}

// MortonCode returns the Morton code of p in the smallest cube at b.Lo that
// contains the box, with 21 bits an axis, x highest.
func (b *Box) MortonCode(p [3]float64) uint64 {
	side := max(b.Hi[0]-b.Lo[0], b.Hi[1]-b.Lo[1], b.Hi[2]-b.Lo[2])
	if !(side > 0) || math.IsInf(side, 0) {
		return 0
	}
	code := uint64(0)
	for i, x := range p {
		cell := uint64(min((x-b.Lo[i])/side*(1<<21), 1<<21-1))
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
