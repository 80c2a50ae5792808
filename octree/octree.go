package octree

import (
	"fmt"
	"math/bits"

	"github.com/morton-gen/morton/internal/errkind"
)

// Limits.
const (
	// MaxDepth is the deepest tree this package makes: 1024 cells along an axis.
	MaxDepth = 10
	// MaxNodes bounds the nodes of one level. A closed surface that fills the
	// domain has about six million leaves at depth 10.
	MaxNodes = 1 << 24
)

// Errors a caller can branch on.
var (
	// ErrDepth reports a depth or level outside what the tree or the package holds.
	ErrDepth = errkind.New("depth", "bad depth")
	// ErrDomain reports geometry outside [-1,1]^3, or not finite.
	ErrDomain = errkind.New("out_of_domain", "outside the domain")
	// ErrEmpty reports that no node would be left.
	ErrEmpty = errkind.New("no_faces", "empty tree")
	// ErrLimit reports a level that would pass [MaxNodes].
	ErrLimit = errkind.New("limit", "too many nodes")
	// ErrTokens reports tokens of the wrong number or value.
	ErrTokens = errkind.New("bad_sample", "bad tokens")
)

// Octree is a sparse octree over [-1,1]^3 with non-empty nodes only. It is
// immutable and safe for concurrent use. Make one with [Build],
// [FromKeys], [FromOccupancy] or [Octree.Grow].
type Octree struct {
	Depth  int // level of the leaves
	levels []level
}

// level has the non-empty nodes of one level in Morton order. Above the leaves
// it also has their children. children[r] has bit c set if child c of node r is
// not empty. The children of node r start at row first[r] one level down.
type level struct {
	keys     []Key
	children []byte
	first    []int32
}

// Keys returns the keys of the non-empty nodes at level d in ascending order,
// or nil if there is no such level. The result is a view that must not be
// changed.
func (o *Octree) Keys(d int) []Key {
	if d < 0 || d > o.Depth {
		return nil
	}
	return o.levels[d].keys
}

// Len returns the number of non-empty nodes at level d.
func (o *Octree) Len(d int) int { return len(o.Keys(d)) }

// Leaves returns the keys of the leaves: Keys(Depth).
func (o *Octree) Leaves() []Key { return o.levels[o.Depth].keys }

// Descend walks from the root towards node k of level d and returns the last
// non-empty node on the way: its level and its row. If the level is d, node k
// itself is not empty; otherwise its ancestor at the next level is empty. It
// takes time proportional to d.
func (o *Octree) Descend(d int, k Key) (reached, row int) {
	row = 0
	for at := range d {
		c := int(k>>(3*(d-at-1))) & 7
		if o.levels[at].children[row]>>c&1 == 0 {
			return at, row
		}
		row = o.childRow(at, row, c)
	}
	return d, row
}

// childRow returns the row of non-empty child c of the node at the given row.
func (o *Octree) childRow(d, row, c int) int {
	l := &o.levels[d]
	before := l.children[row] & (1<<c - 1)
	return int(l.first[row]) + bits.OnesCount8(before)
}

// Find returns the row of node k among the non-empty nodes of level d, and
// whether it is there.
func (o *Octree) Find(d int, k Key) (row int, ok bool) {
	if d < 0 || d > o.Depth || k>>(3*d) != 0 {
		return -1, false
	}
	reached, row := o.Descend(d, k)
	if reached < d {
		return -1, false
	}
	return row, true
}

// ParentRows returns the row of each node's parent, for the nodes of level d; nil for the root.
func (o *Octree) ParentRows(d int) []int32 {
	if d == 0 {
		return nil
	}
	out := make([]int32, o.Len(d))
	up, row := o.Keys(d-1), int32(0)
	for i, k := range o.Keys(d) {
		for up[row] != k.Parent() {
			row++
		}
		out[i] = row
	}
	return out
}

// Truncate returns the tree's first levels down to depth: the coarse shape with
// which a generator can be prompted. It shares memory with o. It returns an
// error wrapping [ErrDepth] unless 0 <= depth <= o.Depth.
func (o *Octree) Truncate(depth int) (*Octree, error) {
	if depth < 0 || depth > o.Depth {
		return nil, fmt.Errorf("octree.Truncate: %w: %d, tree has %d", ErrDepth, depth, o.Depth)
	}
	levels := make([]level, depth+1)
	copy(levels, o.levels)
	levels[depth] = level{keys: o.levels[depth].keys}
	return &Octree{Depth: depth, levels: levels}, nil
}

// Equal tells whether a and b have the same depth and the same leaves.
func (o *Octree) Equal(b *Octree) bool {
	if o.Depth != b.Depth || len(o.Leaves()) != len(b.Leaves()) {
		return false
	}
	for i, k := range o.Leaves() {
		if k != b.Leaves()[i] {
			return false
		}
	}
	return true
}
