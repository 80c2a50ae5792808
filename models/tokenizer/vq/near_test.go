package vq

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu/gputest"
)

// TestNearest compares with distances in float64.
func TestNearest(t *testing.T) {
	const n, d, k = 50, 6, 12
	codes := gputest.Normal(4, n*d)
	copy(codes[7*d:], codes[3*d:4*d]) // two equal codes
	got := nearest(codes, d, k)
	for i := range n {
		distance := func(j uint32) (sum float64) {
			for c := range d {
				sum += math.Pow(float64(codes[i*d+c])-float64(codes[int(j)*d+c]), 2)
			}
			return sum
		}
		row := got[i*k : (i+1)*k]
		if !slices.IsSortedFunc(row, func(a, b uint32) int { return cmp.Compare(distance(a), distance(b)) }) {
			t.Errorf("code %d: %v is not in the order of distances", i, row)
		}
		closer := 0
		for j := range uint32(n) {
			if int(j) != i && distance(j) < distance(row[k-1]) {
				closer++
			}
		}
		if closer != k-1 || slices.Contains(row, uint32(i)) {
			t.Errorf("code %d: %d codes are closer than the last of %v", i, closer, row)
		}
	}
	if got[3*k] != 7 || got[7*k] != 3 {
		t.Errorf("equal codes: the nearest are %d and %d", got[3*k], got[7*k])
	}
}

func BenchmarkNearest(b *testing.B) {
	codes := gputest.Normal(4, 16384*8)
	for b.Loop() {
		nearest(codes, 8, 1000)
	}
}
