package vq

import "math"

// colours are the channels of a picture: red, green, blue.
const colours = 3

// toFloat maps a byte to -1..1.
func toFloat(b uint8) float32 { return float32(float64(b)/127.5 - 1) }

// toByte maps -1..1 to a byte, to the nearest; what is outside is cut off.
func toByte(x float32) uint8 {
	return uint8(math.Round((min(max(float64(x), -1), 1) + 1) * 127.5))
}

// widen puts pixels of three values where the device has four, the fourth 0.
func widen(x []float32) []float32 {
	out := make([]float32, len(x)/colours*even(colours))
	for i, v := range x {
		out[i/colours*even(colours)+i%colours] = v
	}
	return out
}

// narrow takes the fourth value of every pixel away, in place.
func narrow(x []float32) []float32 {
	n := len(x) / even(colours) * colours
	for i := range n {
		x[i] = x[i/colours*even(colours)+i%colours]
	}
	return x[:n]
}

func finite(x []float32) bool {
	for _, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}
