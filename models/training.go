package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/checkpoint"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/systems"
	"github.com/morton-gen/morton/models/tokenizer/cube"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/models/tokenizer/octree"
	"github.com/morton-gen/morton/models/train"
)

// ErrData reports training data that cannot be used.
var ErrData = errors.New("unusable training data")

// TrainOptions describe a training. What a family decides of the network
// (vocabulary, static ids, groups, axes) is filled in.
type TrainOptions struct {
	Family          string   // name of a system of Morton's own: cube, octree or quad
	System          string   // or of a published one that trains
	Published       []byte   // its config.json
	Name            string   // of the model; the family's by default
	Shards, Heldout []string // token shards (Parquet)
	Out             string   // model folder
	Network         systems.Decoder
	From            string  // model folder whose weights the training begins with; "": random ones
	Prefer          float64 // beta of a training on pairs of samples, see train.Preferences; 0: on samples
	Quad            faces.Config
	Octree          octree.Config
	Tokenizer       string      // cube: model folder that holds the tokenizer; System: the tokenizer, or none
	Units           *cube.Units // cube: in place of the tokenizer's; nil: those
	Batch           int         // sequences a step
	Window          int         // positions of one; 0 means the context
	Starts          float64     // share of the windows at the start of their sample, see train.Sequences; 0: about a fifth
	MaxHeldout      int         // held-out windows evaluated; 0 means all
	Keep            int         // bytes of samples kept in memory; 0 means 64 MiB
	Minutes         float64     // sets the steps to about as many as that takes; 0 leaves them
	Sampling        Sampling
	Memory          train.NetworkOptions
	Run             train.Options
}

// Train trains a network on token shards and writes a model folder: config.json,
// model.safetensors (f16), loss.html. The folder of a published system has that system's
// own names. Checkpoints live in Out/checkpoint; a run that was cut off goes on from
// there. It returns the curve, whose Lines hold the held-out loss of unigram and bigram
// tables built from the same shards.
func Train(ctx context.Context, dev *gpu.Device, o TrainOptions) (*train.Curve, error) {
	m, err := o.model()
	if err != nil {
		return nil, err
	}
	if prepare := m.System().Prepare; prepare != nil {
		if err := prepare(func(name string) (*safetensors.File, error) { return safetensors.Open(filepath.Join(o.Out, name)) }); err != nil {
			return nil, err
		}
	}
	t := &training{model: m, options: &o, begin: time.Now()}
	defer t.free()
	if err := t.prepare(dev); err != nil {
		return nil, err
	}
	o.Run.Dir = filepath.Join(o.Out, "checkpoint")
	if err := stepsIn(t.task, &o.Run, o.Minutes); err != nil {
		return nil, err
	}
	curve, err := train.Run(ctx, dev, t.task, o.Run)
	if err != nil {
		return curve, err
	}
	curve.Lines = t.lines
	if err := m.Save(t, curve.Points[len(curve.Points)-1]); err != nil {
		return curve, err
	}
	return curve, errors.Join(
		copyMetrics(o.Run.Dir, o.Out),
		curve.WriteHTML(filepath.Join(o.Out, "loss.html")))
}

// trained is the model that a training makes.
type trained interface {
	System() *system.System
	Name() string
	// Other opens the tokenizer that the system computes with, nil if it does not. Who calls
	// it closes it.
	Other() (*checkpoint.Checkpoint, error)
	// Save writes the model's folder.
	Save(*training, train.Point) error
}

// training is a run over some samples.
type training struct {
	model      trained
	options    *TrainOptions
	data, held *train.Shards
	others     *checkpoint.Checkpoint
	net        *train.Network
	frozen     *train.Network // of a training on preferences
	task       train.Task
	lines      []train.Line
	begin      time.Time
	device     string
}

func (t *training) free() {
	for _, s := range []*train.Shards{t.data, t.held} {
		if s != nil {
			s.Close()
		}
	}
	for _, n := range []*train.Network{t.net, t.frozen} {
		if n != nil {
			n.Free()
		}
	}
	if t.others != nil {
		_ = t.others.Close() // read only
	}
}

