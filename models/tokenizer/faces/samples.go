package faces

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/system"
)

// Lay returns the tokens of a sample's positions, and the prompt of a request that draws
// all faces. A point stands in the prompt; its own token is 0. The error wraps
// [ErrSample].
func (c Config) Lay(s shard.Sample) (system.Prompt, []uint32, error) {
	if err := c.fits(s); err != nil {
		return system.Prompt{}, nil, err
	}
	if coding := s.Meta[CodingKey]; coding != "" {
		return system.Prompt{}, nil, fmt.Errorf("faces.Lay: %w: %q is in coding %q, which the model does not generate", ErrSample, s.ID, coding)
	}
	return c.lay(s, c.Sequence().VocabSize())
}

// lay is [Config.Lay] for the tokens of a vocabulary.
func (c Config) lay(s shard.Sample, size int) (system.Prompt, []uint32, error) {
	tokens, vocab := make([]uint32, len(s.Tokens)), int64(size)
	for i, t := range s.Tokens {
		switch {
		case i < c.Points && (t < 0 || t >= 1<<24):
			return system.Prompt{}, nil, fmt.Errorf("faces.Lay: %w: point %d is %d", ErrSample, i, t)
		case i < c.Points:
		case t < 0 || t >= vocab:
			return system.Prompt{}, nil, fmt.Errorf("faces.Lay: %w: %q token %d is %d, vocabulary %d", ErrSample, s.ID, i, t, vocab)
		default:
			tokens[i] = uint32(t)
		}
	}
	faces := (len(s.Tokens) - c.Points - 1 + sequence.FaceTokens - 1) / sequence.FaceTokens
	return c.prompt(s.Tokens[:c.Points], faces), tokens, nil
}

// prompt starts from points. They have positions before the first face.
func (c Config) prompt(points []int64, faces int) system.Prompt {
	return system.Prompt{Points: points, Faces: faces, Given: make([]uint32, c.Points)}
}

// Mesh turns the tokens of all positions into a mesh in the normalised box. Faces that are
// none are dropped and counted. The error wraps [ErrSample].
func (c Config) Mesh(tokens []uint32) (*mesh.Mesh, sequence.DecodeReport, error) {
	if len(tokens) < c.Points {
		return nil, sequence.DecodeReport{}, fmt.Errorf("faces.Mesh: %w: %d tokens for %d points", ErrSample, len(tokens), c.Points)
	}
	faces := make([]int32, 0, len(tokens)-c.Points)
	for _, t := range tokens[c.Points:] {
		faces = append(faces, int32(t))
	}
	return sequence.Decode(faces, c.Sequence())
}
