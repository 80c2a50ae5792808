package octree

import (
	"fmt"
	"slices"
)

// FromKeys returns the tree of the given depth whose leaves are keys, in any
// order and possibly repeated. keys is left as it is. It returns an error
// wrapping [ErrDepth], [ErrEmpty] if there is no key, [ErrLimit], or
// [ErrTokens] if a key is not of that level.
func FromKeys(depth int, keys []Key) (*Octree, error) {
	if err := checkDepth("octree.FromKeys", depth); err != nil {
		return nil, err
	}
	if len(keys) > MaxNodes {
		return nil, fmt.Errorf("octree.FromKeys: %w: %d keys, maximum %d", ErrLimit, len(keys), MaxNodes)
	}
	leaves := slices.Clone(keys)
	slices.Sort(leaves)
	leaves = slices.Compact(leaves)
	if len(leaves) == 0 {
		return nil, fmt.Errorf("octree.FromKeys: %w: no keys", ErrEmpty)
	}
	if last := leaves[len(leaves)-1]; last>>(3*depth) != 0 {
		return nil, fmt.Errorf("octree.FromKeys: %w: key %d at depth %d", ErrTokens, last, depth)
	}
	return fromLeaves(depth, leaves), nil
}

// fromLeaves builds all levels above sorted, distinct leaves.
func fromLeaves(depth int, leaves []Key) *Octree {
	o := &Octree{Depth: depth, levels: make([]level, depth+1)}
	o.levels[depth].keys = leaves
	for d := depth - 1; d >= 0; d-- {
		o.levels[d] = parents(o.levels[d+1].keys)
	}
	return o
}

// parents returns the level above the nodes with the given sorted keys.
func parents(keys []Key) level {
	n := 0
	for i, k := range keys {
		if i == 0 || k.Parent() != keys[i-1].Parent() {
			n++
		}
	}
	l := level{keys: make([]Key, 0, n), children: make([]byte, 0, n), first: make([]int32, 0, n)}
	for i, k := range keys {
		if i == 0 || k.Parent() != keys[i-1].Parent() {
			l.keys = append(l.keys, k.Parent())
			l.children = append(l.children, 0)
			l.first = append(l.first, int32(i))
		}
		l.children[len(l.children)-1] |= 1 << k.ChildIndex()
	}
	return l
}

func checkDepth(where string, depth int) error {
	if depth < 0 || depth > MaxDepth {
		return fmt.Errorf("%s: %w: %d, maximum %d", where, ErrDepth, depth, MaxDepth)
	}
	return nil
}
