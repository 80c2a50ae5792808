package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
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
	Family          string   // name of the system: cube, octree or quad
	Name            string   // of the model; the family's by default
	Shards, Heldout []string // token shards (Parquet)
	Out             string   // model folder
	Network         systems.Decoder
	Quad            faces.Config
	Octree          octree.Config
	Tokenizer       string // cube: model folder that holds the tokenizer
	Batch           int    // sequences a step
	Window          int    // positions of one; 0 means the context
	MaxHeldout      int    // held-out windows evaluated; 0 means all
	Sampling        Sampling
	Memory          train.NetworkOptions
	Run             train.Options
}

// Train trains a network on token shards and writes a model folder: config.json,
// model.safetensors (f16), loss.html. Checkpoints live in Out/checkpoint; a run
// that was cut off goes on from there. It returns the curve, whose Lines hold the
// held-out loss of unigram and bigram tables built from the same shards.
func Train(ctx context.Context, dev *gpu.Device, o TrainOptions) (*train.Curve, error) {
	cfg, err := o.config()
	if err != nil {
		return nil, err
	}
	sys, err := cfg.System()
	if err != nil {
		return nil, err
	}
	data, err := loadSequences(sys, o.Shards, o.Run.Progress)
	if err != nil {
		return nil, err
	}
	held, err := loadSequences(sys, o.Heldout, o.Run.Progress)
	if err != nil {
		return nil, err
	}
	if cfg.Quad != nil {
		cfg.Quad.Faces = cfg.Quad.TrainedFaces(data.Rows())
	}
	if o.Window == 0 {
		o.Window = sys.Layout.Context
	}
	net, err := train.NewNetwork(dev, sys, max(o.Batch, 1), o.Window, o.Memory)
	if err != nil {
		return nil, err
	}
	defer net.Free()
	if err := net.Store().Init(o.Run.Seed); err != nil {
		return nil, err
	}
	task, err := train.NewSequences(net, o.Run.Seed, data, held, o.MaxHeldout)
	if err != nil {
		return nil, err
	}
	tables := train.NewTables(sys)
	for _, q := range data {
		tables.Count(q)
	}
	lines, err := tables.Lines(task.HeldoutWindows)
	if err != nil {
		return nil, err
	}
	say(o.Run.Progress, "%s: %d parameters, %d training and %d held-out samples; %s %.4f, %s %.4f nats a token\n",
		cfg.Name, net.Store().Count(), len(data), len(held), lines[0].Name, lines[0].Value, lines[1].Name, lines[1].Value)
	begin := time.Now()
	o.Run.Dir = filepath.Join(o.Out, "checkpoint")
	curve, err := train.Run(ctx, dev, task, o.Run)
	if err != nil {
		return curve, err
	}
	curve.Lines = lines
	last := curve.Points[len(curve.Points)-1]
	cfg.Training = map[string]any{
		"steps": o.Run.Steps, "batch": o.Batch, "window": o.Window, "samples": len(data), "heldout_samples": len(held),
		"seed": o.Run.Seed, "rate": o.Run.Rate, "precision": net.Store().Precision(), "minutes": int(time.Since(begin).Minutes()), "device": dev.Info().Name,
		"heldout_nats": last.Heldout, "unigram_nats": lines[0].Value, "bigram_nats": lines[1].Value, "parameters": net.Store().Count(),
	}
	if err := net.Store().Save(filepath.Join(o.Out, "model.safetensors"), safetensors.F16, false, map[string]string{"family": cfg.Family, "name": cfg.Name}); err != nil {
		return curve, err
	}
	return curve, errors.Join(WriteConfig(o.Out, cfg), curve.WriteHTML(filepath.Join(o.Out, "loss.html")))
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
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, fmt.Errorf("models.Train: %w", err)
	}
	switch o.Family {
	case shard.KindQuad:
		c.Quad = &o.Quad
	case shard.KindOctree:
		c.Octree = &o.Octree
	case shard.KindCube:
		k, err := copyTokenizer(o.Tokenizer, o.Out)
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

// loadSequences reads shards and lays their samples out, those that fit.
func loadSequences(sys *system.System, paths []string, progress io.Writer) (train.Held, error) {
	var out train.Held
	skipped := 0
	var why error
	for _, path := range paths {
		samples, err := shard.ReadAll(path, shard.Limits{})
		if err != nil {
			return nil, err
		}
		for _, s := range samples {
			q, err := lay(sys, s)
			if err != nil {
				skipped, why = skipped+1, err
				continue
			}
			out = append(out, q)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("models.Train: %w: no samples in %d shards: %v", ErrData, len(paths), why)
	}
	if skipped > 0 {
		say(progress, "%d samples do not fit and are left out, the last: %v\n", skipped, why)
	}
	return out, nil
}

func lay(sys *system.System, s shard.Sample) (*train.Sequence, error) {
	prompt, tokens, err := sys.Lay(s)
	if err != nil {
		return nil, err
	}
	return train.Lay(sys, prompt, tokens)
}

// TokenizerOptions describe the training of a video tokenizer.
type TokenizerOptions struct {
	Out            string
	Clips, Heldout string // safetensors files with "clips", u8 [n, t, h, w, 3]
	Cube           cube.Config
	Batch          int // windows a step
	// Frozen is how many first steps train the decoder alone; 0 means all of them
	// if the encoder has no blocks, and three quarters if it has.
	Frozen int
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
	if o.Frozen == 0 {
		o.Frozen = o.Run.Steps
		if o.Cube.Tokenizer.Encoder > 0 {
			o.Frozen = o.Run.Steps * 3 / 4
		}
	}
	task, err := cube.NewAutoencoding(dev, o.Cube, max(o.Batch, 1), o.Frozen, o.Run.Seed, data, held)
	if err != nil {
		return nil, err
	}
	if err := task.Init(o.Run.Seed); err != nil {
		return nil, err
	}
	say(o.Run.Progress, "tokenizer: %d parameters, %d training and %d held-out clips\n", task.Store().Count(), data.N, held.N)
	o.Run.Dir = filepath.Join(o.Out, "checkpoint")
	curve, err := train.Run(ctx, dev, task, o.Run)
	if err != nil {
		return curve, err
	}
	return curve, errors.Join(
		task.Store().Save(filepath.Join(o.Out, tokenizerWeights), safetensors.F16, false, map[string]string{"family": "cube tokenizer"}),
		writeTokenizer(o.Out, &o.Cube),
		curve.WriteHTML(filepath.Join(o.Out, "loss.html")))
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
