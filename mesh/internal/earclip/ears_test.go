package earclip

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// earsByHand cuts a face by going around all corners for each: what Cut does, in
// quadratic time.
func earsByHand(flat []Point) (out [][3]int32) {
	var ring []int32
	for i := range flat {
		ring = append(ring, int32(i))
	}
	at := func(k int) Point { return flat[ring[(k+len(ring))%len(ring)]] }
	reflex := func(k int) bool { return !(Turn(at(k-1), at(k), at(k+1)) > 0) }
	isEar := func(k int) bool {
		a, b, d := at(k-1), at(k), at(k+1)
		if a == b || b == d || a == d {
			return true
		}
		if reflex(k) {
			return false
		}
		for j := range ring {
			if p := flat[ring[j]]; reflex(j) && p != a && p != b && p != d && Turn(a, b, p) >= 0 && Turn(b, d, p) >= 0 && Turn(d, a, p) >= 0 {
				return false
			}
		}
		return true
	}
	ears := map[int32]bool{} // an ear is looked at again only beside a cut
	for k, i := range ring {
		ears[i] = isEar(k)
	}
	k := 0
	for len(ring) > 3 {
		found := -1
		for _, fits := range []func(k int) bool{func(k int) bool { return ears[ring[k]] }, func(k int) bool { return !reflex(k) }} {
			for step := range ring {
				if j := (k + step) % len(ring); found < 0 && fits(j) {
					found = j
				}
			}
		}
		if found >= 0 {
			k = found
		}
		n := len(ring)
		out = append(out, [3]int32{ring[(k+n-1)%n], ring[k], ring[(k+1)%n]})
		ring = slices.Delete(ring, k, k+1)
		before, after := (k+n-2)%(n-1), k%(n-1)
		ears[ring[before]], ears[ring[after]] = isEar(before), isEar(after)
		k = (after + 1) % len(ring)
	}
	return append(out, [3]int32{ring[(k+2)%3], ring[k], ring[(k+1)%3]})
}

// area is twice the signed area of an outline.
func area(flat []Point) (sum float64) {
	for i, p := range flat {
		q := flat[(i+1)%len(flat)]
		sum += p[0]*q[1] - p[1]*q[0]
	}
	return sum
}

// flats are outlines of many kinds, also with corners at one place, in one line, and
// crossing themselves.
func flats(n int) map[string][]Point {
	random := rand.New(rand.NewPCG(uint64(n), 5))
	out := map[string][]Point{}
	var star, spiral, comb, grid, crossing []Point
	for k := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(n))
		r := 0.05 + random.Float64()
		star = append(star, Point{r * cos, r * sin})
	}
	for k := range n / 2 { // a long corridor rolled up, which has few ears at a time
		sin, cos := math.Sincos(0.3 * float64(k))
		spiral = append(spiral, Point{float64(k+3) * cos, float64(k+3) * sin})
	}
	for k := n/2 - 1; k >= 0; k-- {
		sin, cos := math.Sincos(0.3 * float64(k))
		spiral = append(spiral, Point{(float64(k) + 1.5) * cos, (float64(k) + 1.5) * sin})
	}
	if area(spiral) < 0 {
		slices.Reverse(spiral)
	}
	for k := range n / 2 {
		comb = append(comb, Point{float64(k), float64(k % 2 * 100)})
	}
	for k := range n / 2 {
		comb = append(comb, Point{float64(n/2 - 1 - k), float64(101 + (k+1)%2)})
	}
	for range n {
		grid = append(grid, Point{float64(random.IntN(9)), float64(random.IntN(9))})
		crossing = append(crossing, Point{random.NormFloat64(), random.NormFloat64() * 1e-9})
	}
	out["star"], out["spiral"], out["comb"], out["grid"], out["crossing"] = star, spiral, comb, grid, crossing
	return out
}

// TestEarsAreThoseByHand holds that the tree and the sets change no cut.
func TestEarsAreThoseByHand(t *testing.T) {
	for _, n := range []int{5, 30, ManyCorners - 1, ManyCorners, ManyCorners + 1, 200, 331} {
		for name, flat := range flats(n) {
			var got [][3]int32
			Cut(flat, func(i, j, k int32) { got = append(got, [3]int32{i, j, k}) })
			if want := earsByHand(flat); !slices.Equal(got, want) {
				t.Errorf("%s of %d corners: %v, want %v", name, n, got, want)
			}
		}
	}
}

func TestBitset(t *testing.T) {
	for _, size := range []int{1, 63, 64, 65, 4096, 4097, 70000} {
		b, has := newBitset(size), make([]bool, size)
		random := rand.New(rand.NewPCG(uint64(size), 1))
		want := func(i int32) int32 {
			for k := range size {
				if j := (int(i) + k) % size; has[j] {
					return int32(j)
				}
			}
			return -1
		}
		for step := range 300 {
			i := int32(random.IntN(size))
			has[i] = step < 20 || math.Mod(float64(step), 3) == 0
			b.set(i, has[i])
			from := int32(random.IntN(size))
			if got := b.next(from); got != want(from) {
				t.Fatalf("size %d: after %d comes %d, want %d", size, from, got, want(from))
			}
		}
	}
}
