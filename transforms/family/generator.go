package family

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/interrupt"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/request"
)

// A reader reads inputs of a kind of media as a model expects them. Each kind has a
// file here.
type reader struct {
	// decode reads a request's input.
	decode func(ctx context.Context, m *generator, r request.Request) (Media, error)
	// open opens an input to be read while it is used. Nil if the kind has none.
	open func(m *generator, r request.Request) (Media, error)
}

// registerKind registers the models of a kind of media, for any system.
func registerKind(f request.Family, read reader) {
	Register(f, func(device func() (*gpu.Device, error), s Spec) (Model, error) { return openKind(f, read, device, s) })
}

// openKind opens a model of a kind.
func openKind(f request.Family, read reader, device func() (*gpu.Device, error), s Spec) (*generator, error) {
	if _, err := system.OfKind(string(f)); err != nil && s.Dir == "" {
		return nil, fmt.Errorf("family.Open: %w: no %s model is shipped", models.ErrFolder, f)
	}
	dev, err := device()
	if err != nil {
		return nil, err
	}
	m, err := models.Open(dev, string(f), s.Dir, s.options())
	if err != nil {
		return nil, err
	}
	i := dev.Info()
	return &generator{model: m, read: read, limits: s.Limits, media: s.Media, tokens: s.Tokens, decoder: s.Decoder, device: fmt.Sprintf("%s, %s, %d lanes", i.Name, i.Driver, dev.SubgroupWidth())}, nil
}

// OfKind returns the family whose samples are of a kind (see shard.Sample), or
// an error wrapping [ErrUnknown].
func OfKind(kind string) (request.Family, error) {
	for _, p := range system.All() {
		if p.Samples == kind && kind != "" {
			return request.Family(p.Kind), nil
		}
	}
	if c, err := system.CodecOf(kind); err == nil {
		return request.Family(c.Kind), nil
	}
	return "", fmt.Errorf("family.OfKind: %w: samples of kind %q", ErrUnknown, kind)
}

// generator serves requests with a model of any system.
type generator struct {
	model  *models.Model
	read   reader
	limits limit.Limits
	media  video.Limits
	tokens int
	device string

	decoder isolated.Decoder
}

// Device implements [OnDevice].
func (g *generator) Device() string { return g.device }

// Name implements [Model].
func (g *generator) Name() string { return g.model.Name() }

// Close implements [Model].
func (g *generator) Close() { g.model.Close() }

// format is the media format of the model.
func (g *generator) format() system.Format { return g.model.System().Format }

// Decode implements [Model].
func (g *generator) Decode(ctx context.Context, r request.Request) (Media, error) {
	return g.read.decode(ctx, g, r)
}

// Open implements [Streamer]. An input that cannot be streamed is read here.
func (g *generator) Open(ctx context.Context, r request.Request) (Media, error) {
	if g.read.open == nil || !g.model.Streams() {
		return g.Decode(ctx, r)
	}
	return g.read.open(g, r)
}

// extent is the size of a request's input and result.
func (g *generator) extent(r request.Request) system.Extent {
	e := system.Extent{Prefix: r.Prefix, Frames: r.Frames, PrefixDepth: r.PrefixDepth, Depth: r.Depth, Faces: r.Faces, Coding: r.Coding, Tokens: g.tokens}
	if r.QuadShare != nil {
		e.Quads = max(float32(*r.QuadShare), 1e-6) // 0 would ask for nothing
	}
	return e
}

func (m *Media) source() system.Media {
	return system.Media{Clip: m.Clip, Picture: m.Picture, Mesh: m.Mesh, Rig: m.Rig}
}

func mediaOf(m system.Media) Media {
	return Media{Clip: m.Clip, Picture: m.Picture, Mesh: m.Mesh, Rig: m.Rig, Planes: m.Planes}
}

// Tokenize implements [Model].
func (g *generator) Tokenize(ctx context.Context, r request.Request, m Media) (shard.Sample, Measures, error) {
	switch {
	case m.Mesh != nil: // needs no device
		type encoded struct {
			sample   shard.Sample
			measures Measures
		}
		e, err := interrupt.Value(ctx, func() (e encoded, err error) {
			e.sample, e.measures, err = g.model.Encode(r.ID, m.source(), g.extent(r))
			return e, err
		})
		return e.sample, e.measures, err
	case m.Film == nil:
		return g.model.Encode(r.ID, m.source(), g.extent(r))
	}
	s, err := g.model.EncodeFrames(r.ID, m.Film.Options.Rate, g.extent(r), m.Film.Frames(ctx))
	return s, Measures{"frames": float64(m.Film.Len())}, err
}

// Generate implements [Model].
func (g *generator) Generate(ctx context.Context, r request.Request, m Media) (*Result, error) {
	ask := models.Request{
		ID: r.ID, Seed: r.Seed, Sampling: sampling(r), Source: m.source(), Extent: g.extent(r), Text: m.Text, Control: m.Control, Guidance: r.Guidance, Interval: r.GuidanceTokens,
		Search: SearchOf(&r),
	}
	if r.Class != nil {
		ask.Class = *r.Class
	}
	out, err := g.model.Generate(ctx, ask)
	if err != nil {
		return nil, err
	}
	measures := out.Measures
	if r.Search != nil && !math.IsInf(out.Stats.Score, 0) {
		if measures == nil {
			measures = Measures{}
		}
		measures["verifier_score"] = out.Stats.Score
	}
	class := ""
	if names := g.model.System().Classes; r.Class != nil && *r.Class < len(names) {
		class = names[*r.Class]
	}
	return &Result{
		Media: mediaOf(out.Media), Sample: out.Sample, Given: out.Given, Tokens: out.Stats.Tokens, Class: class,
		Elapsed: out.Stats.Elapsed, Waited: out.Stats.Waited, Measures: measures, Notes: slices.Concat(m.Notes(), out.Notes),
	}, nil
}

// Detokenize implements [Model].
func (g *generator) Detokenize(_ context.Context, s shard.Sample) (*Result, error) {
	m, measures, err := g.model.Decode(s)
	if err != nil {
		return nil, err
	}
	out := &Result{Media: mediaOf(m), Sample: s, Measures: measures}
	if m.Clip != nil {
		out.Given = m.Clip.T
	}
	return out, nil
}

// SearchOf returns the search of a request, or nil.
func SearchOf(r *request.Request) *models.Search {
	if r.Search == nil {
		return nil
	}
	return &models.Search{Candidates: r.Search.Candidates, Verifier: r.Search.Verifier, Keep: r.Search.Keep, Every: r.Search.CompareEvery}
}

func sampling(r request.Request) *models.Sampling {
	if r.Sampling == nil {
		return nil
	}
	return &models.Sampling{Temperature: r.Sampling.Temperature, TopK: r.Sampling.TopK, TopP: r.Sampling.TopP}
}
