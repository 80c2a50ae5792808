package cube

import (
	"errors"
	"fmt"

	"github.com/morton-gen/morton/codecs/clip"
)

// ErrSize reports a cube size below 1, a grid with inconsistent fields, or one over
// [MaxBytes].
var ErrSize = errors.New("wrong cube size")

// MaxBytes bounds the padded pixels of one grid (4 GiB), so that a wrong size is an
// error instead of a huge allocation.
const MaxBytes = 1 << 32

// Size is a size in frames, rows and columns: of a cube in pixels, or of a grid in cubes.
type Size struct{ T, H, W int }

// Volume is T·H·W.
func (s Size) Volume() int { return s.T * s.H * s.W }

func (s Size) String() string { return fmt.Sprintf("%dx%dx%d", s.T, s.H, s.W) }

// Grid is a clip split into cubes.
type Grid struct {
	N       Size // cubes along each axis
	Size    Size // pixels of one cube along each axis
	T, H, W int  // the clip's own shape, without padding
	Rate    clip.Rate
	Pix     []uint8 // [nt, nh, nw, t, h, w, 3] row-major
}

// New returns a black grid for a clip of shape [t, h, w], to be filled by a
// decoder. The error wraps [ErrSize].
func New(t, h, w int, rate clip.Rate, s Size) (*Grid, error) {
	g := &Grid{Size: s, T: t, H: h, W: w, Rate: rate}
	n, err := g.plan()
	if err != nil {
		return nil, err
	}
	g.N = g.counts()
	g.Pix = make([]uint8, n)
	return g, nil
}

// counts is the number of cubes that cover the clip, per axis.
func (g *Grid) counts() Size {
	return Size{T: cover(g.T, g.Size.T), H: cover(g.H, g.Size.H), W: cover(g.W, g.Size.W)}
}

// cover is ceil(n/d) without overflow.
func cover(n, d int) int {
	if n == 0 {
		return 0
	}
	return (n-1)/d + 1
}

// plan checks the sizes and returns the padded length of Pix in bytes.
func (g *Grid) plan() (int, error) {
	s := g.Size
	if s.T < 1 || s.H < 1 || s.W < 1 {
		return 0, fmt.Errorf("cube: %w: %v, every extent must be at least 1", ErrSize, s)
	}
	if g.T < 0 || g.H < 0 || g.W < 0 {
		return 0, fmt.Errorf("cube: %w: clip [%d, %d, %d]", ErrSize, g.T, g.H, g.W)
	}
	n := 3
	c := g.counts()
	if c.T == 0 || c.H == 0 || c.W == 0 {
		return 0, nil
	}
	for _, v := range [...]int{s.T, s.H, s.W, c.T, c.H, c.W} {
		if v > MaxBytes/n {
			return 0, fmt.Errorf("cube: %w: clip [%d, %d, %d] in cubes of %v passes %d bytes", ErrSize, g.T, g.H, g.W, s, MaxBytes)
		}
		n *= v
	}
	return n, nil
}

// Validate returns an error wrapping [ErrSize] if the fields are inconsistent.
func (g *Grid) Validate() error {
	n, err := g.plan()
	if err != nil {
		return err
	}
	if g.N != g.counts() || len(g.Pix) != n {
		return fmt.Errorf("cube: %w: grid of %v cubes with %d bytes, want %v with %d", ErrSize, g.N, len(g.Pix), g.counts(), n)
	}
	return nil
}

// Count is the number of cubes.
func (g *Grid) Count() int { return g.N.Volume() }
