package order

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// Columns of a row of [Octree], and its token.
const (
	LevelFixed = 9 // kind, octant, faces, edges (2), corners, x, y, z; then the class, if there are classes
	LevelFed   = 5 // previous, parent, -x, -y, -z
	LevelNear  = 7 // of [Octree.Together]: parent, -x, -y, -z, +z, +y, +x
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

// Octree predicts an octree level by level: an occupancy byte for each node, then a code for
// each leaf at the given depth. A row sees all positions before it, and itself. A class is a
// fixed id of every row; 0 says nothing of the shape, and is what the other branch of guidance
// gets. A network without classes has class -1.
//
// Source: octrees in Morton order as tokens follow OctGPT, 2025, arXiv:2504.09975; the
// bytes, the codes, the rows and the sets are ours.
type Octree struct {
	Depth, Class int
	// Together predicts many nodes at once: those of a block of a level, 256 in Morton order,
	// in eight sets by the octant that a node is of its parent. Nodes that share a face are
	// never in one set. A row is fed the tokens of its parent, and of those of its six
	// neighbours that are known by then. A level of at most a block goes one by one: it has
	// few nodes, which decide what the shape is. Without Together all nodes follow one by one.
	// A row is then fed the tokens before it, of its parent, and of its neighbours at -x, -y
	// and -z. Morton order puts those before it.
	Together bool
}

// Schedule makes the runs. Given has the tokens of the first levels. The error wraps
// system.ErrPrompt if the tokens given are none, or reach the leaves.
func (o Octree) Schedule(given []uint32) (system.Schedule, error) {
	tree, err := octree.FromKeys(0, []octree.Key{0})
	if err != nil {
		return nil, err
	}
	p := treeRows{Octree: o}
	for p.N*LevelSub < len(given) {
		if tree.Depth == o.Depth {
			return nil, fmt.Errorf("order.Octree: %w: %d tokens are given beyond the nodes of depth %d", system.ErrPrompt, len(given)/LevelSub-p.N, o.Depth)
		}
		p.level(tree)
		if tree, err = grow(tree, given); err != nil {
			return nil, err
		}
	}
	known := p.N
	p.level(tree)
	more := func(tokens []uint32) ([]system.Run, error) {
		if tree.Depth == o.Depth {
			return nil, nil
		}
		if tree, err = grow(tree, tokens); err != nil {
			return nil, err
		}
		next := treeRows{Octree: o, first: before(tree, tree.Depth)}
		next.level(tree)
		return next.runs(0), nil
	}
	return Grow(more, p.runs(known)...), nil
}

// treeRows are rows of nodes.
type treeRows struct {
	Positions
	Octree
	first int     // row of the request that the first one is
	up    []int32 // of the level that is added, the number of each node's parent in its own
	at    []int32 // position of each row, which is its number without Together
	ends  []int   // of the sets, in rows
}

// LevelSetRows bounds the rows of a step of [Octree.Together].
const LevelSetRows = 64

// runs returns the rows as runs, of which the first given have tokens, with those of the
// other branch.
func (p *treeRows) runs(given int) (runs []system.Run) {
	if !p.Together {
		runs = p.Runs(p.first, given, 1)
	} else {
		if given > 0 {
			runs = append(runs, system.Run{Rows: slice(p.Rows, 0, given), Group: 1})
		}
		lo := 0
		for _, hi := range p.ends {
			if lo >= given {
				runs = append(runs, system.Run{
					Rows: slice(p.Rows, lo, hi), Group: hi - lo, GroupTargets: hi - lo,
					Targets: system.Targets{N: hi - lo, At: p.at[lo:hi], TokenRange: p.ranges[2*lo : 2*hi]},
				})
			}
			lo = hi
		}
	}
	if p.Class <= 0 {
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
		return nil, fmt.Errorf("order.Octree: %w: %d positions, level %d ends at %d", system.ErrPrompt, len(tokens)/LevelSub, o.Depth, at+n)
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

// level appends the nodes of the tree's last level, as leaves at the order's depth.
func (p *treeRows) level(o *octree.Octree) {
	keys := o.Keys(o.Depth)
	p.up = o.ParentRows(o.Depth)
	if !p.Together {
		for row := range keys {
			p.node(o, row, int32(p.first+p.N+1), nil)
		}
		return
	}
	sets := setsOf(keys)
	when := make([]int, len(keys)) // number of the set that a node is in
	for i, set := range sets {
		for _, row := range set {
			when[row] = i
		}
	}
	for i, set := range sets {
		end := p.N + len(set)
		for _, row := range set {
			p.node(o, row, int32(p.first+end), func(other int32) bool { return when[other] < i })
		}
		p.ends = append(p.ends, end)
	}
}

// setsOf returns the rows of a level's sets, in their order.
func setsOf(keys []octree.Key) (sets [][]int) {
	if len(keys) <= blockNodes {
		for row := range keys {
			sets = append(sets, []int{row})
		}
		return sets
	}
	for from := 0; from < len(keys); from += blockNodes {
		for _, octant := range octants {
			var set []int
			for row := from; row < min(from+blockNodes, len(keys)); row++ {
				if keys[row].ChildIndex() == octant {
					set = append(set, row)
				}
			}
			sets = slices.AppendSeq(sets, slices.Chunk(set, LevelSetRows))
		}
	}
	return sets
}

// blockNodes is the number of nodes of a block. Their rows, and those of the block before,
// are well within what attention reaches.
const blockNodes = 256

// octants in the order of their sets. The first four share no face with each other, so each
// of the last four has up to six known neighbours.
var octants = [8]int{0, 3, 5, 6, 1, 2, 4, 7}

// faceNeighbours are the numbers of the six neighbours across faces among all 27 places:
// -x, -y, -z, +z, +y, +x.
var faceNeighbours = [6]int{4, 10, 12, 14, 16, 22}

// node appends the row of a node of the tree's last level, which sees so many slots. Known
// says which nodes of the level have tokens by then; nil: those before it.
func (p *treeRows) node(o *octree.Octree, row int, sees int32, known func(int32) bool) {
	d := o.Depth
	key := o.Keys(d)[row]
	base, above := before(o, d), before(o, max(d-1, 0))
	kind, lowest, top := int32(d), int32(1), sample.Existing(LevelVocab, 1)
	if d == p.Octree.Depth {
		kind, lowest, top = int32(levels+d), 0, LevelVocab
	}
	x, y, z := key.Decode()
	near := o.Neighbours26(d, row)
	fixed := append([]int32{kind, octantRow + int32(key.ChildIndex())}, maskIDs(near)...)
	fixed = append(fixed, coordRow+bin(x, d), coordRow+coords+bin(y, d), coordRow+2*coords+bin(z, d))
	if p.Class >= 0 {
		fixed = append(fixed, LevelIds+int32(p.Class))
	}
	parent := int32(system.Start)
	if d > 0 {
		parent = int32(above) + p.up[row]
	}
	fed := []int32{int32(base + row - 1), parent}
	faces := faceNeighbours[:3]
	if known != nil {
		fed, faces = fed[1:], faceNeighbours[:]
	}
	for _, f := range faces {
		n := near[f]
		if known != nil && n >= 0 && !known(n) {
			n = -1
		}
		fed = append(fed, neighbour(base, n))
	}
	p.at = append(p.at, int32(base+row))
	p.Add(fixed, fed, []int32{fine(x, d), fine(y, d), fine(z, d)}, sees, lowest, top)
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
