package clip

import (
	"fmt"
	"math"
)

// PSNR is the peak signal-to-noise ratio of two clips of one shape, in dB, over
// all frames, pixels and channels together:
//
//	10·log10(255² / mean((a - b)²))
//
// It is +Inf for equal clips. The error wraps [ErrShape] if the shapes differ
// or are empty. Rates are not compared.
func PSNR(a, b *Clip) (float64, error) {
	if err := sameShape(a, b); err != nil {
		return 0, err
	}
	return psnr(a.Pix, b.Pix), nil
}

func sameShape(a, b *Clip) error {
	for _, c := range []*Clip{a, b} {
		if err := c.Validate(); err != nil {
			return err
		}
	}
	if a.T != b.T || a.H != b.H || a.W != b.W {
		return fmt.Errorf("clip.PSNR: %w: [%d, %d, %d] and [%d, %d, %d]", ErrShape, a.T, a.H, a.W, b.T, b.H, b.W)
	}
	if len(a.Pix) == 0 {
		return fmt.Errorf("clip.PSNR: %w: no pixels", ErrShape)
	}
	return nil
}

func psnr(a, b []uint8) float64 {
	var sum uint64
	for i, v := range a {
		d := int(v) - int(b[i])
		sum += uint64(d * d)
	}
	mean := float64(sum) / float64(len(a))
	return 10 * math.Log10(255*255/mean)
}