// prepare reads the shards once, makes the network, and draws its first weights.
func (t *training) prepare(dev *gpu.Device) (err error) {
	o, sys := t.options, t.model.System()
	t.device = dev.Info().Name
	tables := train.NewTables(sys)
	blend, err := t.blend()
	if err != nil {
		return err
	}
	var drift *train.Drift
	// A predictive tokenizer's codes depend on what was decoded, so those of a sample do not
	// belong to another past.
	if m, own := t.model.(*ownTrained); blend != nil && own && m.Cube.Tokenizer.Motion == nil {
		drift = &train.Drift{Blend: blend, Share: driftShare}
	}
	if t.data, err = openShards(sys, o.Shards, o.Keep, o.Run.Progress, tables.Count, drift); err != nil {
		return err
	}
	if t.held, err = openShards(sys, o.Heldout, o.Keep, o.Run.Progress, func(*train.Sequence) {}, nil); err != nil {
		return err
	}
	if o.Window == 0 {
		o.Window = sys.Window()
	}
	if t.others, err = t.model.Other(); err != nil {
		return err
	}
	if t.others != nil {
		o.Memory.Other = joined{t.others, t.others, tokenizerPrefix}
	}
	if t.net, err = train.NewNetwork(dev, sys, max(o.Batch, 1), o.Window, o.Memory); err != nil {
		return err
	}
	if err := errors.Join(t.net.Store().Init(o.Run.Seed), t.from(t.net)); err != nil {
		return err
	}
	if o.Prefer != 0 {
		return t.prefer(dev)
	}
	if m, ok := t.model.(*ownTrained); ok && o.From == "" && m.Network.Bits > 0 && m.Network.Fed > 0 {
		if err := m.startAsTable(t.net.Store(), tables, blend); err != nil {
			return err
		}
	}
	task, err := train.NewSequences(t.net, o.Run.Seed, t.data, t.held, o.MaxHeldout)
	if err != nil {
		return err
	}
	task.Starts = o.Starts
	t.task = task
	if t.lines, err = tables.Lines(task.HeldoutWindows); err != nil {
		return err
	}
	if blend != nil {
		line, err := blend.Line(task.HeldoutWindows)
		if err != nil {
			return err
		}
		t.lines = append(t.lines, line)
		say(o.Run.Progress, "the guess of a canvas: %.4f nats a token\n", line.Value)
	}
	say(o.Run.Progress, "%s: %d parameters, %d training and %d held-out samples, evaluated windows: %d; %s %.4f, %s %.4f %s\n",
		t.model.Name(), t.net.Store().Count(), len(t.data.Rows()), len(t.held.Rows()), task.Evaluated(), t.lines[0].Name, t.lines[0].Value, t.lines[1].Name, t.lines[1].Value, t.unit())
	return nil
}

// from loads the weights that the training begins with.
func (t *training) from(n *train.Network) error {
	if t.options.From == "" {
		return nil
	}
	f, err := safetensors.Open(filepath.Join(t.options.From, "model.safetensors"))
	if err != nil {
		return err
	}
	defer f.Close()
	return n.Store().Load(f, false)
}

// prefer makes the task of a training on preferences, beside what it begins with.
func (t *training) prefer(dev *gpu.Device) (err error) {
	o := t.options
	if o.From == "" {
		return fmt.Errorf("models.Train: %w: preferences need a model to begin with", train.ErrOptions)
	}
	if t.frozen, err = train.NewNetwork(dev, t.model.System(), max(o.Batch, 1), o.Window, o.Memory); err != nil {
		return err
	}
	if err := t.from(t.frozen); err != nil {
		return err
	}
	if t.task, err = train.NewPreferences(t.net, t.frozen, o.Prefer, o.Run.Seed, t.data, t.held); err != nil {
		return err
	}
	t.lines = []train.Line{{Name: "no preference", Value: math.Ln2}}
	say(o.Run.Progress, "%s: %d parameters, %d training and %d held-out pairs; without a preference %.4f a pair\n", t.model.Name(), t.net.Store().Count(), len(t.data.Rows())/2, len(t.held.Rows())/2, math.Ln2)
	return nil
}

// driftShare is the share of the samples that drift.
const driftShare = 0.5

// blend fits a blend to the first shard, if the network gets a guess.
func (t *training) blend() (*train.Blend, error) {
	m, ok := t.model.(*ownTrained)
	if !ok || m.Network.Features == 0 {
		return nil, nil
	}
	b := train.NewBlend(m.System())
	first, err := openShards(m.System(), t.options.Shards[:1], 0, t.options.Run.Progress, b.Count, nil)
	if err != nil {
		return nil, err
	}
	first.Close()
	b.Fit()
	return b, nil
}

