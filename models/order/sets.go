package order

import (
	"math"

	"github.com/morton-gen/morton/models/system"
)

// Sets predicts the positions of a permutation in at most steps sets. Their sizes grow
// by a cosine. Empty sets are left out. Every step computes a row for each position,
// and each row sees all others.
//
// Source: Chang et al., "MaskGIT", 2022, arXiv:2202.04200; Li et al., "Autoregressive
// Image Generation without Vector Quantization", 2024, arXiv:2406.11838.
func Sets(permutation []int32, steps int) system.Schedule {
	n, at := len(permutation), 0
	var runs []system.Run
	for _, size := range sizes(n, steps) {
		set := permutation[at : at+size]
		at += size
		r := system.Run{Group: n, Ask: size, Draws: system.Draws{N: size, At: set, From: set}}
		r.N, r.Slot, r.Axes, r.Sees, r.Fed = n, count(0, n), count(0, n), fill(n, int32(n)), fill(n, system.Nothing)
		runs = append(runs, r)
	}
	return Fixed(runs...)
}

// sizes returns the sizes of sets of n positions, by the cosine. Empty ones are left out.
func sizes(n, steps int) (out []int) {
	left := func(i int) int { return int(math.Round(math.Cos(math.Pi/2*float64(i)/float64(steps)) * float64(n))) }
	for i := range steps {
		if size := left(i) - left(i+1); size > 0 {
			out = append(out, size)
		}
	}
	return out
}
