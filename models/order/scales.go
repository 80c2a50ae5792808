package order

import "github.com/morton-gen/morton/models/system"

// Scales predicts square grids of growing sides. Each grid is predicted at once, repeat
// times; the cache keeps only the last time. A scale sees those before it and itself.
// Positions count through all scales. The axes of a row are its scale, row and column.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905;
// repetitions, Liu et al., "InfinityStar", 2025, arXiv:2511.04675.
func Scales(sides []int, repeat int) system.Schedule {
	var runs []system.Run
	at := 0
	for k, side := range sides {
		n := side * side
		for again := range repeat {
			r := system.Run{Group: n, Ask: n, Draws: system.Draws{N: n, At: count(at, at+n)}}
			r.N, r.Slot = n, count(at, at+n)
			for i := range n {
				r.Axes = append(r.Axes, int32(k), int32(i/side), int32(i%side))
				r.Sees, r.Fed = append(r.Sees, int32(at+n)), append(r.Fed, system.Nothing)
			}
			if again < repeat-1 {
				r.Sees, r.Slot = fill(n, int32(at)), fill(n, -1)
			}
			runs = append(runs, r)
		}
		at += n
	}
	return Fixed(runs...)
}

func fill(n int, x int32) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = x
	}
	return out
}