// facts say how the weights came about, for people.
func (t *training) facts(last train.Point) map[string]any {
	o := t.options
	facts := map[string]any{
		"steps": o.Run.Steps, "batch": o.Batch, "window": o.Window, "samples": len(t.data.Rows()), "heldout_samples": len(t.held.Rows()),
		"seed": o.Run.Seed, "rate": o.Run.Rate, "precision": t.net.Store().Precision(), "minutes": int(time.Since(t.begin).Minutes()), "device": t.device,
		"parameters": t.net.Store().Count(),
	}
	if s, ok := t.task.(*train.Sequences); ok {
		facts["heldout_windows"] = s.Evaluated() // of the held-out samples
	}
	unit := "_nats"
	if t.model.System().Token.Width > 0 || o.Prefer != 0 {
		unit = "_loss"
	}
	facts["heldout"+unit] = last.Heldout
	for _, l := range t.lines {
		facts[strings.ReplaceAll(l.Name, " ", "_")+unit] = l.Value
	}
	return facts
}

// unit is what losses are in.
func (t *training) unit() string {
	if t.model.System().Token.Width > 0 {
		return "a lesson"
	}
	return "nats a token"
}

// save writes the weights.
func (t *training) save(metadata map[string]string) error {
	return t.net.Store().Save(filepath.Join(t.options.Out, "model.safetensors"), safetensors.F16, false, metadata)
}

// model opens what is to be trained. It writes into the folder only what the system brings along, so
// that a training that is refused leaves none.
func (o *TrainOptions) model() (trained, error) {
	if o.System != "" {
		return o.published()
	}
	cfg, err := o.config()
	if err != nil {
		return nil, err
	}
	sys, err := cfg.System()
	return &ownTrained{cfg, sys}, err
}

// ownTrained is a model of Morton's own.
type ownTrained struct {
	*Config
	sys *system.System
}

// startAsTable sets the skip from the code that a row is fed first to the bigram table of
// the training samples, and with a canvas the skips to the blend of that code and the
// guess. So training starts where the table ends, and the blocks learn the rest.
func (m *ownTrained) startAsTable(s *params.Store, tables *train.Tables, blend *train.Blend) error {
	set := func(name string, stride int, values []float32) error {
		p := s.Param(name)
		x, err := p.F32()
		if err != nil {
			return err
		}
		for i, v := range values {
			x[i*stride] = v
		}
		return p.WriteF32(x)
	}
	diagonal := func(name string, values []float32) error { return set(name, s.Param(name).Dim(-1)+1, values) }
	if blend == nil {
		weight, bias := tables.Logits()
		return errors.Join(diagonal("skip.weight", weight), set("head.bias", 1, bias), s.Round())
	}
	weight, guess, bias := blend.Weights()
	return errors.Join(diagonal("skip.weight", weight), diagonal("guess_skip.weight", guess), set("head.bias", 1, bias), s.Round())
}

func (m *ownTrained) System() *system.System { return m.sys }

// Other implements trained.
func (m *ownTrained) Other() (*checkpoint.Checkpoint, error) { return nil, nil }

func (m *ownTrained) Name() string { return m.Config.Name }

func (m *ownTrained) Save(t *training, last train.Point) error {
	if m.Quad != nil {
		m.Quad.Faces = m.Quad.TrainedFaces(t.data.Rows())
	}
	m.Training = t.facts(last)
	return errors.Join(t.save(map[string]string{"family": m.Family, "name": m.Config.Name}), WriteConfig(t.options.Out, m.Config))
}

func say(w io.Writer, format string, args ...any) {
	if w != nil {
		fmt.Fprintf(w, format, args...)
	}
}

// config makes the folder's configuration and, for video, copies the tokenizer.
func (o *TrainOptions) config() (*Config, error) {
	c := &Config{Format: formatVersion, Family: o.Family, Name: o.Name, Sampling: o.Sampling}
	c.Network = o.Network
	if c.Name == "" {
		c.Name = o.Family
	}
	switch o.Family {
	case shard.KindQuad:
		c.Quad = &o.Quad
	case shard.KindOctree:
		c.Octree = &o.Octree
	case shard.KindCube:
		k, err := copyTokenizer(o.Tokenizer, o.Out, o.Units)
		if err != nil {
			return nil, err
		}
		c.Cube = k
	default:
		return nil, fmt.Errorf("models.Train: %w: %q; cube, octree or quad", ErrFamily, o.Family)
	}
	if err := c.Fill(c.Family); err != nil {
		return nil, err
	}
	return c, c.Validate()
}

