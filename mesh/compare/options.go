package compare

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrOptions reports options outside their range.
var ErrOptions = errors.New("bad comparison options")

// Defaults and limits of [Options].
const (
	DefaultSamples  = 100_000
	DefaultVertices = 200_000
	// MaxPoints bounds samples and vertices, each on one surface.
	MaxPoints = 1 << 24
	// MaxThresholds bounds the number of F-scores.
	MaxThresholds = 64
)

// DefaultThresholds are the F-score thresholds, as fractions of the reference's
// longest side. 0.01 is customary; half and twice that show how sensitive the
// score is.
var DefaultThresholds = []float64{0.005, 0.01, 0.02}

// Options control a comparison. The zero value is ready for use.
type Options struct {
	// Samples is the number of points on each surface; 0 means DefaultSamples.
	Samples int
	// Vertices is the number of vertices of each surface that count for the
	// Hausdorff distance; 0 means DefaultVertices. A mesh with more is subsampled
	// evenly by index, which bounds the time.
	Vertices int
	// Seed selects the samples. The same seed gives the same report.
	Seed uint64
	// Thresholds are the F-score thresholds, as fractions of the reference's
	// longest side; nil means DefaultThresholds.
	Thresholds []float64
}

// Validate returns an error wrapping [ErrOptions] if a number is negative or
// over its limit, or a threshold is not positive and finite.
func (o Options) Validate() error {
	for _, n := range []int{o.Samples, o.Vertices} {
		if n < 0 || n > MaxPoints {
			return fmt.Errorf("compare: %w: %d points, 0 to %d", ErrOptions, n, MaxPoints)
		}
	}
	if len(o.Thresholds) > MaxThresholds {
		return fmt.Errorf("compare: %w: %d thresholds, maximum %d", ErrOptions, len(o.Thresholds), MaxThresholds)
	}
	for _, x := range o.Thresholds {
		if !(x > 0) || math.IsInf(x, 0) {
			return fmt.Errorf("compare: %w: threshold %g", ErrOptions, x)
		}
	}
	return nil
}

// filled returns o with its defaults.
func (o Options) filled() Options {
	if o.Samples == 0 {
		o.Samples = DefaultSamples
	}
	if o.Vertices == 0 {
		o.Vertices = DefaultVertices
	}
	if o.Thresholds == nil {
		o.Thresholds = DefaultThresholds
	}
	o.Thresholds = slices.Clone(o.Thresholds)
	return o
}
