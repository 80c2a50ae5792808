package faces

import (
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer"
)

// Tokenizer implements [system.Tokenizer]. It needs no device.
type Tokenizer struct {
	Config
	Length int  // positions of a sequence at most
	Shares bool // the model is told which share of the faces has four corners
}

// conditionSeed draws the points of a condition: a fixed one, so that a source
// always gives the same condition.
const conditionSeed = 1

// Close implements [system.Tokenizer].
func (t Tokenizer) Close() {}

// Encode turns a mesh into a sample, normalising it first. Errors are mesh's, and
// system.ErrRequest for a coding that there is not at the model's levels.
func (t Tokenizer) Encode(id string, m system.Media, e system.Extent) (shard.Sample, system.Measures, error) {
	coding, err := sequence.Open(e.Coding, t.Sequence())
	if err != nil {
		return shard.Sample{}, nil, fmt.Errorf("faces.Encode: %w: %w", system.ErrRequest, err)
	}
	source, back, err := normalized(m)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	s, r, err := t.tokenize(id, source, conditionSeed, coding)
	if err == nil {
		tokenizer.SetPlace(&s, back)
		setCoding(&s, coding)
	}
	return s, system.Measures{
		"faces": float64(r.Faces), "quads": float64(r.Quads), "triangles": float64(r.Triangles), "merged_vertices": float64(r.MergedVertices),
	}, err
}

func normalized(m system.Media) (*mesh.Mesh, mesh.Transform, error) {
	source, err := tokenizer.Source(m)
	if err != nil {
		return nil, mesh.Transform{}, err
	}
	return Normalize(source)
}

// Decode turns a sample into a mesh, at its source's place and size if the sample has
// them, else in [-0.95, 0.95]³. The sample says its coding. The error wraps [ErrSample],
// shard.ErrSample, or mesh.ErrEmpty if no face is left.
func (t Tokenizer) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	m, report, err := t.read(s)
	if err == nil {
		m, err = tokenizer.Placed(&s, m)
	}
	return system.Media{Mesh: m}, dropped(report), err
}

// dropped counts what was drawn and is no face.
func dropped(r sequence.DecodeReport) system.Measures {
	return system.Measures{
		"bad_faces": float64(r.BadFaces), "degenerate_faces": float64(r.DegenerateFaces),
		"duplicate_faces": float64(r.DuplicateFaces), "out_of_order_faces": float64(r.OutOfOrder),
	}
}

// Begin starts from the points of a mesh's surface. Errors: mesh's for a bad source,
// system.ErrRequest, and mesh.ErrEmpty if what was drawn holds no face.
func (t Tokenizer) Begin(id string, m system.Media, e system.Extent) (*system.Beginning, error) {
	if e.Faces < 0 || e.Coding != "" && e.Coding != sequence.NameQuads {
		return nil, fmt.Errorf("faces.Begin: %w: %d faces, coding %q", system.ErrRequest, e.Faces, e.Coding)
	}
	if e.Quads != 0 && !t.Shares {
		return nil, fmt.Errorf("faces.Begin: %w: a share of quads, %g, of a model that is told none", system.ErrRequest, e.Quads)
	}
	if e.Faces == 0 {
		e.Faces = t.DefaultFaces(t.Length)
	}
	source, back, err := normalized(m)
	if err != nil {
		return nil, err
	}
	points, err := t.Condition(source, conditionSeed)
	if err != nil {
		return nil, err
	}
	finish := func(tokens []uint32) (system.Media, shard.Sample, system.Measures, error) {
		s, made, all, err := t.finish(id, points, tokens)
		if err != nil {
			return system.Media{}, s, nil, err
		}
		tokenizer.SetPlace(&s, back)
		return system.Media{Mesh: mesh.Transformed(made, back.Matrix())}, s, all, nil
	}
	prompt := t.prompt(points, e.Faces)
	prompt.Quads = e.Quads
	prompt.ConstraintData = t.Guide(source, e.Faces)
	return &system.Beginning{Prompt: prompt, Finish: finish}, nil
}

// finish returns the sample of drawn tokens, and its mesh in the normalised box.
func (t Tokenizer) finish(id string, points []int64, tokens []uint32) (shard.Sample, *mesh.Mesh, system.Measures, error) {
	m, report, err := t.Mesh(tokens)
	if err != nil {
		return shard.Sample{}, nil, nil, err
	}
	if m.NumFaces() == 0 {
		return shard.Sample{}, nil, nil, fmt.Errorf("faces.Finish: %w: %d tokens were drawn, none a face", mesh.ErrEmpty, len(tokens)-t.Points)
	}
	s := shard.Sample{ID: id, Kind: shard.KindQuad, Tokens: append([]int64{}, points...)}
	for _, x := range tokens[t.Points:] {
		s.Tokens = append(s.Tokens, int64(x))
	}
	s.Grid = []int32{int32(t.Points), int32(len(s.Tokens) - t.Points), int32(t.Levels)}
	all := dropped(report)
	all["ended"] = 0 // the face budget ran out first
	if tokens[len(tokens)-1] == uint32(t.Sequence().EOS()) {
		all["ended"] = 1
	}
	return s, m, all, nil
}