// GuessErrors returns the chance of each bit of a code to be guessed wrongly by the canvas
// of a model folder, over a shard of training samples. Errors: those of [Open] and
// [ErrData].
func GuessErrors(dir, path string) ([]float64, error) {
	c, err := ReadConfig(dir, "")
	if err != nil {
		return nil, err
	}
	s, err := c.System()
	if err != nil {
		return nil, err
	}
	if s.Prepare == nil {
		return nil, fmt.Errorf("models.GuessErrors: %w: the model has no canvas", ErrData)
	}
	if err := s.Prepare(func(name string) (*safetensors.File, error) { return safetensors.Open(filepath.Join(dir, name)) }); err != nil {
		return nil, err
	}
	t := &training{model: &ownTrained{c, s}, options: &TrainOptions{Shards: []string{path}}}
	b, err := t.blend()
	if err != nil {
		return nil, err
	}
	return b.Wrong(), nil
}

// openShards opens shards, of whose samples at least one fits.
func openShards(sys *system.System, paths []string, keep int, progress io.Writer, see func(*train.Sequence), drift *train.Drift) (*train.Shards, error) {
	s, err := train.OpenShards(sys, paths, keep, see, drift)
	if err != nil {
		return nil, err
	}
	if len(s.Rows()) == 0 {
		s.Close()
		return nil, fmt.Errorf("models.Train: %w: no samples in %d shards: %v", ErrData, len(paths), s.Why)
	}
	if s.Skipped > 0 {
		say(progress, "%d samples do not fit and are left out, the last: %v\n", s.Skipped, s.Why)
	}
	return s, nil
}

// TokenizerOptions describe the training of a video tokenizer.
type TokenizerOptions struct {
	Out            string
	Clips, Heldout string // safetensors files with "clips", u8 [n, t, h, w, 3]
	// From is the folder of a trained tokenizer to go on from, or "". Its own description
	// counts, with the window and the groups of Cube.
	From    string
	Cube    cube.Config
	Batch   int     // windows a step
	Minutes float64 // sets the steps to about as many as that takes; 0 leaves them
	Coarse  bool    // products by cooperative matrices, see cube.Options
	// Frozen is how many first steps train the decoder alone; 0 means all of them
	// if the encoder has no blocks, and three quarters if it has.
	Frozen int
	Flips  []float64 // see cube.Options; the decoder alone is trained
	Run    train.Options
}

// TrainTokenizer trains a video tokenizer and writes it to a folder that Train
// takes as Tokenizer: tokenizer.json and tokenizer.safetensors (f16). Losses are
// mean squared errors of pixels in [-1, 1]: PSNR = 10·log10(4 / loss) dB.
func TrainTokenizer(ctx context.Context, dev *gpu.Device, o TokenizerOptions) (*train.Curve, error) {
	data, close1, err := openClips(o.Clips)
	if err != nil {
		return nil, err
	}
	defer close1()
	held, close2, err := openClips(o.Heldout)
	if err != nil {
		return nil, err
	}
	defer close2()
	if o.Cube.Tokenizer.Motion != nil {
		return &train.Curve{}, fitPredictive(o, data, held)
	}
	if o.Frozen == 0 {
		o.Frozen = o.Run.Steps
		switch {
		case o.Cube.Tokenizer.Conv != nil:
			o.Frozen = -1
		case o.Cube.Tokenizer.Encoder > 0:
			o.Frozen = o.Run.Steps * 3 / 4
		}
	}
	options := cube.Options{Batch: max(o.Batch, 1), Frozen: max(o.Frozen, 0), Flips: o.Flips, Seed: o.Run.Seed, Coarse: o.Coarse}
	if o.From != "" {
		from, err := readTokenizer(o.From)
		if err != nil {
			return nil, err
		}
		from.Group, from.Sets, from.Around, from.Canvas, from.Tokenizer.Window = o.Cube.Group, o.Cube.Sets, o.Cube.Around, o.Cube.Canvas, o.Cube.Tokenizer.Window
		o.Cube = *from
	}
	task, err := cube.NewAutoencoding(dev, o.Cube, options, data, held)
	if err != nil {
		return nil, err
	}
	defer task.Free()
	if err := task.Init(o.Run.Seed); err != nil {
		return nil, err
	}
	if o.From != "" {
		w, err := safetensors.Open(filepath.Join(o.From, tokenizerWeights))
		if err != nil {
			return nil, err
		}
		err = errors.Join(task.Store().Load(w, false), w.Close())
		if err != nil {
			return nil, err
		}
	}
	say(o.Run.Progress, "tokenizer: %d parameters, %d training and %d held-out clips\n", task.Store().Count(), data.N, held.N)
	o.Run.Dir = filepath.Join(o.Out, "checkpoint")
	if err := stepsIn(task, &o.Run, o.Minutes); err != nil {
		return nil, err
	}
	curve, err := train.Run(ctx, dev, task, o.Run)
	if err != nil {
		return curve, err
	}
	return curve, errors.Join(
		task.Store().Save(filepath.Join(o.Out, tokenizerWeights), safetensors.F16, false, map[string]string{"family": "cube tokenizer"}),
		writeTokenizer(o.Out, task.Config()),
		curve.WriteHTML(filepath.Join(o.Out, "loss.html")))
}

