package earclip

// Point is a point in the plane of a face.
type Point [2]float64

// Turn is twice the signed area of the triangle a, b, c: positive if it runs
// counter-clockwise.
func Turn(a, b, c Point) float64 {
	return float64((b[0]-a[0])*(c[1]-a[1])) - float64((b[1]-a[1])*(c[0]-a[0]))
}

// earClipper is the ring of remaining corners of a flattened face.
type earClipper struct {
	flat       []Point
	next, prev []int32
	reflex     []bool
	left       bitset      // convex corners
	ears       bitset      // corners that can be cut
	near       *cornerTree // finds reflex corners in a triangle; nil for faces with few corners
}

// ManyCorners is the number of corners from which a tree is faster than a scan of the
// ring.
const ManyCorners = 64

// Cut cuts a flattened counter-clockwise face into len(flat)−2 triangles.
func Cut(flat []Point, emit func(i, j, k int32)) {
	c := newEarClipper(flat)
	i := int32(0)
	for left := len(flat); left > 3; left-- {
		i = c.nextEar(i)
		emit(c.prev[i], i, c.next[i])
		i = c.remove(i)
	}
	emit(c.prev[i], i, c.next[i])
}

func newEarClipper(flat []Point) *earClipper {
	n := len(flat)
	c := &earClipper{
		flat: flat,
		next: make([]int32, n), prev: make([]int32, n),
		reflex: make([]bool, n), left: newBitset(n), ears: newBitset(n),
	}
	if n >= ManyCorners {
		c.near = newCornerTree(flat)
	}
	for i := range n {
		c.next[i], c.prev[i] = int32((i+1)%n), int32((i+n-1)%n)
	}
	for i := range n {
		c.updateTurn(int32(i))
	}
	for i := range n {
		c.ears.set(int32(i), c.isEar(int32(i)))
	}
	return c
}

// updateTurn records whether corner i is convex.
func (c *earClipper) updateTurn(i int32) {
	left := c.turnAt(i) > 0
	c.setTurn(i, left, !left)
}

func (c *earClipper) setTurn(i int32, left, reflex bool) {
	c.left.set(i, left)
	if c.near != nil && c.reflex[i] != reflex {
		c.near.set(i, reflex)
	}
	c.reflex[i] = reflex
}

// turnAt is positive at a convex corner.
func (c *earClipper) turnAt(i int32) float64 {
	return Turn(c.flat[c.prev[i]], c.flat[i], c.flat[c.next[i]])
}

// isEar reports whether corner i is convex and its triangle contains no reflex
// corner. Corners at the same position as a corner of the triangle do not
// block: they belong to the other side of a bridge. A corner that coincides
// with a neighbour, or whose neighbours coincide, encloses nothing and is an
// ear. Outlines that touch themselves end in such corners.
func (c *earClipper) isEar(i int32) bool {
	a, b, d := c.flat[c.prev[i]], c.flat[i], c.flat[c.next[i]]
	if a == d || a == b || b == d {
		return true
	}
	if c.reflex[i] {
		return false
	}
	if c.near != nil {
		return !c.near.holds(a, b, d)
	}
	for j := c.next[c.next[i]]; j != c.prev[i]; j = c.next[j] {
		if c.reflex[j] && blocks(c.flat[j], a, b, d) {
			return false
		}
	}
	return true
}

// blocks reports whether p lies in the triangle and at none of its corners.
func blocks(p, a, b, d Point) bool {
	return p != a && p != b && p != d && Turn(a, b, p) >= 0 && Turn(b, d, p) >= 0 && Turn(d, a, p) >= 0
}

// nextEar returns the first ear at or after i, else the first convex corner,
// else i. The last two occur only if the outline touches or crosses itself.
func (c *earClipper) nextEar(i int32) int32 {
	if j := c.ears.next(i); j >= 0 {
		return j
	}
	if j := c.left.next(i); j >= 0 {
		return j
	}
	return i
}

// remove takes corner i out of the ring and updates its neighbours. It returns
// the corner after the next, since continuing at the neighbour makes long fans
// of slivers.
func (c *earClipper) remove(i int32) int32 {
	p, n := c.prev[i], c.next[i]
	c.next[p], c.prev[n] = n, p
	c.ears.set(i, false)
	c.setTurn(i, false, false)
	for _, j := range []int32{p, n} {
		c.updateTurn(j)
	}
	for _, j := range []int32{p, n} {
		c.ears.set(j, c.isEar(j))
	}
	return c.next[n]
}
