package models

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/interrupt"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// Options configure an open model.
type Options struct {
	// TokenizerOnly leaves the generator's weights on disk: the model encodes and decodes, and
	// Generate fails. The tokenizer of rigs, for one, has no weights: then the path may also be
	// the config.json of a model that is yet to be trained, or a folder with nothing else.
	TokenizerOnly bool
	Slots         int          // sequences generated at once; 0 means engine.DefaultSlots
	Precision     nn.Precision // of the generator's matrices; "" means f16
	// Draft is the path of a smaller model with the same tokens, "" for none. It drafts
	// tokens that the model checks Ahead at a time, see engine.Draft. Samples are equal
	// with and without it, but for tokens of real numbers: then Ahead counts sets.
	Draft string
	// Guesses makes the model draft for itself, without a Draft.
	Guesses bool
	Ahead   int // 0 means 4
	// Near, if not 0, relaxes the check of drafted tokens: the probability of so many
	// nearest tokens counts, up to Delta, see engine.Relax. Samples are others then.
	Near  int
	Delta float64
	// Heat, if not 0, is the temperature at which drafted tokens of real numbers are checked, at
	// least 1: at 1 they are distributed as the model's own. Samples are others with a draft.
	Heat float64
}

// engine returns the options of the engine. Guidance takes a slot a branch.
func (o Options) engine(sys *system.System) engine.Options {
	if o.Slots > 0 && sys.Default.Guidance > 0 {
		o.Slots = max(o.Slots, sys.Layout.Branches, 2)
	}
	return engine.Options{Slots: o.Slots, Precision: o.Precision}
}

// Model is an open system with its tokenizer: media in, media out. Safe for concurrent
// use.
type Model struct {
	system.Tokenizer

	name   string
	kind   string // of media
	sys    *system.System
	draft  *system.System // nil without
	ahead  int            // sets that it drafts, of tokens of real numbers
	engine *engine.Engine
}

// Open opens the model at a path that makes a kind of media, such as system.Video. It is
// a folder, or the file of a published checkpoint; "" is the shipped model of that kind.
// Errors: [ErrFolder], [ErrFamily] for a model of another kind, nn.ErrConfig,
// nn.ErrWeights, gpu.ErrOutOfMemory, and those of package checkpoint.
func Open(dev *gpu.Device, kind, path string, o Options) (*Model, error) {
	f, err := open(kind, path, o)
	if err != nil {
		return nil, err
	}
	defer f.close()
	m := &Model{name: f.name, kind: kind, sys: f.system}
	if o.Precision != "" { // it draws as another model would
		m.name += "-" + string(o.Precision)
	}
	if m.Tokenizer, err = f.tokenizer(dev); err != nil {
		return nil, err
	}
	if o.TokenizerOnly {
		return m, nil
	}
	if err := m.start(dev, kind, f, o); err != nil {
		m.Tokenizer.Close()
		return nil, err
	}
	return m, nil
}

// start starts the engine, with the draft.
func (m *Model) start(dev *gpu.Device, kind string, f *files, o Options) (err error) {
	opts := o.engine(f.system)
	if o.Ahead == 0 {
		o.Ahead = 4
	}
	if o.Guesses {
		opts.Draft = &engine.Draft{Ahead: o.Ahead}
	}
	name := "itself"
	if o.Draft != "" {
		d, err := open(kind, o.Draft, Options{})
		if err != nil {
			return err
		}
		defer d.close()
		name = d.name
		if d.system.Token != f.system.Token || d.system.Layout.Length != f.system.Layout.Length || d.system.Layout.Sinks != f.system.Layout.Sinks {
			return fmt.Errorf("models.Open: %w: the draft %s has %d positions of %+v, the model %s %d of %+v", system.ErrRequest, d.name,
				d.system.Layout.Length, d.system.Token, f.name, f.system.Layout.Length, f.system.Token)
		}
		m.draft, opts.Draft = d.system, &engine.Draft{System: d.system, Weights: d.weights, Ahead: o.Ahead}
	}
	if o.Near > 0 {
		if err := m.relax(opts.Draft, o); err != nil {
			return err
		}
		m.name += fmt.Sprintf("-relaxed-%d-%g-%d-%s", o.Near, o.Delta, opts.Draft.Ahead, name)
	}
	if err := m.draftNumbers(opts.Draft, o, name); err != nil {
		return err
	}
	m.engine, err = engine.New(dev, f.system, f.weights, opts)
	return err
}

