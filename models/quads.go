package models

import (
	"context"
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/quad"
	"github.com/morton-gen/morton/models/system"
)

// Quads makes native quad meshes from the points of any mesh. Safe for
// concurrent use.
type Quads struct{ *generator }

// OpenQuads opens a quad model; dir "" is the shipped one.
func OpenQuads(dev *gpu.Device, dir string, o Options) (*Quads, error) {
	g, err := openGenerator(dev, dir, shard.KindQuad, o)
	if err != nil {
		return nil, err
	}
	return &Quads{g}, nil
}

// QuadRequest asks for one mesh.
type QuadRequest struct {
	ID       string
	Seed     uint64
	Sampling *Sampling  // nil: the model's defaults
	Source   *mesh.Mesh // its surface is the condition
	Faces    int        // at most, 0 for the model's default; it may end the mesh sooner
}

// QuadResult is one mesh.
type QuadResult struct {
	Mesh   *mesh.Mesh // in the source's coordinates
	Sample shard.Sample
	Decode sequence.DecodeReport
	Ended  bool // the model ended the mesh itself
	Stats  Stats
}

// DefaultFaces returns the faces of a request that names none: what three in four
// meshes of the training had at most.
func (q *Quads) DefaultFaces() int { return q.cfg.DefaultFaces() }

// DefaultFaces is that of a quad model's configuration; 0 for another family.
func (c *Config) DefaultFaces() int {
	if c.Quad == nil {
		return 0
	}
	return c.Quad.DefaultFaces(c.Network.Length)
}

// Tokenize turns a mesh into a sample, normalising it first.
func (q *Quads) Tokenize(id string, m *mesh.Mesh) (shard.Sample, sequence.Report, error) {
	n, back, err := quad.Normalize(m)
	if err != nil {
		return shard.Sample{}, sequence.Report{}, err
	}
	s, report, err := q.cfg.Quad.Tokenize(id, n, conditionSeed)
	if err == nil {
		setPlace(&s, back)
	}
	return s, report, err
}

// conditionSeed draws the points of a condition: a fixed one, so that a source
// always gives the same condition.
const conditionSeed = 1

// Detokenize turns a sample into a mesh, at its source's place and size if the
// sample has them, else in [-0.95, 0.95]³. The error wraps quad.ErrSample or
// shard.ErrSample.
func (q *Quads) Detokenize(s shard.Sample) (*mesh.Mesh, sequence.DecodeReport, error) {
	seq, err := q.cfg.Quad.Sequence(s)
	if err != nil {
		return nil, sequence.DecodeReport{}, err
	}
	m, report, err := q.cfg.Quad.Decode(seq.Tokens)
	if err != nil {
		return nil, report, err
	}
	m, err = placed(&s, m)
	return m, report, err
}

// Generate makes one mesh. Errors: mesh's for a bad source, engine.ErrTooLong,
// mesh.ErrEmpty if what was drawn holds no face, gpu.ErrDeviceLost.
func (q *Quads) Generate(ctx context.Context, r QuadRequest) (*QuadResult, error) {
	c := q.cfg.Quad
	if r.Faces < 0 {
		return nil, fmt.Errorf("models.Quads: %w: %d faces", engine.ErrRequest, r.Faces)
	}
	if r.Faces == 0 {
		r.Faces = q.DefaultFaces()
	}
	source, back, err := quad.Normalize(r.Source)
	if err != nil {
		return nil, err
	}
	points, err := c.Condition(source, conditionSeed)
	if err != nil {
		return nil, err
	}
	seq, err := c.Prompt(points, r.Faces)
	if err != nil {
		return nil, err
	}
	req := q.request(r.ID, r.Seed, r.Sampling)
	req.End, req.Pinned, req.Tokens = c.End(), seq.Pinned, seq.Tokens
	req.Schedule = func() (system.Schedule, error) { return q.cfg.Network.Schedule(seq, seq.Draw, nil), nil }
	res, err := q.engine.Generate(ctx, req)
	if err != nil {
		return nil, err
	}
	m, report, err := c.Decode(res.Tokens)
	if err != nil {
		return nil, err
	}
	if m.NumFaces() == 0 {
		return nil, fmt.Errorf("models.Quads: %w: %d tokens were drawn, none a face", mesh.ErrEmpty, res.Drawn)
	}
	s := shard.Sample{ID: r.ID, Kind: shard.KindQuad, Tokens: points}
	for _, t := range res.Tokens[c.Points:] {
		s.Tokens = append(s.Tokens, int64(t))
	}
	s.Grid = []int32{int32(c.Points), int32(len(s.Tokens) - c.Points), int32(c.Levels)}
	setPlace(&s, back)
	return &QuadResult{Mesh: mesh.Transformed(m, back.Matrix()), Sample: s, Decode: report, Ended: res.Ended, Stats: stats(res)}, nil
}
