package quad

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/transformer"
)

// Sequence lays a sample out for the network.
func (c Config) Sequence(s shard.Sample) (*transformer.Sequence, error) {
	if s.Kind != shard.KindQuad || len(s.Grid) != 3 || int(s.Grid[0]) != c.Points || int(s.Grid[2]) != c.Levels || len(s.Tokens) != c.Points+int(s.Grid[1]) {
		return nil, fmt.Errorf("quad.Sequence: %w: %q is %s %v with %d tokens, want %d points and %d levels", ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens), c.Points, c.Levels)
	}
	out, err := c.rows(s.Tokens[:c.Points], len(s.Tokens)-c.Points)
	if err != nil {
		return nil, err
	}
	vocab := int64(c.sequence().VocabSize())
	for i, t := range s.Tokens {
		if i >= c.Points && (t < 0 || t >= vocab) {
			return nil, fmt.Errorf("quad.Sequence: %w: %q token %d is %d, vocabulary %d", ErrSample, s.ID, i, t, vocab)
		}
		if i < c.Points {
			t = 0 // a point stands in the static ids
		}
		out.Tokens = append(out.Tokens, uint32(t))
	}
	return out, nil
}

// Prompt lays out a condition and room for at most faces faces and the end token.
func (c Config) Prompt(points []int64, faces int) (*transformer.Sequence, error) {
	out, err := c.rows(points, faces*sequence.FaceTokens+1)
	if err != nil {
		return nil, err
	}
	out.Tokens = make([]uint32, c.Points)
	return out, nil
}

// End returns the token that ends a face sequence.
func (c Config) End() int64 { return int64(c.sequence().EOS()) }

// rows lays out a condition's points and n coordinate positions behind them.
func (c Config) rows(points []int64, n int) (*transformer.Sequence, error) {
	if len(points) != c.Points {
		return nil, fmt.Errorf("quad: %w: %d points, the model wants %d", ErrSample, len(points), c.Points)
	}
	out := &transformer.Sequence{Draw: c.Points, Pinned: c.Points}
	out.N = c.Points + n
	for i, code := range points {
		if code < 0 || code >= 1<<24 {
			return nil, fmt.Errorf("quad: %w: point %d is %d", ErrSample, i, code)
		}
		x := int32(code)
		out.Fixed = append(out.Fixed, 0, kinds+x&63, kinds+pointLevels+x>>6&63, kinds+2*pointLevels+x>>12&63, kinds+3*pointLevels+x>>18)
		for range fed {
			out.Fed = append(out.Fed, system.Start)
		}
		out.Axes, out.Sees, out.Allow = append(out.Axes, 0, 0), append(out.Sees, int32(i+1)), append(out.Allow, 0, 0)
	}
	seq := c.sequence()
	for i := range n {
		p, slot := c.Points+i, i%sequence.FaceTokens
		out.Fixed = append(out.Fixed, int32(1+slot), -1, -1, -1, -1)
		for _, b := range back {
			from := int32(system.Start)
			if i >= b {
				from = int32(p - b)
			}
			out.Fed = append(out.Fed, from)
		}
		// An end token may stand where a face starts, pads in its first three slots.
		top := int32(c.Levels)
		switch {
		case slot == 0:
			top = seq.EOS() + 1
		case slot < 3:
			top = seq.Pad() + 1
		}
		out.Axes, out.Sees, out.Allow = append(out.Axes, int32(1+i/sequence.FaceTokens), int32(slot)), append(out.Sees, int32(p+1)), append(out.Allow, 0, top)
	}
	return out, nil
}

// Decode turns drawn tokens, those of the points included, into a mesh in the
// normalised box. Faces that are none are dropped and counted.
func (c Config) Decode(tokens []uint32) (*mesh.Mesh, sequence.DecodeReport, error) {
	if len(tokens) < c.Points {
		return nil, sequence.DecodeReport{}, fmt.Errorf("quad.Decode: %w: %d tokens for %d points", ErrSample, len(tokens), c.Points)
	}
	faces := make([]int32, 0, len(tokens)-c.Points)
	for _, t := range tokens[c.Points:] {
		faces = append(faces, int32(t))
	}
	return sequence.Decode(faces, c.sequence())
}
