package mesh

// selectNth rearranges ids so that the one with the n-th smallest key stands at
// n, none with a larger key before it and none with a smaller one after it. It
// is quickselect with a middle-of-three pivot and a three-way partition, so
// equal keys cost nothing.
func selectNth(ids []int32, n int, key func(int32) float64) {
	lo, hi := 0, len(ids)
	for hi-lo > 1 {
		a, b, c := key(ids[lo]), key(ids[(lo+hi)/2]), key(ids[hi-1])
		pivot := max(min(a, b), min(max(a, b), c))
		below, above := partition(ids[lo:hi], pivot, key)
		below, above = below+lo, above+lo
		switch {
		case n < below:
			hi = below
		case n >= above:
			lo = above
		default:
			return
		}
	}
}

// partition puts keys below the pivot first and those above it last, and
// returns where the equal ones begin and end.
func partition(ids []int32, pivot float64, key func(int32) float64) (below, above int) {
	above = len(ids)
	for i := 0; i < above; {
		switch k := key(ids[i]); {
		case k < pivot:
			ids[i], ids[below] = ids[below], ids[i]
			below++
			i++
		case k > pivot:
			above--
			ids[i], ids[above] = ids[above], ids[i]
		default:
			i++
		}
	}
	return below, above
}

// bounds is an axis-aligned box.
type bounds struct{ lo, hi Vec3 }

// longestAxis returns the axis along which the box is longest, the first among
// equals.
func (b bounds) longestAxis() int {
	size, axis := b.hi.Sub(b.lo), 0
	for i := 1; i < 3; i++ {
		if size[i] > size[axis] {
			axis = i
		}
	}
	return axis
}

// include grows the box to hold p.
func (b *bounds) include(p Vec3) {
	for i, x := range p {
		b.lo[i], b.hi[i] = min(b.lo[i], x), max(b.hi[i], x)
	}
}

// squaredDistance returns the square of the distance from p to the box.
func (b *bounds) squaredDistance(p Vec3) float64 {
	sum := 0.0
	for i, x := range p {
		d := max(b.lo[i]-x, 0, x-b.hi[i])
		sum += float64(d * d)
	}
	return sum
}
