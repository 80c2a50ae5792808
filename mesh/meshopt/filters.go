package meshopt

import (
	"encoding/binary"
	"math"
)

// unfilter undoes the filter of v in place.
func unfilter(data []byte, v View) {
	switch {
	case v.Filter == "EXPONENTIAL":
		for at := 0; at < len(data); at += 4 {
			exponential(data[at:])
		}
	case v.Filter == "QUATERNION":
		for at := 0; at < len(data); at += 8 {
			quaternion(data[at:])
		}
	case v.Filter == "OCTAHEDRAL" && v.Stride == 4:
		for at := 0; at < len(data); at += 4 {
			p := octahedral(float64(int8(data[at])), float64(int8(data[at+1])), float64(int8(data[at+2])), math.MaxInt8)
			for i, x := range p {
				data[at+i] = byte(int8(x))
			}
		}
	case v.Filter == "OCTAHEDRAL":
		for at := 0; at < len(data); at += 8 {
			p := octahedral(short(data[at:]), short(data[at+2:]), short(data[at+4:]), math.MaxInt16)
			for i, x := range p {
				putShort(data[at+2*i:], x)
			}
		}
	}
}

func short(b []byte) float64 { return float64(int16(binary.LittleEndian.Uint16(b))) }

func putShort(b []byte, x float64) { binary.LittleEndian.PutUint16(b, uint16(int16(x))) }

// exponential turns a signed exponent of 8 bits and a signed mantissa of 24 into
// a float32.
func exponential(b []byte) {
	x := int32(binary.LittleEndian.Uint32(b))
	y := float32(math.Ldexp(float64(x<<8>>8), int(x>>24)))
	binary.LittleEndian.PutUint32(b, math.Float32bits(y))
}

// octahedral maps a point of the octahedron's net, where one stands for 1, to a
// direction and scales it to most.
func octahedral(x, y, one, most float64) [3]float64 {
	if one == 0 {
		return [3]float64{} // not allowed: the result is unspecified
	}
	x, y = x/one, y/one
	z := 1 - math.Abs(x) - math.Abs(y)
	t := min(z, 0)
	x -= math.Copysign(t, x)
	y -= math.Copysign(t, y)
	scale := most / math.Sqrt(x*x+y*y+z*z)
	return [3]float64{math.Round(x * scale), math.Round(y * scale), math.Round(z * scale)}
}

// quaternion computes the largest component, which is not stored.
func quaternion(b []byte) {
	last := int16(binary.LittleEndian.Uint16(b[6:]))
	unit := 1 / (math.Sqrt2 * float64(last|3))
	x, y, z := short(b)*unit, short(b[2:])*unit, short(b[4:])*unit
	w := math.Sqrt(max(0, 1-x*x-y*y-z*z))
	first := int(last & 3)
	for i, c := range [4]float64{w, x, y, z} {
		putShort(b[2*((first+i)%4):], math.Round(max(-1, min(1, c))*math.MaxInt16))
	}
}
