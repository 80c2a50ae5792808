package motion

import (
	"slices"

	"github.com/morton-gen/morton/codecs/clip"
)

const (
	// cutFactor times the median change from frame to frame, and at least
	// cutLeast of 255, is a cut. Among the sources here the one cut changes by
	// 58 (7 times the median), a bird that flaps in front of the camera by 42
	// (4.5 times).
	cutFactor = 5
	cutLeast  = 20
)

// Shots returns the frames at which shots begin, the first being 0: where the
// mean absolute difference from the frame before stands out.
func Shots(c *clip.Clip) []int {
	starts := []int{0}
	if c.T < 3 {
		return starts
	}
	changes := make([]float64, c.T-1)
	for t := range changes {
		changes[t] = meanDifference(c.Frame(t), c.Frame(t+1))
	}
	sorted := slices.Sorted(slices.Values(changes))
	threshold := max(cutLeast, cutFactor*sorted[len(sorted)/2])
	for t, change := range changes {
		if change > threshold {
			starts = append(starts, t+1)
		}
	}
	return starts
}

func meanDifference(a, b []uint8) float64 {
	sum := 0
	for i := range a {
		sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return float64(sum) / float64(len(a))
}
