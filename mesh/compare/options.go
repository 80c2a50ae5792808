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

// DefaultThresholds are the F-score thresholds, as shares of the reference's
// longest side. One in a hundred is the field's; half and twice that show how
// much hangs on the choice.
var DefaultThresholds = []float64{0.005, 0.01, 0.02}

// Options say how surfaces are compared. The zero value is ready for use.
type Options struct {
	// Samples is how many points are drawn on each surface; 0 means DefaultSamples.
	Samples int
	// Vertices is how many vertices of each surface are looked at besides, for
	// the Hausdorff distance alone; 0 means DefaultVertices. A mesh with more has
	// this many taken evenly by index, so that time is bounded.
	Vertices int
	// Seed draws the points. The same seed gives the same report.
	Seed uint64
	// Thresholds of the F-scores, as shares of the reference's longest side; nil
	// means DefaultThresholds.
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

// filled returns o with its defaults in place.
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
