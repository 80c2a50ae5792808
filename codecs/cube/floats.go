package cube

import "fmt"

// Floats writes the grid's bytes to dst as numbers in [-1, 1], in the order of Pix:
//
//	dst[i] = Pix[i] / 127.5 - 1
//
// dst is [nt, nh, nw, t, h, w, 3] and must have Pix's length ([ErrSize]).
// [Grid.SetFloats] inverts it exactly.
func (g *Grid) Floats(dst []float32) error {
	if len(dst) != len(g.Pix) {
		return fmt.Errorf("cube.Floats: %w: %d numbers for %d bytes", ErrSize, len(dst), len(g.Pix))
	}
	for i, v := range g.Pix {
		dst[i] = float32(v)/127.5 - 1
	}
	return nil
}

// SetFloats overwrites the grid's bytes from numbers, clamped to [-1, 1] and rounded
// to the nearest byte, halves up:
//
//	Pix[i] = floor((clamp(src[i], -1, 1) + 1) · 127.5 + 0.5)
//
// NaN becomes 0. src must have Pix's length ([ErrSize]).
func (g *Grid) SetFloats(src []float32) error {
	if len(src) != len(g.Pix) {
		return fmt.Errorf("cube.SetFloats: %w: %d numbers for %d bytes", ErrSize, len(src), len(g.Pix))
	}
	for i, v := range src {
		g.Pix[i] = toByte(v)
	}
	return nil
}

// toByte relies on every comparison with NaN being false.
func toByte(v float32) uint8 {
	if v >= 1 {
		return 255
	}
	if v > -1 {
		return uint8((v+1)*127.5 + 0.5)
	}
	return 0
}
