package cube

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/clip"
)

// Split copies a clip into a grid of cubes of size s, padded by edge replication.
// The error wraps [ErrSize] or [clip.ErrShape].
func Split(c *clip.Clip, s Size) (*Grid, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("cube.Split: %w", err)
	}
	g, err := New(c.T, c.H, c.W, c.Rate, s)
	if err != nil {
		return nil, err
	}
	at := 0
	g.rows(func(t, y, x int) {
		fillRow(g.Pix[at:at+3*s.W], c.Frame(min(t, c.T-1)), min(y, c.H-1), x, c.W)
		at += 3 * s.W
	})
	return g, nil
}

// fillRow copies row y of a frame of width w, from column x on, into dst and repeats
// the last pixel beyond the frame.
func fillRow(dst, frame []uint8, y, x, w int) {
	row := frame[3*y*w : 3*(y+1)*w]
	n := copy(dst, row[3*x:])
	for ; n < len(dst); n += 3 {
		copy(dst[n:n+3], row[3*w-3:])
	}
}

// Join copies the cubes back into a clip of the original shape and drops the
// padding. The error wraps [ErrSize].
func (g *Grid) Join() (*clip.Clip, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	n, err := clip.Bytes(g.T, g.H, g.W)
	if err != nil {
		return nil, fmt.Errorf("cube.Join: %w", err)
	}
	c := &clip.Clip{T: g.T, H: g.H, W: g.W, Rate: g.Rate, Pix: make([]uint8, n)}
	at := 0
	g.rows(func(t, y, x int) {
		if t < g.T && y < g.H {
			copy(c.Frame(t)[3*(y*g.W+x):3*(y+1)*g.W], g.Pix[at:at+3*g.Size.W])
		}
		at += 3 * g.Size.W
	})
	return c, nil
}

// rows calls f for each pixel row of each cube in the order of Pix, with the
// position of its first pixel in the padded clip. x is inside the clip.
func (g *Grid) rows(f func(t, y, x int)) {
	for n := range g.Count() {
		t0 := n / (g.N.H * g.N.W) * g.Size.T
		y0 := n / g.N.W % g.N.H * g.Size.H
		x0 := n % g.N.W * g.Size.W
		for t := range g.Size.T {
			for y := range g.Size.H {
				f(t0+t, y0+y, x0)
			}
		}
	}
}
