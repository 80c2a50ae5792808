// Package cells holds samples of octrees of split flags with codes, and turns them into meshes
// without a network: a shape is the hull of its smallest cells. That stands in where a
// generator has no tokenizer beside it, and reads no codes.
//
// It is not for what codes say (see tokenizer/octgpt), nor for Morton's own shapes (see
// tokenizer/octree).
package cells

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/dual"
)

// ErrCodes reports a mesh that is to become codes, which takes a network.
var ErrCodes = errkind.New("bad_request", "codes take a tokenizer beside the model")

// Tokenizer implements [system.Tokenizer] for levels Top to Depth. It needs no device.
type Tokenizer struct{ Top, Depth int }

// Close implements [system.Tokenizer].
func (t Tokenizer) Close() {}

// Encode fails with [ErrCodes].
func (t Tokenizer) Encode(string, system.Media, system.Extent) (shard.Sample, system.Measures, error) {
	return shard.Sample{}, nil, fmt.Errorf("cells.Encode: %w", ErrCodes)
}

// Begin starts from nothing, or from the flags of a mesh's first levels. A cell splits if a
// face of the mesh runs through it. Errors are those of octree, and system.ErrPrompt.
func (t Tokenizer) Begin(id string, m system.Media, e system.Extent) (*system.Beginning, error) {
	return t.Start(id, m, e, t.Decode)
}

// Start is Begin with another way from a sample to a mesh.
func (t Tokenizer) Start(id string, m system.Media, e system.Extent, decode Decoder) (*system.Beginning, error) {
	b := &begun{Tokenizer: t, id: id, decode: decode, back: mesh.Transform{Scale: 1}}
	var given []uint32
	if m.Mesh != nil {
		levels := e.PrefixDepth
		if levels == 0 {
			levels = t.Depth - 1
		}
		if levels <= t.Top || levels > t.Depth {
			return nil, fmt.Errorf("cells.Begin: %w: the first %d levels of %d are given, more than %d are wanted", system.ErrPrompt, levels, t.Depth, t.Top)
		}
		var inside *mesh.Mesh
		inside, b.back = Fit(m.Mesh)
		o, err := octree.Build(inside, levels)
		if err != nil {
			return nil, err
		}
		if given, err = t.flags(o, levels); err != nil {
			return nil, err
		}
	}
	return &system.Beginning{Prompt: system.Prompt{Given: given, Depth: e.Depth}, Finish: b.finish}, nil
}

// Decoder turns a sample into a mesh.
type Decoder func(s shard.Sample) (system.Media, system.Measures, error)

// extent is half the longest side of a shape, as OctGPT's corpora are scaled.
const extent = 0.8

// Fit returns a mesh as the networks' corpora were scaled, and the way back to its source.
func Fit(m *mesh.Mesh) (*mesh.Mesh, mesh.Transform) {
	frame := octree.Fit(m, extent)
	return frame.Mesh(m), mesh.Transform{Scale: 1 / frame.Scale, Offset: frame.Center}
}

// flags are those of the levels from Top to above the tree's leaves.
func (t Tokenizer) flags(o *octree.Octree, levels int) (out []uint32, err error) {
	tree, err := dual.New(t.Top)
	for d := t.Top; d < levels && err == nil; d++ {
		var flags []uint32
		there := o.Keys(d)
		for _, k := range tree.Keys(d) {
			f := uint32(0)
			if len(there) > 0 && there[0] == k {
				f, there = 1, there[1:]
			}
			flags = append(flags, f)
		}
		out, err = append(out, flags...), tree.Grow(flags)
	}
	return out, err
}

// begun is a request on its way.
type begun struct {
	Tokenizer
	id     string
	decode Decoder
	back   mesh.Transform
}

func (b *begun) finish(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
	s := b.sample(b.id, tokens, b.back)
	m, measures, err := b.decode(s)
	return m, s, measures, err
}

func (t Tokenizer) sample(id string, tokens []uint32, back mesh.Transform) shard.Sample {
	s := shard.Sample{ID: id, Kind: shard.KindOctreeCodes, Grid: []int32{int32(t.Top), int32(t.Depth)}}
	for _, x := range tokens {
		s.Tokens = append(s.Tokens, int64(x))
	}
	tokenizer.SetPlace(&s, back)
	return s
}

// Sample returns a tree of levels Top to Depth with a code for each node of the last.
func (t Tokenizer) Sample(id string, tree *dual.Tree, codes []uint32, back mesh.Transform) shard.Sample {
	var tokens []uint32
	for d := t.Top; d < t.Depth; d++ {
		tokens = append(tokens, tree.Flags(d)...)
	}
	return t.sample(id, append(tokens, codes...), back)
}