// draftNumbers sets how drafted tokens of real numbers are checked. The error wraps
// system.ErrRequest.
func (m *Model) draftNumbers(d *engine.Draft, o Options, name string) error {
	if d == nil || m.sys.Token.Width == 0 {
		if o.Heat != 0 {
			return fmt.Errorf("models.Open: %w: %s has no drafted tokens of real numbers", system.ErrRequest, m.name)
		}
		return nil
	}
	m.ahead = d.Ahead
	d.Relax = &engine.Relax{Temperature: 1}
	if o.Heat != 0 {
		d.Relax.Temperature = o.Heat
	}
	m.name += fmt.Sprintf("-drafted-%d-%g-%s", d.Ahead, d.Relax.Temperature, name)
	return nil
}

// relax relaxes the check of a draft by the codes of the tokenizer. The error wraps
// system.ErrRequest.
func (m *Model) relax(d *engine.Draft, o Options) error {
	codes, ok := m.Tokenizer.(interface{ Near(k int) []uint32 })
	if d == nil || !ok {
		return fmt.Errorf("models.Open: %w: %s has no draft to relax, or no code book", system.ErrRequest, m.name)
	}
	d.Relax = &engine.Relax{Near: codes.Near(o.Near), Delta: o.Delta}
	return nil
}

// Grain is what [gpu.Options] wants to know of the model that a device is opened for;
// 0 if it is a published one, or cannot be read, which opening the model will tell.
func Grain(kind, path string, o Options) int64 {
	_, s, err := readOwn(kind, path)
	if err != nil {
		return 0
	}
	if o.Slots == 0 {
		o.Slots = engine.DefaultSlots
	}
	return engine.Grain(s, o.Slots*s.Layout.Group)
}

// Describe returns the name of a model of ours and the format of its media, without a
// device. Errors are those of [Open].
func Describe(kind, path string) (name string, f system.Format, err error) {
	c, s, err := readOwn(kind, path)
	if err != nil {
		return "", f, err
	}
	return c.Name, s.Format, nil
}

// Classes returns the names of the classes of a model of ours, in their order; nil if it has
// none. Errors are those of [Open].
func Classes(kind, path string) ([]string, error) {
	_, s, err := readOwn(kind, path)
	if err != nil {
		return nil, err
	}
	return s.Classes, nil
}

// Name returns the model's name and the start of a hash of what decides its samples.
func (m *Model) Name() string { return m.name }

// System returns what the model is made of.
func (m *Model) System() *system.System { return m.sys }

// EngineStats returns what the engine has done so far.
func (m *Model) EngineStats() (s engine.Stats) {
	if m.engine != nil {
		s = m.engine.Stats()
	}
	return s
}

// Close frees the model; requests in flight fail with system.ErrClosed.
func (m *Model) Close() {
	if m.engine != nil {
		m.engine.Close()
	}
	m.Tokenizer.Close()
}

// streamer is a tokenizer of clips that need not be in memory.
type streamer interface {
	EncodeFrames(id string, rate clip.Rate, e system.Extent, frames iter.Seq2[[]uint8, error]) (shard.Sample, error)
}

// Streams reports whether the model takes clips by [Model.EncodeFrames].
func (m *Model) Streams() bool {
	_, ok := m.Tokenizer.(streamer)
	return ok
}

// Encode implements [system.Tokenizer]. A sample is within e.Tokens, or the error wraps
// [system.ErrLimit].
func (m *Model) Encode(id string, from system.Media, e system.Extent) (shard.Sample, system.Measures, error) {
	s, measures, err := m.Tokenizer.Encode(id, from, e)
	if err == nil {
		err = e.CheckTokens(len(s.Tokens))
	}
	if err != nil {
		return shard.Sample{}, nil, err
	}
	return s, measures, nil
}

// EncodeFrames codes the frames of a clip as they come, [h, w, 3] bytes each, which it
// does not keep: its memory grows with the tokens alone. It gives what Encode gives of the
// same frames, bit for bit. The error is that of the tokenizer, the first that frames
// gives, or wraps system.ErrRequest.
func (m *Model) EncodeFrames(id string, rate clip.Rate, e system.Extent, frames iter.Seq2[[]uint8, error]) (shard.Sample, error) {
	s, ok := m.Tokenizer.(streamer)
	if !ok {
		return shard.Sample{}, fmt.Errorf("models.EncodeFrames: %w: %s takes no frames", system.ErrRequest, m.name)
	}
	return s.EncodeFrames(id, rate, e, frames)
}

