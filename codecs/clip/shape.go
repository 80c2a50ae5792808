package clip

import (
	"errors"
	"fmt"
	"math/bits"
)

// Errors a caller can branch on.
var (
	// ErrShape reports lengths, sizes or ranges that do not match.
	ErrShape = errors.New("wrong clip shape")
	// ErrRate reports a frame rate that is not positive.
	ErrRate = errors.New("wrong frame rate")
)

// Bytes returns t·h·w·3, or an error wrapping [ErrShape] if a factor is
// negative or the product overflows an int.
func Bytes(t, h, w int) (int, error) {
	n := uint(3)
	for _, v := range [3]int{t, h, w} {
		if v < 0 {
			return 0, fmt.Errorf("clip.Bytes: %w: [%d, %d, %d]", ErrShape, t, h, w)
		}
	}
	for _, v := range [3]int{t, h, w} {
		hi, lo := bits.Mul(n, uint(v))
		if hi != 0 || lo > uint(maxInt) {
			return 0, fmt.Errorf("clip.Bytes: %w: [%d, %d, %d, 3] overflows", ErrShape, t, h, w)
		}
		n = lo
	}
	return int(n), nil
}

const maxInt = int(^uint(0) >> 1)

// Validate returns an error wrapping [ErrShape] if the length of Pix does not match
// T, H and W, or [ErrRate] if the rate is negative. A zero rate means unknown.
func (c *Clip) Validate() error {
	n, err := Bytes(c.T, c.H, c.W)
	if err != nil {
		return err
	}
	if n != len(c.Pix) {
		return fmt.Errorf("clip.Validate: %w: [%d, %d, %d, 3] needs %d bytes, Pix has %d", ErrShape, c.T, c.H, c.W, n, len(c.Pix))
	}
	if c.Rate.Num < 0 || c.Rate.Den < 0 {
		return fmt.Errorf("clip.Validate: %w: %d/%d", ErrRate, c.Rate.Num, c.Rate.Den)
	}
	return nil
}

// Slice returns frames from to to-1 as a clip that shares c's pixels. The error
// wraps [ErrShape] unless 0 <= from <= to <= T.
func (c *Clip) Slice(from, to int) (*Clip, error) {
	if from < 0 || to < from || to > c.T {
		return nil, fmt.Errorf("clip.Slice: %w: frames %d to %d of %d", ErrShape, from, to, c.T)
	}
	n := c.H * c.W * 3
	return &Clip{T: to - from, H: c.H, W: c.W, Rate: c.Rate, Pix: c.Pix[from*n : to*n : to*n]}, nil
}
