package earclip

import (
	"cmp"
	"math"
	"slices"

	"github.com/morton-gen/morton/mesh/internal/box"
)

// cornerTree finds which points of a set lie in a triangle. It is a complete binary tree
// over the points in Morton order. Node 1 is the root, the children of node k are 2k and
// 2k+1, and each leaf has one point.
type cornerTree struct {
	flat   []Point
	leaves int       // a power of two
	at     []int32   // the point of each leaf
	leaf   []int32   // the leaf of each point
	boxes  []planBox // of all points below a node
	counts []int32   // members below a node
	stack  []int32
}

// planBox is a box in the plane of a face.
type planBox struct{ lo, hi Point }

func (b planBox) union(c planBox) planBox {
	for i := range b.lo {
		b.lo[i], b.hi[i] = min(b.lo[i], c.lo[i]), max(b.hi[i], c.hi[i])
	}
	return b
}

// newCornerTree returns a tree over points with an empty set.
func newCornerTree(flat []Point) *cornerTree {
	t := &cornerTree{flat: flat, leaves: 1, at: alongCurve(flat), leaf: make([]int32, len(flat))}
	for t.leaves < len(flat) {
		t.leaves *= 2
	}
	inf := math.Inf(1)
	t.boxes, t.counts = make([]planBox, 2*t.leaves), make([]int32, 2*t.leaves)
	for k := range t.boxes {
		t.boxes[k] = planBox{Point{inf, inf}, Point{-inf, -inf}}
	}
	for k, i := range t.at {
		t.leaf[i] = int32(t.leaves + k)
		t.boxes[t.leaves+k] = planBox{flat[i], flat[i]}
	}
	for k := t.leaves - 1; k > 0; k-- {
		t.boxes[k] = t.boxes[2*k].union(t.boxes[2*k+1])
	}
	return t
}

// alongCurve returns the indices of the points in Morton order.
func alongCurve(flat []Point) []int32 {
	whole := box.Empty()
	for _, p := range flat {
		whole.Include([3]float64{p[0], p[1]})
	}
	keys, order := make([]uint64, len(flat)), make([]int32, len(flat))
	for i, p := range flat {
		keys[i], order[i] = whole.MortonCode([3]float64{p[0], p[1]}), int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int { return cmp.Compare(keys[i], keys[j]) })
	return order
}

// set adds point i to the set or removes it. The membership must change.
func (t *cornerTree) set(i int32, in bool) {
	by := int32(1)
	if !in {
		by = -1
	}
	for k := t.leaf[i]; k > 0; k /= 2 {
		t.counts[k] += by
	}
}

// holds reports whether a member blocks the triangle a, b, d: see [blocks].
func (t *cornerTree) holds(a, b, d Point) bool {
	within := planBox{a, a}.union(planBox{b, b}).union(planBox{d, d})
	t.stack = append(t.stack[:0], 1)
	for len(t.stack) > 0 {
		k := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		box := &t.boxes[k]
		switch {
		case t.counts[k] == 0, box.apart(within), box.right(a, b), box.right(b, d), box.right(d, a):
		case int(k) >= t.leaves:
			if blocks(t.flat[t.at[int(k)-t.leaves]], a, b, d) {
				return true
			}
		default:
			t.stack = append(t.stack, 2*k, 2*k+1)
		}
	}
	return false
}

// apart reports whether the boxes are disjoint. Testing the triangle's edges alone would
// keep boxes beyond the tip of a thin triangle.
func (b *planBox) apart(c planBox) bool {
	return b.hi[0] < c.lo[0] || b.hi[1] < c.lo[1] || c.hi[0] < b.lo[0] || c.hi[1] < b.lo[1]
}

// right reports whether Turn(u, v, p) is negative for every p in the box. Rounding is
// monotonic, so testing one corner is exact.
func (b *planBox) right(u, v Point) bool {
	p := b.hi
	if v[0]-u[0] < 0 {
		p[1] = b.lo[1]
	}
	if v[1]-u[1] >= 0 {
		p[0] = b.lo[0]
	}
	return Turn(u, v, p) < 0
}
