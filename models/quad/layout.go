package quad

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/transformer"
)

// Sequence lays a sample out for the network.
func (c Config) Sequence(s shard.Sample) (*transformer.Sequence, error) {
	if s.Kind != shard.KindQuad || len(s.Grid) != 3 || int(s.Grid[0]) != c.Points || int(s.Grid[2]) != c.Levels || len(s.Tokens) != c.Points+int(s.Grid[1]) {
		return nil, fmt.Errorf("quad.Sequence: %w: %q is %s %v with %d tokens, want %d points and %d levels", ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens), c.Points, c.Levels)
	}
	out := &transformer.Sequence{Draw: c.Points, Pinned: c.Points}
	plan, err := c.planPoints(s.Tokens[:c.Points])
	if err != nil {
		return nil, err
	}
	out.Plan = c.planFaces(plan, len(s.Tokens)-c.Points)
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
	plan, err := c.planPoints(points)
	if err != nil {
		return nil, err
	}
	return &transformer.Sequence{
		Plan: c.planFaces(plan, faces*sequence.FaceTokens+1), Tokens: make([]uint32, c.Points), Draw: c.Points, Pinned: c.Points,
	}, nil
}

// End returns the token that ends a face sequence.
func (c Config) End() int64 { return int64(c.sequence().EOS()) }

func (c Config) planPoints(points []int64) ([]int32, error) {
	if len(points) != c.Points {
		return nil, fmt.Errorf("quad: %w: %d points, the model wants %d", ErrSample, len(points), c.Points)
	}
	plan := make([]int32, 0, planCols*len(points))
	for i, code := range points {
		if code < 0 || code >= 1<<24 {
			return nil, fmt.Errorf("quad: %w: point %d is %d", ErrSample, i, code)
		}
		x := int32(code)
		plan = append(plan, 0, kinds+x&63, kinds+pointLevels+x>>6&63, kinds+2*pointLevels+x>>12&63, kinds+3*pointLevels+x>>18)
		for range fed {
			plan = append(plan, -1)
		}
		plan = append(plan, 0, 0, int32(i+1), 0, 0)
	}
	return plan, nil
}

// planFaces appends n coordinate positions.
func (c Config) planFaces(plan []int32, n int) []int32 {
	seq := c.sequence()
	for i := range n {
		p := c.Points + i
		slot := i % sequence.FaceTokens
		plan = append(plan, int32(1+slot), -1, -1, -1, -1)
		for _, b := range back {
			from := int32(-1)
			if i >= b {
				from = int32(p - b)
			}
			plan = append(plan, from)
		}
		// An end token may stand where a face starts, pads in its first three slots.
		top := int32(c.Levels)
		switch {
		case slot == 0:
			top = seq.EOS() + 1
		case slot < 3:
			top = seq.Pad() + 1
		}
		plan = append(plan, int32(1+i/sequence.FaceTokens), int32(slot), int32(p+1), 0, top)
	}
	return plan
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
