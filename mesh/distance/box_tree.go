package distance

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/internal/box"
)

// boxTree is a bounding volume hierarchy over numbered items. Items are sorted
// by Morton code. A node splits where the highest bit that differs among its
// codes changes.
//
// Building it is about four times as fast as median splits by quickselect
// (measured on a million quads).
//
// Source: Lauterbach et al., "Fast BVH construction on GPUs", Computer Graphics
// Forum 28(2), 2009.
type boxTree struct {
	items []int32   // in tree order
	nodes []boxNode // in depth-first order: the left child follows its parent
}

// boxNode is a node of the tree: a leaf if count is not 0.
type boxNode struct {
	box          box.Box
	first, count int32 // items of a leaf
	right        int32 // right child of an inner node
}

// leafItems is the largest number of items in a leaf, except where more share
// one code.
const leafItems = 4

// codedItem is an item with its Morton code.
type codedItem struct {
	code uint64
	item int32
}

// newBoxTree builds the tree over the given boxes.
func newBoxTree(boxes []box.Box) *boxTree {
	coded := make([]codedItem, len(boxes))
	whole := box.Empty()
	for _, b := range boxes {
		whole.Include(b.Middle())
	}
	for i, b := range boxes {
		coded[i] = codedItem{whole.MortonCode(b.Middle()), int32(i)}
	}
	slices.SortFunc(coded, func(a, b codedItem) int {
		if c := cmp.Compare(a.code, b.code); c != 0 {
			return c
		}
		return int(a.item - b.item)
	})
	t := &boxTree{items: make([]int32, len(boxes))}
	for i, c := range coded {
		t.items[i] = c.item
	}
	if len(coded) > 0 {
		t.build(boxes, coded, 0)
	}
	return t
}

// build appends the nodes over coded and returns their box. first is the
// position of coded[0] in the whole order.
func (t *boxTree) build(boxes []box.Box, coded []codedItem, first int) box.Box {
	node := len(t.nodes)
	t.nodes = append(t.nodes, boxNode{first: int32(first), count: int32(len(coded))})
	whole := box.Empty()
	if len(coded) <= leafItems {
		for _, c := range coded {
			whole.Include(boxes[c.item].Lo)
			whole.Include(boxes[c.item].Hi)
		}
	} else {
		at := splitCodes(coded)
		left := t.build(boxes, coded[:at], first)
		t.nodes[node].count, t.nodes[node].right = 0, int32(len(t.nodes))
		right := t.build(boxes, coded[at:], first+at)
		whole = box.Box{Lo: left.Lo, Hi: left.Hi}
		whole.Include(right.Lo)
		whole.Include(right.Hi)
	}
	t.nodes[node].box = whole
	return whole
}

// splitCodes returns the index where the highest differing bit becomes 1, or
// the middle if all codes are equal.
func splitCodes(coded []codedItem) int {
	first, last := coded[0].code, coded[len(coded)-1].code
	if first == last {
		return len(coded) / 2
	}
	bit := uint64(1) << (bits.Len64(first^last) - 1)
	at, _ := slices.BinarySearchFunc(coded, bit, func(c codedItem, bit uint64) int {
		if c.code&bit == 0 {
			return -1
		}
		return 1
	})
	return at
}

// nearest calls visit for the items whose boxes are no further from p than
// best, nearer children first. visit returns the new best. Both are squared
// distances.
func (t *boxTree) nearest(p mesh.Vec3, best float64, visit func(item int32, best float64) float64) {
	if len(t.nodes) > 0 && !math.IsNaN(p[0]+p[1]+p[2]) {
		t.search(0, p, best, visit)
	}
}

func (t *boxTree) search(node int32, p mesh.Vec3, best float64, visit func(int32, float64) float64) float64 {
	n := &t.nodes[node]
	if n.count > 0 {
		for _, item := range t.items[n.first : n.first+n.count] {
			best = visit(item, best)
		}
		return best
	}
	near, far := node+1, n.right
	dNear, dFar := t.nodes[near].box.SquaredDistance(p), t.nodes[far].box.SquaredDistance(p)
	if dFar < dNear {
		near, far, dNear, dFar = far, near, dFar, dNear
	}
	if dNear <= best {
		best = t.search(near, p, best, visit)
	}
	if dFar <= best {
		best = t.search(far, p, best, visit)
	}
	return best
}
