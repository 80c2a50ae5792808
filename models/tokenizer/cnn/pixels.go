package cnn

import "math"

// Colours are the channels of a picture: red, green, blue.
const Colours = 3

// Float maps a byte to -1..1.
func Float(b uint8) float32 { return float32(float64(b)/127.5 - 1) }

// Byte maps -1..1 to a byte, to the nearest; what is outside is cut off.
func Byte(x float32) uint8 {
	return uint8(math.Round((min(max(float64(x), -1), 1) + 1) * 127.5))
}

// FromBytes maps the bytes of a picture.
func FromBytes(pix []uint8) []float32 {
	x := make([]float32, len(pix))
	for i, b := range pix {
		x[i] = Float(b)
	}
	return x
}

// ToBytes maps the values of a picture.
func ToBytes(x []float32) []uint8 {
	out := make([]uint8, len(x))
	for i, v := range x {
		out[i] = Byte(v)
	}
	return out
}

// Widen puts pixels of three values where the device has four, the fourth 0.
func Widen(x []float32) []float32 {
	out := make([]float32, len(x)/Colours*even(Colours))
	for i, v := range x {
		out[i/Colours*even(Colours)+i%Colours] = v
	}
	return out
}

// Narrow takes the fourth value of every pixel away, in place.
func Narrow(x []float32) []float32 {
	n := len(x) / even(Colours) * Colours
	for i := range n {
		x[i] = x[i/Colours*even(Colours)+i%Colours]
	}
	return x[:n]
}

// Finite reports whether all values are numbers.
func Finite(x []float32) bool {
	for _, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}
