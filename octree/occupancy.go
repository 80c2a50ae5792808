package octree

import (
	"fmt"
	"math/bits"
	"slices"
)

// Occupancy returns one byte for each non-empty node of level d, in Morton
// order. Bit c is set if child c is not empty, and no byte is 0. The result is
// a view that must not be changed. It is nil unless 0 <= d < o.Depth.
func (o *Octree) Occupancy(d int) []byte {
	if d < 0 || d >= o.Depth {
		return nil
	}
	return o.levels[d].children
}

// FromOccupancy rebuilds a tree from the nodes of one level and the occupancy
// bytes of that level and those below it. base has the ascending, distinct keys
// of level depth. FromOccupancy inverts [Octree.Keys] and [Octree.Occupancy].
// The tree's depth is depth + len(occupancy).
//
// It returns an error wrapping [ErrDepth], [ErrEmpty] if base is empty,
// [ErrLimit], or [ErrTokens] if base is out of order, a level has the wrong
// number of bytes, or a byte is 0. For a generator's bytes see [Octree.Grow].
func FromOccupancy(depth int, base []Key, occupancy ...[]byte) (*Octree, error) {
	if err := checkDepth("octree.FromOccupancy", depth+len(occupancy)); err != nil {
		return nil, err
	}
	for i := 1; i < len(base); i++ {
		if base[i] <= base[i-1] {
			return nil, fmt.Errorf("octree.FromOccupancy: %w: key %d after key %d", ErrTokens, base[i], base[i-1])
		}
	}
	o, err := FromKeys(depth, base)
	if err != nil {
		return nil, err
	}
	leaves := o.Leaves()
	for i, bytes := range occupancy {
		if r := slices.Index(bytes, 0); r >= 0 {
			return nil, fmt.Errorf("octree.FromOccupancy: %w: byte %d of level %d is 0", ErrTokens, r, depth+i)
		}
		if leaves, err = expand(leaves, bytes); err != nil {
			return nil, fmt.Errorf("octree.FromOccupancy: level %d: %w", depth+i, err)
		}
	}
	return fromLeaves(depth+len(occupancy), leaves), nil
}

// expand returns the keys of the children whose bits are set in the occupancy
// bytes.
func expand(keys []Key, occupancy []byte) ([]Key, error) {
	if len(occupancy) != len(keys) {
		return nil, fmt.Errorf("%w: %d occupancy bytes for %d nodes", ErrTokens, len(occupancy), len(keys))
	}
	n := 0
	for _, b := range occupancy {
		n += bits.OnesCount8(b)
	}
	if n > MaxNodes {
		return nil, fmt.Errorf("%w: %d, maximum %d", ErrLimit, n, MaxNodes)
	}
	children := make([]Key, 0, n)
	for r, b := range occupancy {
		for ; b != 0; b &= b - 1 {
			children = append(children, keys[r].Child(bits.TrailingZeros8(b)))
		}
	}
	return children, nil
}

// Grown counts the nodes that [Octree.Grow] removed.
type Grown struct {
	// Died counts the nodes of the deepest level whose byte was 0.
	Died int
	// Pruned counts, level by level, all nodes that were removed because
	// nothing is left below them; its last entry equals Died.
	Pruned []int
}

// Grow returns a tree one level deeper, from one occupancy byte for each leaf of
// o in Morton order. It accepts any bytes that a generator predicts. A leaf with
// byte 0 is removed and counted, and so are ancestors with no other leaf below
// them. So every stored node above the last level has a child. o is not changed.
//
// It returns an error wrapping [ErrDepth] if o has [MaxDepth], [ErrTokens] if
// the number of bytes is wrong, [ErrEmpty] if all bytes are 0, or [ErrLimit].
func (o *Octree) Grow(occupancy []byte) (*Octree, Grown, error) {
	if o.Depth >= MaxDepth {
		return nil, Grown{}, fmt.Errorf("octree.Grow: %w: tree has %d, maximum %d", ErrDepth, o.Depth, MaxDepth)
	}
	leaves, err := expand(o.Leaves(), occupancy)
	if err != nil {
		return nil, Grown{}, fmt.Errorf("octree.Grow: level %d: %w", o.Depth, err)
	}
	if len(leaves) == 0 {
		return nil, Grown{}, fmt.Errorf("octree.Grow: %w: no child at level %d", ErrEmpty, o.Depth+1)
	}
	next := fromLeaves(o.Depth+1, leaves)
	grown := Grown{Pruned: make([]int, o.Depth+1)}
	for d := range grown.Pruned {
		grown.Pruned[d] = o.Len(d) - next.Len(d)
	}
	grown.Died = grown.Pruned[o.Depth]
	return next, grown, nil
}
