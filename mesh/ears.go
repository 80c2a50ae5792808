package mesh

// earClipper holds the corners of a flattened face that are still there, as a
// ring.
type earClipper struct {
	flat       []point2
	next, prev []int32
	reflex     []bool
	ear        []bool
}

// clipEars cuts a flattened counter-clockwise face into len(flat)−2 triangles.
func clipEars(flat []point2, emit func(i, j, k int32)) {
	c := newEarClipper(flat)
	i := int32(0)
	for left := len(flat); left > 3; left-- {
		i = c.nextEar(i, left)
		emit(c.prev[i], i, c.next[i])
		i = c.remove(i)
	}
	emit(c.prev[i], i, c.next[i])
}

func newEarClipper(flat []point2) *earClipper {
	n := len(flat)
	c := &earClipper{
		flat: flat,
		next: make([]int32, n), prev: make([]int32, n),
		reflex: make([]bool, n), ear: make([]bool, n),
	}
	for i := range n {
		c.next[i], c.prev[i] = int32((i+1)%n), int32((i+n-1)%n)
	}
	for i := range n {
		c.reflex[i] = c.turnAt(int32(i)) <= 0
	}
	for i := range n {
		c.ear[i] = c.isEar(int32(i))
	}
	return c
}

// turnAt is positive where the outline turns left.
func (c *earClipper) turnAt(i int32) float64 {
	return turn(c.flat[c.prev[i]], c.flat[i], c.flat[c.next[i]])
}

// isEar reports whether corner i turns left and no other reflex corner lies
// in its triangle. Corners at the place of one of the triangle's own are the
// other bank of a bridge and do not block. A corner between two at the same
// place, or at the place of a neighbour, encloses nothing and is an ear too:
// what is left of an outline that touches itself is made of those.
func (c *earClipper) isEar(i int32) bool {
	a, b, d := c.flat[c.prev[i]], c.flat[i], c.flat[c.next[i]]
	if a == d || a == b || b == d {
		return true
	}
	if c.reflex[i] {
		return false
	}
	for j := c.next[c.next[i]]; j != c.prev[i]; j = c.next[j] {
		p := c.flat[j]
		if !c.reflex[j] || p == a || p == b || p == d {
			continue
		}
		if turn(a, b, p) >= 0 && turn(b, d, p) >= 0 && turn(d, a, p) >= 0 {
			return false
		}
	}
	return true
}

// nextEar returns the first ear from i on, else the first left turn, else i:
// the last two only happen when the outline touches or crosses itself.
func (c *earClipper) nextEar(i int32, left int) int32 {
	convex := int32(-1)
	for range left {
		if c.ear[i] {
			return i
		}
		if convex < 0 && !c.reflex[i] {
			convex = i
		}
		i = c.next[i]
	}
	if convex >= 0 {
		return convex
	}
	return i
}

// remove takes corner i out of the ring, brings its neighbours up to date and
// returns the corner after the next: going on there, not at the neighbour,
// avoids long fans of slivers.
func (c *earClipper) remove(i int32) int32 {
	p, n := c.prev[i], c.next[i]
	c.next[p], c.prev[n] = n, p
	for _, j := range []int32{p, n} {
		c.reflex[j] = c.turnAt(j) <= 0
	}
	for _, j := range []int32{p, n} {
		c.ear[j] = c.isEar(j)
	}
	return c.next[n]
}
