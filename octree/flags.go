package octree

import "fmt"

// SplitFlags returns one flag for each row of level d, 1 where the node is not
// empty and 0 where it is. Rows are the eight children of each non-empty node
// of level d-1, in Morton order; level 0 has one row. It returns nil if there
// is no such level.
//
// Source: the node order of Wei et al., "OctGPT: Octree-based Multiscale
// Autoregressive Models for 3D Shape Generation", 2025, arXiv:2504.09975.
func (o *Octree) SplitFlags(d int) []byte {
	if d == 0 {
		return []byte{1}
	}
	parents := o.Occupancy(d - 1)
	if parents == nil {
		return nil
	}
	flags := make([]byte, 0, 8*len(parents))
	for _, b := range parents {
		for c := range 8 {
			flags = append(flags, b>>c&1)
		}
	}
	return flags
}

// DenseFlags returns one flag for each of the 8^d nodes of level d, stored or
// not, in Morton order: how a sequence that starts at a full level begins. It
// returns nil if there is no such level or it has more than [MaxNodes] nodes.
func (o *Octree) DenseFlags(d int) []byte {
	if d < 0 || d > o.Depth || 1<<(3*d) > MaxNodes {
		return nil
	}
	flags := make([]byte, 1<<(3*d))
	for _, k := range o.Keys(d) {
		flags[k] = 1
	}
	return flags
}

// FromSplitFlags rebuilds a tree from the flags of consecutive levels, the
// first of which is dense at level full: flags[0] has 8^full entries, as from
// [Octree.DenseFlags], and flags[i] eight entries for each 1 in flags[i-1], as
// from [Octree.SplitFlags]. The tree's depth is full + len(flags) - 1.
//
// It returns an error wrapping [ErrDepth], [ErrEmpty] if flags[0] is all 0,
// [ErrLimit], or [ErrTokens] if a level has the wrong length, a flag is neither
// 0 nor 1, or a node has no child.
func FromSplitFlags(full int, flags ...[]byte) (*Octree, error) {
	if full < 0 || len(flags) == 0 {
		return nil, fmt.Errorf("octree.FromSplitFlags: %w: full level %d, %d levels given", ErrDepth, full, len(flags))
	}
	if err := checkDepth("octree.FromSplitFlags", full+len(flags)-1); err != nil {
		return nil, err
	}
	base, err := denseKeys(full, flags[0])
	if err != nil {
		return nil, fmt.Errorf("octree.FromSplitFlags: level %d: %w", full, err)
	}
	occupancy := make([][]byte, len(flags)-1)
	for i := range occupancy {
		if occupancy[i], err = pack(flags[i+1]); err != nil {
			return nil, fmt.Errorf("octree.FromSplitFlags: level %d: %w", full+i+1, err)
		}
	}
	return FromOccupancy(full, base, occupancy...)
}

// denseKeys returns the keys of a full level whose flag is 1.
func denseKeys(d int, flags []byte) ([]Key, error) {
	if len(flags) != 1<<(3*d) {
		return nil, fmt.Errorf("%w: %d flags, %d nodes", ErrTokens, len(flags), 1<<(3*d))
	}
	var keys []Key
	for i, f := range flags {
		if f > 1 {
			return nil, fmt.Errorf("%w: flag %d is %d", ErrTokens, i, f)
		}
		if f == 1 {
			keys = append(keys, Key(i))
		}
	}
	return keys, nil
}

// pack joins eight flags each into occupancy bytes.
func pack(flags []byte) ([]byte, error) {
	if len(flags)%8 != 0 {
		return nil, fmt.Errorf("%w: %d flags, not a multiple of 8", ErrTokens, len(flags))
	}
	occupancy := make([]byte, len(flags)/8)
	for i, f := range flags {
		if f > 1 {
			return nil, fmt.Errorf("%w: flag %d is %d", ErrTokens, i, f)
		}
		occupancy[i/8] |= f << (i % 8)
	}
	return occupancy, nil
}
