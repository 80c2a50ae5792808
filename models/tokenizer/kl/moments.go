package kl

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/internal/errkind"
)

// ErrLatents reports latents or noise of the wrong number, or one that is not finite.
var ErrLatents = errkind.New("bad_sample", "bad latents")

// Sample returns latents (mean + deviation·noise - shift)·scale of moments m [n, 2z], the
// means and the logarithms of the variances. Nil noise takes the means. The error wraps
// [ErrLatents].
func Sample(m, noise []float32, z int, shift, scale float64) ([]float32, error) {
	out := make([]float32, len(m)/2)
	if noise != nil && len(noise) != len(out) {
		return nil, fmt.Errorf("%w: %d numbers of noise for %d of latents", ErrLatents, len(noise), len(out))
	}
	for i := range out {
		mean, logvar := m[i/z*2*z+i%z], m[i/z*2*z+z+i%z]
		x := float64(mean)
		if noise != nil {
			x += deviation(logvar) * float64(noise[i])
		}
		out[i] = float32((x - shift) * scale)
	}
	return out, nil
}

// deviation is the standard deviation of a latent, from the logarithm of its variance,
// which is kept to -30..20.
func deviation(logvar float32) float64 {
	return math.Exp(min(max(float64(logvar), -30), 20) / 2)
}

// Unscale returns latents as a decoder takes them, latents/scale + shift. The error wraps
// [ErrLatents] if one is not finite.
func Unscale(latents []float32, shift, scale float64) ([]float32, error) {
	out := make([]float32, len(latents))
	for i, x := range latents {
		if y := float64(x); math.IsNaN(y) || math.IsInf(y, 0) {
			return nil, fmt.Errorf("%w: number %d is %g", ErrLatents, i, x)
		}
		out[i] = float32(float64(x)/scale + shift)
	}
	return out, nil
}