// stepsIn sets the steps of a run that has minutes: those of its checkpoint, or as many as
// a measurement says.
func stepsIn(task train.Task, o *train.Options, minutes float64) (err error) {
	if minutes <= 0 {
		return nil
	}
	if o.Steps, err = train.CheckpointSteps(o.Dir); err != nil || o.Steps > 0 {
		o.EvalEvery = max(o.Steps/8, 1)
		return err
	}
	if o.Steps, err = train.StepsIn(task, time.Duration(minutes*float64(time.Minute))); err != nil {
		return err
	}
	// Evaluations cost time too.
	o.EvalEvery = max(o.Steps/8, 1)
	say(o.Progress, "%d steps in %g minutes\n", o.Steps, minutes)
	return nil
}

// fitPredictive writes the folder of a predictive tokenizer, which is fitted and not trained, and
// says what it keeps of the held-out clips.
func fitPredictive(o TokenizerOptions, clips, held cube.Clips) error {
	begin := time.Now()
	p, err := cube.FitPredictive(o.Cube, clips)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	say(o.Run.Progress, "predictive tokenizer: fitted to %d clips in %.1f s\n", clips.N, time.Since(begin).Seconds())
	if err := errors.Join(p.Save(filepath.Join(o.Out, tokenizerWeights)), writeTokenizer(o.Out, p.Config())); err != nil {
		return err
	}
	first, later, predicted := p.Keeps(held)
	say(o.Run.Progress, "%d held-out clips: %.2f dB of their first frames of cells, %.2f dB of the later ones, %.2f dB of these by motion that goes on alone\n", held.N, first, later, predicted)
	return nil
}

// FitCanvas fits the canvas of a tokenizer that has one to clips, u8 [n, t, h, w, 3], and
// the shards of their tokens, and writes it to the tokenizer's folder. It reports whether
// there is one. Errors: [ErrData], and those of cube.FitCanvas and of package shard.
func FitCanvas(tokenizer, clips string, shards []string) (bool, error) {
	c, err := readTokenizer(tokenizer)
	if err != nil || !c.Canvas || c.Tokenizer.Motion != nil {
		return false, err
	}
	data, free, err := openClips(clips)
	if err != nil {
		return false, err
	}
	defer free()
	var codes [][]uint32
	for _, path := range shards {
		samples, err := shard.ReadAll(path, shard.Limits{})
		if err != nil {
			return false, err
		}
		for _, s := range samples {
			code := make([]uint32, len(s.Tokens))
			for i, x := range s.Tokens {
				code[i] = uint32(x)
			}
			codes = append(codes, code)
		}
	}
	if len(codes) == 0 || len(codes) > data.N {
		return false, fmt.Errorf("models.FitCanvas: %w: %d clips, of which %d have tokens", ErrData, data.N, len(codes))
	}
	// Those with tokens are spread over the clips.
	k, err := cube.FitCanvas(*c, len(codes), func(i int) (*clip.Clip, []uint32) { return data.Clip(i * data.N / len(codes)), codes[i] })
	if err != nil {
		return false, err
	}
	return true, k.Save(filepath.Join(tokenizer, canvasWeights))
}

func openClips(path string) (cube.Clips, func() error, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return cube.Clips{}, nil, err
	}
	t, err := f.Tensor("clips")
	if err == nil && (t.DType != safetensors.U8 || len(t.Shape) != 5 || t.Shape[2] != t.Shape[3] || t.Shape[4] != 3) {
		err = fmt.Errorf("models: %w: %s: clips are %v %v, want u8 [n, t, size, size, 3]", ErrData, path, t.DType, t.Shape)
	}
	if err != nil {
		f.Close()
		return cube.Clips{}, nil, err
	}
	return cube.Clips{N: t.Shape[0], T: t.Shape[1], Size: t.Shape[2], Pix: t.Data}, f.Close, nil
}
