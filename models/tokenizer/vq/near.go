package vq

import (
	"math"
	"runtime"
	"slices"
	"sync"
)

// nearest returns the k nearest codes to each of some codes of d numbers by Euclidean
// distance, the nearest first and without the code itself, [codes, k]. Of equals the lower
// index is nearer. k is less than the number of codes.
func nearest(codes []float32, d, k int) []uint32 {
	n := len(codes) / d
	out := make([]uint32, n*k)
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			keys := make([]uint64, 0, n)
			for i := w; i < n; i += workers {
				keys = distances(keys[:0], codes, d, i)
				slices.Sort(least(keys, k))
				for j := range k {
					out[i*k+j] = uint32(keys[j])
				}
			}
		})
	}
	wg.Wait()
	return out
}

// distances appends the squared distance of each other code from code i, as the bits of a
// float, with its index below.
func distances(keys []uint64, codes []float32, d, i int) []uint64 {
	own := codes[i*d : (i+1)*d]
	for j := range len(codes) / d {
		if j == i {
			continue
		}
		var sum float32
		for c, x := range codes[j*d : (j+1)*d] {
			sum += (x - own[c]) * (x - own[c])
		}
		keys = append(keys, uint64(math.Float32bits(sum))<<32|uint64(j))
	}
	return keys
}

// least moves the k least keys to the front and returns them, in no order.
//
// Source: Hoare, "Algorithm 65: Find", 1961.
func least(keys []uint64, k int) []uint64 {
	lo, hi := 0, len(keys)-1
	for lo < hi {
		pivot, i, j := keys[lo+(hi-lo)/2], lo, hi
		for i <= j {
			for keys[i] < pivot {
				i++
			}
			for keys[j] > pivot {
				j--
			}
			if i <= j {
				keys[i], keys[j] = keys[j], keys[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return keys[:k]
		}
	}
	return keys[:k]
}
