// Package clip holds the in-memory form of a video clip. codecs/video (files)
// and codecs/cube (cubes) share it.
//
// Letters: t frames, h rows, w columns, c = 3 colour channels (R, G, B).
package clip

import "time"

// Rate is a frame rate of Num/Den frames a second.
type Rate struct{ Num, Den int }

// Hz returns the rate in frames a second, or 0 for the zero Rate.
func (r Rate) Hz() float64 {
	if r.Den == 0 {
		return 0
	}
	return float64(r.Num) / float64(r.Den)
}

// At returns the time at which frame t starts.
func (r Rate) At(t int) time.Duration {
	if r.Num == 0 {
		return 0
	}
	return time.Duration(float64(t) * float64(r.Den) / float64(r.Num) * float64(time.Second))
}

// Clip is a sequence of frames of equal size in full-range sRGB (BT.709
// primaries), 8 bits a channel. Pix is [t, h, w, 3] row-major.
type Clip struct {
	T, H, W int
	Rate    Rate
	Pix     []uint8
}

// New returns a black clip of the given shape.
func New(t, h, w int, rate Rate) *Clip {
	return &Clip{T: t, H: h, W: w, Rate: rate, Pix: make([]uint8, t*h*w*3)}
}

// Frame returns frame t as a view of [h, w, 3] bytes.
func (c *Clip) Frame(t int) []uint8 {
	n := c.H * c.W * 3
	return c.Pix[t*n : (t+1)*n : (t+1)*n]
}
