package dual

import (
	"fmt"

	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/blocks"
)

// Kinds is how many kinds of neighbours a node of a graph has: in the six directions of
// [octree.FaceOffsets], and itself.
const Kinds = 7

// Graph is the dual graph of a tree at a level.
type Graph struct {
	Depth int
	First []int // node of each level from the tree's first on, and behind them the number of all
	// Rows[Starts[7r+k]:Starts[7r+k+1]] are the neighbours of kind k of node r, in Morton order.
	Starts, Rows []int32
}

// Len is the number of nodes.
func (g *Graph) Len() int { return g.First[len(g.First)-1] }

// Leaves is the number of nodes of the levels above the last.
func (g *Graph) Leaves() int { return g.First[len(g.First)-2] }

// Graph returns the dual graph at level d. Errors wrap [octree.ErrDepth] if the tree has no
// such level, and [octree.ErrLimit] if it has too many neighbours for 32 bits.
func (t *Tree) Graph(d int) (*Graph, error) {
	if d < t.Top || d > t.Depth() {
		return nil, fmt.Errorf("dual.Graph: %w: %d, the tree has %d to %d", octree.ErrDepth, d, t.Top, t.Depth())
	}
	b := &builder{tree: t, Graph: &Graph{Depth: d, First: t.first(d)}}
	n := b.Len()
	counts := make([]int32, Kinds*n)
	b.each(func(id int, k octree.Key, l int) {
		for kind := range Kinds {
			b.visit(id, k, l, kind, func(int32) { counts[Kinds*id+kind]++ })
		}
	})
	b.Starts = make([]int32, Kinds*n+1)
	total := int64(0)
	for i, c := range counts {
		if total += int64(c); total > 1<<31-1 {
			return nil, fmt.Errorf("dual.Graph: %w: %d nodes have too many neighbours", octree.ErrLimit, n)
		}
		b.Starts[i+1] = int32(total)
	}
	b.Rows = make([]int32, total)
	b.each(func(id int, k octree.Key, l int) {
		at := b.Starts[Kinds*id]
		for kind := range Kinds {
			b.visit(id, k, l, kind, func(row int32) {
				b.Rows[at] = row
				at++
			})
		}
	})
	return b.Graph, nil
}

// first numbers the nodes of the graph at level d, see [Graph].
func (t *Tree) first(d int) []int {
	out := []int{0}
	for l := t.Top; l <= d; l++ {
		n := len(t.Keys(l))
		if l < d {
			n -= t.splits(l)
		}
		out = append(out, out[len(out)-1]+n)
	}
	return out
}

type builder struct {
	*Graph

	tree *Tree
}

// id is the number of node r of level l, which is a leaf or of the last level.
func (b *builder) id(l, r int) int {
	if l < b.Depth {
		r = int(b.tree.at(l).leaf[r])
	}
	return b.First[l-b.tree.Top] + r
}

// each calls body for all nodes, at once for many.
func (b *builder) each(body func(id int, k octree.Key, l int)) {
	for l := b.tree.Top; l <= b.Depth; l++ {
		keys := b.tree.Keys(l)
		blocks.Each(len(keys), 1024, func(from, to int) {
			for r := from; r < to; r++ {
				if l == b.Depth || !b.tree.Splits(l, r) {
					body(b.id(l, r), keys[r], l)
				}
			}
		})
	}
}

// visit calls see for the neighbours of a kind of node id, which is k of level l.
func (b *builder) visit(id int, k octree.Key, l, kind int, see func(row int32)) {
	if kind == Kinds-1 {
		see(int32(id))
		return
	}
	s := octree.FaceOffsets[kind]
	next, ok := k.Offset(l, s[0], s[1], s[2])
	if !ok {
		return
	}
	at, r := b.tree.find(l, next)
	b.facing(at, r, kind, see)
}

// facing calls see for the graph's nodes inside node r of level l that touch one face of
// node r. It is the face that the node's neighbour touches, where direction leads from the
// neighbour to node r.
func (b *builder) facing(l, r, direction int, see func(row int32)) {
	if l == b.Depth || !b.tree.Splits(l, r) {
		see(int32(b.id(l, r)))
		return
	}
	bit, far := 1<<(direction/2), direction%2 // z, y, x; the direction is up, or down
	for c := range 8 {
		if c&bit == 0 == (far == 0) {
			b.facing(l+1, 8*int(b.tree.at(l).child[r])+c, direction, see)
		}
	}
}
