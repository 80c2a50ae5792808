package octree

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
)

// Lay returns the tokens of a sample's positions, and the prompt of a request that draws
// all of them. A node has one byte of four. Errors wrap [ErrSample] or [ErrDepth].
func (c Config) Lay(s shard.Sample) (system.Prompt, []uint32, error) {
	o, codes, err := Parse(s)
	if err != nil {
		return system.Prompt{}, nil, err
	}
	if err := c.CheckDepth(o.Depth); err != nil {
		return system.Prompt{}, nil, err
	}
	tokens := nodes(o)
	for _, code := range codes {
		for _, b := range code.Tokens() {
			tokens = append(tokens, uint32(b))
		}
	}
	p := system.Prompt{Depth: o.Depth}
	if len(c.Classes) > 0 {
		if p.Class = class(s); p.Class >= len(c.Classes) {
			return p, nil, fmt.Errorf("octree.Lay: %w: %q is of class %d of %d", ErrSample, s.ID, p.Class, len(c.Classes))
		}
	}
	return p, tokens, nil
}

// nodes returns the tokens of a tree's internal nodes.
func nodes(o *octree.Octree) (tokens []uint32) {
	for d := range o.Depth {
		for _, b := range o.Occupancy(d) {
			tokens = append(tokens, uint32(b), 0, 0, 0)
		}
	}
	return tokens
}

// Sample turns the tokens of all positions back into a sample of the given depth. The
// error wraps [ErrSample].
func Sample(id string, tokens []uint32, depth int) (shard.Sample, error) {
	s := shard.Sample{ID: id, Kind: shard.KindOctree, Grid: []int32{int32(depth)}}
	n := len(tokens) / sub
	for i := range n {
		s.Tokens = append(s.Tokens, int64(tokens[i*sub]))
	}
	o, leaves, err := grow(s.Tokens, depth)
	if err != nil {
		return s, fmt.Errorf("octree.Sample: %w", err)
	}
	if len(leaves) != o.Len(depth) || len(tokens) != n*sub {
		return s, fmt.Errorf("octree.Sample: %w: %d positions for %d leaves after %d nodes", ErrSample, n, o.Len(depth), n-len(leaves))
	}
	for i := n - len(leaves); i < n; i++ {
		t := tokens[i*sub:]
		s.Tokens[i] = int64(surface.FromTokens([sub]byte{byte(t[0]), byte(t[1]), byte(t[2]), byte(t[3])}).Bits())
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
