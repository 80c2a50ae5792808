package order

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// Columns of a row of [Levels], and its token.
const (
	LevelFixed = 9 // kind, octant, faces, edges (2), corners, x, y, z; then the class, if there are classes
	LevelFed   = 5 // previous, parent, -x, -y, -z
	LevelAxes  = 3
	LevelSub   = surface.TokensPerCode // bytes of a leaf's code; a node has one
	LevelVocab = 256
	LevelIds   = coordRow + 3*coords // fixed ids; then those of classes

	levels = octree.MaxDepth + 1
	kinds  = 2 * levels // internal nodes and leaves, by level
	coords = 32         // bins of a coordinate

	octantRow = kinds
	facesRow  = octantRow + 8
	edgesRow  = facesRow + 64
	cornerRow = edgesRow + 2*64
	coordRow  = cornerRow + 256
)

// Levels predicts an octree level by level in Morton order: an occupancy byte for each
// node, then a code for each leaf at the given depth. A row is fed the tokens before it,
// of its parent, and of its neighbours at -x, -y and -z, which Morton order puts before
// it. It sees all positions before it, and itself. Given has the tokens of the first
// levels. A class is a fixed id of every row; 0 says nothing of the shape, and is what the
// other branch of guidance gets. A network without classes has class -1. The error wraps
// system.ErrPrompt if the tokens given are none, or reach the leaves.
//
// Source: octrees in Morton order as tokens follow OctGPT, 2025, arXiv:2504.09975; the
// bytes, the codes and the rows are ours.
func Levels(given []uint32, depth, class int) (system.Schedule, error) {
	tree, err := octree.FromKeys(0, []octree.Key{0})
	if err != nil {
		return nil, err
	}
	p := treeRows{class: int32(class)}
	for p.N*LevelSub < len(given) {
		if tree.Depth == depth {
			return nil, fmt.Errorf("order.Levels: %w: %d tokens are given beyond the nodes of depth %d", system.ErrPrompt, len(given)/LevelSub-p.N, depth)
		}
		p.level(tree, false)
		if tree, err = grow(tree, given); err != nil {
			return nil, err
		}
	}
	known := p.N
	p.level(tree, tree.Depth == depth)
	more := func(tokens []uint32) ([]system.Run, error) {
		if tree.Depth == depth {
			return nil, nil
		}
		if tree, err = grow(tree, tokens); err != nil {
			return nil, err
		}
		next := treeRows{class: p.class}
		next.level(tree, tree.Depth == depth)
		return next.runs(before(tree, tree.Depth), 0), nil
	}
	return Grow(more, p.runs(0, known)...), nil
}

// treeRows are positions of nodes.
type treeRows struct {
	Positions
	class int32
}

// runs returns the positions as [Positions.Runs] does, with those of the other branch.
func (p *treeRows) runs(base, given int) []system.Run {
	runs := p.Runs(base, given, 1)
	if p.class <= 0 {
		return runs
	}
	for i := range runs {
		other := runs[i].Rows
		other.Fixed = slices.Clone(other.Fixed)
		for at := LevelFixed; at < len(other.Fixed); at += LevelFixed + 1 {
			other.Fixed[at] = LevelIds
		}
		runs[i].Other = &other
	}
	return runs
}

// grow adds the level that the tokens of the tree's last one describe.
func grow(o *octree.Octree, tokens []uint32) (*octree.Octree, error) {
	at, n := before(o, o.Depth), o.Len(o.Depth)
	if len(tokens) < (at+n)*LevelSub {
		return nil, fmt.Errorf("order.Levels: %w: %d positions, level %d ends at %d", system.ErrPrompt, len(tokens)/LevelSub, o.Depth, at+n)
	}
	bytes := make([]byte, n)
	for i := range bytes {
		bytes[i] = byte(tokens[(at+i)*LevelSub])
	}
	grown, _, err := o.Grow(bytes)
	return grown, err
}

// before returns the number of nodes above level d.
func before(o *octree.Octree, d int) (n int) {
	for l := range d {
		n += o.Len(l)
	}
	return n
}

// level appends the nodes of the tree's last level, as leaves or as internal nodes.
func (p *treeRows) level(o *octree.Octree, leaves bool) {
	d := o.Depth
	base, above := before(o, d), before(o, max(d-1, 0))
	kind, lowest, top := int32(d), int32(1), sample.Existing(LevelVocab, 1)
	if leaves {
		kind, lowest, top = int32(levels+d), 0, LevelVocab
	}
	parents := o.ParentRows(d)
	for row, key := range o.Keys(d) {
		x, y, z := key.Decode()
		near := o.Neighbours26(d, row)
		fixed := append([]int32{kind, octantRow + int32(key.ChildIndex())}, maskIDs(near)...)
		fixed = append(fixed, coordRow+bin(x, d), coordRow+coords+bin(y, d), coordRow+2*coords+bin(z, d))
		if p.class >= 0 {
			fixed = append(fixed, LevelIds+p.class)
		}
		previous, parent := int32(base+row-1), int32(system.Start)
		if d > 0 {
			parent = int32(above) + parents[row]
		}
		fed := []int32{previous, parent, neighbour(base, near[4]), neighbour(base, near[10]), neighbour(base, near[12])}
		p.Add(fixed, fed, []int32{fine(x, d), fine(y, d), fine(z, d)}, int32(base+row+1), lowest, top)
	}
}

// fine is the centre of a cell on an axis, in sixteenths of the deepest level's cells.
func fine(x uint32, d int) int32 { return int32((2*x + 1) << (octree.MaxDepth - d) >> 4) }

func neighbour(base int, row int32) int32 {
	if row < 0 {
		return system.Start
	}
	return int32(base) + row
}

func bin(x uint32, d int) int32 {
	if d > 5 {
		return int32(x >> (d - 5))
	}
	return int32(x << (5 - d))
}

// maskIDs turns which of a node's 26 neighbours exist into four ids: its six
// faces, twelve edges in two halves, and eight corners.
func maskIDs(near [27]int32) []int32 {
	var face, edge, corner, f, e, c int32
	for i, row := range near {
		dx, dy, dz := i/9-1, i/3%3-1, i%3-1
		one := int32(0)
		if row >= 0 {
			one = 1
		}
		switch dx*dx + dy*dy + dz*dz {
		case 1:
			face |= one << f
			f++
		case 2:
			edge |= one << e
			e++
		case 3:
			corner |= one << c
			c++
		}
	}
	return []int32{facesRow + face, edgesRow + edge&63, edgesRow + 64 + edge>>6, cornerRow + corner}
}
