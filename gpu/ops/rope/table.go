package rope

import (
	"fmt"
	"math"
)

// Table returns the frequency and the axis of each of a head's dh/2 pairs. The first
// axisPairs[0] pairs belong to axis 0, the next axisPairs[1] to axis 1, and so on. Pair j
// of an axis with m pairs rotates by theta^(-j/m) radians a position. It panics unless
// axisPairs are not negative and sum to dh/2: a broken invariant of the model's.
//
// Source: Su et al., "RoFormer", 2021, arXiv:2104.09864, section 3.2.2, with the
// pairs divided among axes.
func Table(dh int, axisPairs []int, theta float64) (freq []float32, axis []int32) {
	for a, m := range axisPairs {
		for j := range m {
			freq = append(freq, float32(math.Pow(theta, -float64(j)/float64(m))))
			axis = append(axis, int32(a))
		}
	}
	if dh%2 != 0 || len(freq) != dh/2 {
		panic(fmt.Sprintf("rope.Table: pairs %v for a head of %d columns", axisPairs, dh))
	}
	return freq, axis
}
