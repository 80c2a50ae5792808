package faces

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
)

// CodingKey is the metadata in which a sample names its coding, as [sequence.Open] takes
// it. A sample without it has 12 tokens a face.
const CodingKey = "coding"

// setCoding notes a coding in a sample, if it is not the model's own.
func setCoding(s *shard.Sample, c sequence.Coding) {
	if c.Name() == sequence.NameQuads {
		return
	}
	if s.Meta == nil {
		s.Meta = map[string]string{}
	}
	s.Meta[CodingKey] = c.Name()
}

// read returns the mesh of a sample in the normalised box, by the coding that it names.
// Tokens that may not stand are counted. The error wraps [ErrSample] or mesh.ErrEmpty.
func (c Config) read(s shard.Sample) (*mesh.Mesh, sequence.DecodeReport, error) {
	name := s.Meta[CodingKey]
	if name == "" {
		_, tokens, err := c.Lay(s)
		if err != nil {
			return nil, sequence.DecodeReport{}, err
		}
		return c.Mesh(tokens)
	}
	coding, err := sequence.Open(name, c.Sequence())
	if err != nil {
		return nil, sequence.DecodeReport{}, fmt.Errorf("faces.Decode: %w: %q: %w", ErrSample, s.ID, err)
	}
	if err := c.fits(s); err != nil {
		return nil, sequence.DecodeReport{}, err
	}
	_, tokens, err := c.lay(s, coding.VocabSize())
	if err != nil {
		return nil, sequence.DecodeReport{}, err
	}
	ids := make([]int32, 0, len(tokens)-c.Points)
	for _, t := range tokens[c.Points:] {
		ids = append(ids, int32(t))
	}
	q, report, err := sequence.Read(coding, ids, true)
	if err != nil {
		return nil, report, err
	}
	return q.Mesh(), report, nil
}

// fits returns an error wrapping [ErrSample] if a sample's grid is not this model's.
func (c Config) fits(s shard.Sample) error {
	if s.Kind != shard.KindQuad || len(s.Grid) != 3 || int(s.Grid[0]) != c.Points || int(s.Grid[2]) != c.Levels || len(s.Tokens) != c.Points+int(s.Grid[1]) {
		return fmt.Errorf("faces.Lay: %w: %q is %s %v with %d tokens, want %d points and %d levels", ErrSample, s.ID, s.Kind, s.Grid, len(s.Tokens), c.Points, c.Levels)
	}
	return nil
}
