package dual

import (
	"fmt"

	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/internal/blocks"
)

// MaxTop is the deepest level of which all nodes may exist.
const MaxTop = 5

// Tree is an octree of split flags. Grow makes it deeper; else it does not change.
type Tree struct {
	Top    int
	levels []level
}

// level holds all nodes of a level in Morton order.
type level struct {
	keys  []octree.Key
	child []int32 // rank among the nodes that split, or -1; nil at the last level
	leaf  []int32 // number of leaves before each node; nil at the last level
}

// New returns the tree whose last level is top. The error wraps [octree.ErrDepth].
func New(top int) (*Tree, error) {
	if top < 0 || top > MaxTop {
		return nil, fmt.Errorf("dual.New: %w: %d, maximum %d", octree.ErrDepth, top, MaxTop)
	}
	return &Tree{Top: top, levels: []level{{keys: octree.Full(top)}}}, nil
}

// Depth is the last level.
func (t *Tree) Depth() int { return t.Top + len(t.levels) - 1 }

// Keys returns the nodes of level d, as a view that must not be changed; nil if there is no
// such level.
func (t *Tree) Keys(d int) []octree.Key {
	if d < t.Top || d > t.Depth() {
		return nil
	}
	return t.at(d).keys
}

// Splits reports whether node r of level d splits. Nodes of the last level do not.
func (t *Tree) Splits(d, r int) bool {
	c := t.at(d).child
	return c != nil && c[r] >= 0
}

func (t *Tree) at(d int) *level { return &t.levels[d-t.Top] }

// Grow adds the children of those nodes of the last level whose flag has its lowest bit set,
// as [octree.Split] does: where no node splits, the first does. Errors wrap [octree.ErrTokens]
// if there is not a flag for each node, [octree.ErrDepth] and [octree.ErrLimit].
func (t *Tree) Grow(flags []uint32) error {
	l := t.at(t.Depth())
	n := 0
	for _, f := range flags {
		n += int(f & 1)
	}
	switch {
	case len(flags) != len(l.keys):
		return fmt.Errorf("dual.Grow: %w: %d flags for %d nodes", octree.ErrTokens, len(flags), len(l.keys))
	case t.Depth() >= octree.MaxDepth:
		return fmt.Errorf("dual.Grow: %w: the tree has %d, maximum %d", octree.ErrDepth, t.Depth(), octree.MaxDepth)
	case 8*n > octree.MaxNodes:
		return fmt.Errorf("dual.Grow: %w: %d nodes at level %d, maximum %d", octree.ErrLimit, 8*n, t.Depth()+1, octree.MaxNodes)
	}
	l.child, l.leaf = make([]int32, len(flags)), make([]int32, len(flags))
	split, leaves := int32(0), int32(0)
	for r, f := range flags {
		l.child[r], l.leaf[r] = -1, leaves
		if f&1 != 0 || n == 0 && r == 0 {
			l.child[r] = split
			split++
		} else {
			leaves++
		}
	}
	t.levels = append(t.levels, level{keys: octree.Split(l.keys, flags)})
	return nil
}

// Copy returns a tree with the levels down to depth, which grows by itself. The error wraps
// [octree.ErrDepth].
func (t *Tree) Copy(depth int) (*Tree, error) {
	if depth < t.Top || depth > t.Depth() {
		return nil, fmt.Errorf("dual.Copy: %w: %d, the tree has %d to %d", octree.ErrDepth, depth, t.Top, t.Depth())
	}
	out := &Tree{Top: t.Top, levels: append([]level(nil), t.levels[:depth-t.Top+1]...)}
	out.at(depth).child, out.at(depth).leaf = nil, nil
	return out, nil
}

// Flags returns 1 for each node of level d that splits, and 0 for the others.
func (t *Tree) Flags(d int) []uint32 {
	out := make([]uint32, len(t.Keys(d)))
	for r := range out {
		if t.Splits(d, r) {
			out[r] = 1
		}
	}
	return out
}

// splits is how many nodes of level d do.
func (t *Tree) splits(d int) int {
	if d == t.Depth() {
		return 0
	}
	return len(t.at(d+1).keys) / 8
}

// find returns the node at level d that is k, or else the leaf above that holds k.
func (t *Tree) find(d int, k octree.Key) (at, r int) {
	r = int(k >> (3 * (d - t.Top)))
	for at = t.Top; at < d; at++ {
		c := t.at(at).child
		if c == nil || c[r] < 0 {
			return at, r
		}
		r = 8*int(c[r]) + int(k>>(3*(d-at-1)))&7
	}
	return d, r
}

// Neighbours27 returns the rows of the 27 nodes around each node of level d, at the same
// level. The shape is [n, 27], in the order of [octree.Offsets27]. An entry is -1 where
// there is no node.
func (t *Tree) Neighbours27(d int) []int32 {
	keys := t.Keys(d)
	out := make([]int32, 27*len(keys))
	blocks.Each(len(keys), 1024, func(from, to int) {
		for r := from; r < to; r++ {
			for i, s := range octree.Offsets27 {
				out[27*r+i] = -1
				if k, ok := keys[r].Offset(d, s[0], s[1], s[2]); ok {
					if at, row := t.find(d, k); at == d {
						out[27*r+i] = int32(row)
					}
				}
			}
		}
	})
	return out
}