// Parse returns a sample's tree and the codes of its last level. The error wraps
// shard.ErrSample.
func (t Tokenizer) Parse(s shard.Sample) (*dual.Tree, []uint32, error) {
	bad := func(format string, args ...any) (*dual.Tree, []uint32, error) {
		return nil, nil, fmt.Errorf("cells.Parse: %w: %q: %s", shard.ErrSample, s.ID, fmt.Sprintf(format, args...))
	}
	if s.Kind != shard.KindOctreeCodes || len(s.Grid) != 2 || int(s.Grid[0]) != t.Top || int(s.Grid[1]) != t.Depth {
		return bad("%s %v, want %s of levels %d to %d", s.Kind, s.Grid, shard.KindOctreeCodes, t.Top, t.Depth)
	}
	tree, err := dual.New(t.Top)
	if err != nil {
		return nil, nil, err
	}
	rest := make([]uint32, len(s.Tokens))
	for i, x := range s.Tokens {
		if x < 0 || x > math.MaxUint32 {
			return bad("token %d is %d", i, x)
		}
		rest[i] = uint32(x)
	}
	for d := t.Top; d < t.Depth; d++ {
		n := len(tree.Keys(d))
		if len(rest) < n {
			return bad("level %d has %d of %d flags", d, len(rest), n)
		}
		if err := tree.Grow(rest[:n]); err != nil {
			return bad("%v", err)
		}
		rest = rest[n:]
	}
	if n := len(tree.Keys(t.Depth)); len(rest) != n {
		return bad("%d codes for %d nodes", len(rest), n)
	}
	return tree, rest, nil
}

// Decode returns the hull of a sample's nodes of the last level, as quads. The error wraps
// shard.ErrSample.
func (t Tokenizer) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	tree, codes, err := t.Parse(s)
	if err != nil {
		return system.Media{}, nil, err
	}
	m, err := tokenizer.Placed(&s, Hull(tree.Keys(t.Depth), t.Depth))
	return system.Media{Mesh: m}, system.Measures{"nodes": float64(len(codes))}, err
}

// sides are the faces of a cell: the step to the cell behind, and corners that turn to the left
// as seen from there.
var sides = []struct {
	step    [3]int
	corners [4][3]uint32
}{
	{[3]int{1, 0, 0}, [4][3]uint32{{1, 0, 0}, {1, 1, 0}, {1, 1, 1}, {1, 0, 1}}},
	{[3]int{-1, 0, 0}, [4][3]uint32{{0, 0, 0}, {0, 0, 1}, {0, 1, 1}, {0, 1, 0}}},
	{[3]int{0, 1, 0}, [4][3]uint32{{0, 1, 0}, {0, 1, 1}, {1, 1, 1}, {1, 1, 0}}},
	{[3]int{0, -1, 0}, [4][3]uint32{{0, 0, 0}, {1, 0, 0}, {1, 0, 1}, {0, 0, 1}}},
	{[3]int{0, 0, 1}, [4][3]uint32{{0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}}},
	{[3]int{0, 0, -1}, [4][3]uint32{{0, 0, 0}, {0, 1, 0}, {1, 1, 0}, {1, 0, 0}}},
}

// Hull returns the quads between cells of a level and what is outside of them, which face
// outwards. The cells lie in [-1, 1]³.
func Hull(nodes []octree.Key, level int) *mesh.Mesh {
	there := make(map[octree.Key]bool, len(nodes))
	for _, k := range nodes {
		there[k] = true
	}
	m, vertices := &mesh.Mesh{Starts: []int32{0}}, map[[3]uint32]int32{}
	for _, k := range nodes {
		x, y, z := k.Decode()
		for _, s := range sides {
			if next, ok := k.Offset(level, s.step[0], s.step[1], s.step[2]); ok && there[next] {
				continue
			}
			for _, c := range s.corners {
				at := [3]uint32{x + c[0], y + c[1], z + c[2]}
				v, ok := vertices[at]
				if !ok {
					v = int32(len(m.Vertices))
					vertices[at] = v
					m.Vertices = append(m.Vertices, place(at, level))
				}
				m.Corners = append(m.Corners, v)
			}
			m.Starts = append(m.Starts, int32(len(m.Corners)))
		}
	}
	return m
}

// place is a corner of the grid in the domain.
func place(at [3]uint32, level int) (p mesh.Vec3) {
	for i, x := range at {
		p[i] = 2*float64(x)/float64(int(1)<<level) - 1
	}
	return p
}
