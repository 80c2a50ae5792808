package shape

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu/ops/sample"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/transformer"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// Sequence lays a sample out for the network.
func (c Config) Sequence(s shard.Sample) (*transformer.Sequence, error) {
	o, codes, err := Parse(s)
	if err != nil {
		return nil, err
	}
	if err := c.CheckDepth(o.Depth); err != nil {
		return nil, err
	}
	out := &transformer.Sequence{}
	internal := 0
	for d := range o.Depth {
		layLevel(out, o, d, false)
		out.Tokens = appendBytes(out.Tokens, o.Occupancy(d))
		internal += o.Len(d)
	}
	layLevel(out, o, o.Depth, true)
	for _, code := range codes {
		for _, b := range code.Tokens() {
			out.Tokens = append(out.Tokens, uint32(b))
		}
	}
	out.Short = func(p int) int {
		if p < internal {
			return sub - 1
		}
		return 0
	}
	return out, nil
}

func appendBytes(tokens []uint32, occupancy []byte) []uint32 {
	for _, b := range occupancy {
		tokens = append(tokens, uint32(b))
		for range sub - 1 {
			tokens = append(tokens, 0)
		}
	}
	return tokens
}

// start returns the position of the first node of a level.
func start(o *octree.Octree, d int) int {
	n := 0
	for l := range d {
		n += o.Len(l)
	}
	return n
}

// layLevel appends the nodes of level d to a sequence, as leaves or as internal nodes.
func layLevel(out *transformer.Sequence, o *octree.Octree, d int, leaves bool) {
	base, above := start(o, d), 0
	if d > 0 {
		above = start(o, d-1)
	}
	kind, lowest, top := int32(d), int32(1), sample.Existing(vocab, 1)
	if leaves {
		kind, lowest, top = int32(levels+d), 0, vocab
	}
	out.N += o.Len(d)
	parents := parentRows(o, d)
	for row, key := range o.Keys(d) {
		x, y, z := key.Decode()
		near := o.Neighbours26(d, row)
		out.Fixed = append(out.Fixed, kind, octantRow+int32(key.ChildIndex()))
		out.Fixed = append(out.Fixed, maskIDs(near)...)
		out.Fixed = append(out.Fixed, coordRow+bin(x, d), coordRow+coords+bin(y, d), coordRow+2*coords+bin(z, d))
		previous, parent := int32(base+row-1), int32(-1)
		if d > 0 {
			parent = int32(above) + parents[row]
		}
		out.Fed = append(out.Fed, previous, parent, position(base, near[4]), position(base, near[10]), position(base, near[12]))
		fine := func(x uint32) int32 { return int32((2*x + 1) << (octree.MaxDepth - d) >> 4) }
		out.Axes = append(out.Axes, fine(x), fine(y), fine(z))
		out.Sees, out.Allow = append(out.Sees, int32(base+row+1)), append(out.Allow, lowest, top)
	}
}

func position(base int, row int32) int32 {
	if row < 0 {
		return -1
	}
	return int32(base) + row
}

// parentRows returns, for every node of level d, its parent's row.
func parentRows(o *octree.Octree, d int) []int32 {
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

// Prompt lays out the levels of o above its depth as given. The nodes at its depth come
// next to be predicted: their children if depth is deeper, and their codes otherwise.
// Next continues it, level by level.
func (c Config) Prompt(o *octree.Octree, depth int) (*transformer.Sequence, func([]uint32) (*transformer.Sequence, error), error) {
	if err := c.CheckDepth(depth); err != nil {
		return nil, nil, err
	}
	if o.Depth > depth {
		return nil, nil, fmt.Errorf("shape.Prompt: %w: the prompt has depth %d, the result %d", ErrDepth, o.Depth, depth)
	}
	out := &transformer.Sequence{}
	for d := range o.Depth {
		layLevel(out, o, d, false)
		out.Tokens = appendBytes(out.Tokens, o.Occupancy(d))
	}
	out.Draw = len(out.Tokens) / sub
	layLevel(out, o, o.Depth, o.Depth == depth)
	tree := o
	next := func(tokens []uint32) (*transformer.Sequence, error) {
		if tree.Depth == depth {
			return nil, nil
		}
		grown, err := growOne(tree, tokens)
		if err != nil {
			return nil, err
		}
		tree = grown
		level := &transformer.Sequence{}
		layLevel(level, tree, tree.Depth, tree.Depth == depth)
		return level, nil
	}
	return out, next, nil
}

// growOne adds the level that the last tokens describe.
func growOne(o *octree.Octree, tokens []uint32) (*octree.Octree, error) {
	at, n := start(o, o.Depth), o.Len(o.Depth)
	if len(tokens) < (at+n)*sub {
		return nil, fmt.Errorf("shape: %w: %d positions, level %d ends at %d", ErrSample, len(tokens)/sub, o.Depth, at+n)
	}
	bytes := make([]byte, n)
	for i := range bytes {
		bytes[i] = byte(tokens[(at+i)*sub])
	}
	grown, _, err := o.Grow(bytes)
	return grown, err
}

// Sample turns drawn tokens back into a sample of the given depth.
func Sample(id string, tokens []uint32, depth int) (shard.Sample, error) {
	s := shard.Sample{ID: id, Kind: shard.KindOctree, Grid: []int32{int32(depth)}}
	o, err := octree.FromKeys(0, []octree.Key{0})
	if err != nil {
		return s, err
	}
	for range depth {
		at := start(o, o.Depth)
		if o, err = growOne(o, tokens); err != nil {
			return s, err
		}
		for i := at; i < start(o, o.Depth); i++ {
			s.Tokens = append(s.Tokens, int64(tokens[i*sub]))
		}
	}
	at := start(o, o.Depth)
	if len(tokens) != (at+o.Len(depth))*sub {
		return s, fmt.Errorf("shape.Sample: %w: %d positions for %d leaves after %d nodes", ErrSample, len(tokens)/sub, o.Len(depth), at)
	}
	for i := at; i < len(tokens)/sub; i++ {
		t := tokens[i*sub:]
		s.Tokens = append(s.Tokens, int64(surface.FromTokens([sub]byte{byte(t[0]), byte(t[1]), byte(t[2]), byte(t[3])}).Bits()))
	}
	return s, nil
}

// Decode turns a sample into a closed quad mesh in the domain.
func Decode(s shard.Sample) (*mesh.Mesh, surface.Report, error) {
	o, codes, err := Parse(s)
	if err != nil {
		return nil, surface.Report{}, err
	}
	return surface.Extract(o, codes)
}