// Request asks for one sample. A model reads the fields that its system knows.
type Request struct {
	ID       string
	Seed     uint64
	Sampling *Sampling    // nil: the model's defaults
	Source   system.Media // what it starts from: a clip, a mesh, or nothing
	Extent   system.Extent
	Class    int       // of a system with classes
	Text     []float32 // features of a text, [n, features], of a system for texts
	Control  []float32 // features of a control, [tokens, features]; nil: none
	Guidance *float64  // scale of classifier-free guidance; nil: the system's default
	Interval int       // tokens after which guidance ends; 0: never
	Search   *Search   // among several candidates; nil: one sample
}

// Result is one sample.
type Result struct {
	Media    system.Media
	Given    int // frames of a clip that were given
	Sample   shard.Sample
	Measures system.Measures
	Notes    []string // where the result is not what was asked for, for people
	Stats    Stats
}

// Stats says what a sample cost.
type Stats struct {
	Tokens  int           // positions drawn
	Elapsed time.Duration // on the device
	Waited  time.Duration // for a free slot
	Score   float64       // of a search's verifier; -Inf if it could score no candidate
}

// Generate makes one sample. Errors: system.ErrPrompt, system.ErrRequest,
// system.ErrTooLong, gpu.ErrDeviceLost, and those of the tokenizer's Begin and Decode.
func (m *Model) Generate(ctx context.Context, r Request) (*Result, error) {
	if m.engine == nil {
		return nil, fmt.Errorf("models.Generate: %w: %s was opened for its tokenizer alone", system.ErrRequest, m.name)
	}
	if r.Text == nil && m.sys.TextWidth() > 0 {
		return nil, fmt.Errorf("models.Generate: %w: it wants the features of a text", system.ErrPrompt)
	}
	if r.Text != nil && m.sys.TextWidth() == 0 {
		return nil, fmt.Errorf("models.Generate: %w: %s takes no text", system.ErrPrompt, m.name)
	}
	if r.Control != nil && m.sys.Control == 0 {
		return nil, fmt.Errorf("models.Generate: %w: %s takes no control", system.ErrPrompt, m.name)
	}
	b, err := m.begin(ctx, &r)
	if err != nil {
		return nil, err
	}
	ask := m.request(&r, b.Prompt)
	if ask.Search, err = m.search(&r, b); err != nil {
		return nil, err
	}
	drawn, err := m.engine.Generate(ctx, ask)
	if err != nil {
		return nil, err
	}
	out := &Result{Given: b.Given, Notes: b.Notes, Stats: Stats{Tokens: drawn.Sampled, Elapsed: drawn.Elapsed, Waited: drawn.Waited, Score: drawn.Score}}
	if out.Media, out.Sample, out.Measures, err = b.Finish(drawn.Tokens); err != nil {
		return nil, err
	}
	return out, nil
}

// begin is Begin, and ends early with ctx where the source is a mesh: reading its surface
// may take long, and takes no device.
func (m *Model) begin(ctx context.Context, r *Request) (*system.Beginning, error) {
	begin := func() (*system.Beginning, error) { return m.Begin(r.ID, r.Source, r.Extent) }
	if r.Source.Mesh == nil {
		return begin()
	}
	return interrupt.Value(ctx, begin)
}

// request is what the engine gets to do.
func (m *Model) request(r *Request, p system.Prompt) engine.Request {
	s := m.sys.Default
	if r.Sampling != nil {
		s.Temperature, s.TopK, s.TopP = r.Sampling.Temperature, r.Sampling.TopK, r.Sampling.TopP
	}
	if r.Guidance != nil {
		s.Guidance = *r.Guidance
	}
	if m.sys.Classes != nil && r.Class == 0 {
		s.Guidance = 0 // there is nothing to guide towards
	}
	if s.TopP == 0 {
		s.TopP = 1
	}
	p.Class, p.Text, p.Control, p.Guidance, p.Interval = r.Class, r.Text, r.Control, float32(s.Guidance), r.Interval
	out := engine.Request{
		ID: r.ID, Seed: r.Seed, Temperature: float32(s.Temperature), TopK: s.TopK, TopP: float32(s.TopP), MinP: float32(s.MinP),
		Guidance: p.Guidance, End: -1, Most: r.Extent.Tokens, Sinks: m.sys.Layout.Sinks, Tokens: p.Given, ConstraintData: p.ConstraintData,
		Schedule: func() (system.Schedule, error) { return m.sys.Schedule(p) },
	}
	q := p
	p.Ahead = m.ahead
	if m.draft != nil {
		out.Drafts = func() (system.Schedule, error) { return m.draft.Schedule(q) }
	}
	if m.sys.Token.End > 0 {
		out.End = int64(m.sys.Token.End)
	}
	return out
}
