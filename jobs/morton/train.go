package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/cube"
	"github.com/morton-gen/morton/models/train"
	"github.com/morton-gen/morton/models/transformer"
	"github.com/morton-gen/morton/transforms/request"
)

// tokenizerFamily is the word of --family for a video tokenizer, which is
// trained on clips before the cube family can have tokens.
const tokenizerFamily = "tokenizer"

// trainFlags are the flags of train.
type trainFlags struct {
	*flagSet
	deviceFlags

	options         models.TrainOptions
	tokens, heldout list
	config          string // of a tokenizer: JSON, see models/cube.Config
	precision       string
	json            bool
}

func newTrainFlags() *trainFlags {
	g := &trainFlags{flagSet: newFlags("train")}
	o, n, r := &g.options, &g.options.Network, &g.options.Run
	g.StringVar(&o.Family, "family", "", "")
	g.Var(&g.tokens, "tokens", "")
	g.Var(&g.heldout, "heldout", "")
	g.StringVar(&o.Out, "out", "", "")
	g.StringVar(&o.Name, "name", "", "")
	g.StringVar(&o.Tokenizer, "tokenizer", "", "")
	g.StringVar(&g.config, "config", "", "")

	g.IntVar(&r.Steps, "steps", 2000, "")
	g.IntVar(&o.Batch, "batch", 8, "")
	g.IntVar(&o.Window, "window", 0, "")
	g.IntVar(&o.MaxHeldout, "max-heldout", 0, "")
	g.Float64Var(&r.Rate, "rate", 1e-3, "")
	g.IntVar(&r.Warmup, "warmup", 0, "")
	g.Float64Var(&r.WeightDecay, "weight-decay", 0.05, "")
	g.Uint64Var(&r.Seed, "seed", 1, "")

	g.StringVar(&g.precision, "precision", string(transformer.F32), "")

	g.IntVar(&n.Width, "width", 192, "")
	g.IntVar(&n.Layers, "layers", 6, "")
	g.IntVar(&n.Heads, "heads", 4, "")
	g.IntVar(&n.Hidden, "hidden", 512, "")
	g.IntVar(&n.Context, "context", 1024, "")
	g.IntVar(&n.Length, "length", 16384, "")
	g.Float64Var(&n.RopeTheta, "rope-theta", 10000, "")

	g.Float64Var(&o.Sampling.Temperature, "temperature", request.Plain.Temperature, "")
	g.IntVar(&o.Sampling.TopK, "top-k", request.Plain.TopK, "")
	g.Float64Var(&o.Sampling.TopP, "top-p", request.Plain.TopP, "")
	g.deviceFlags.add(g.flagSet)
	g.BoolVar(&g.json, "json", false, "")
	return g
}

func runTrain(ctx context.Context, t terminal, args []string) error {
	g := newTrainFlags()
	words, err := g.parse(args)
	if err != nil {
		return err
	}
	if len(words) > 0 {
		return usagef("train", "train: unexpected %q", words[0])
	}
	if err := g.check(); err != nil {
		return err
	}
	o := g.deviceFlags.options()
	o.Widest = true
	if o.Width, err = g.trainWidth(); err != nil {
		return g.mistake(err)
	}
	dev, err := gpu.Open(o)
	if err != nil {
		return err
	}
	defer dev.Close()
	fmt.Fprintf(t.err, "%s, subgroup width %d\n", dev.Info().Name, dev.SubgroupWidth())
	g.options.Run.Progress = t.err
	curve, err := g.train(ctx, dev)
	if err != nil {
		return g.mistake(err)
	}
	return g.print(t, curve)
}

// trainWidth returns the width asked for, or else the checkpoint's, so that a resumed run
// adds in the same order. 0 leaves it to the device.
func (g *trainFlags) trainWidth() (int, error) {
	if w := g.wanted(); w > 0 {
		return w, nil
	}
	return train.CheckpointWidth(filepath.Join(g.options.Out, "checkpoint"))
}

// check finds the shards and what they say about the family.
func (g *trainFlags) check() error {
	o := &g.options
	switch {
	case o.Family == "":
		return usagef("train", "train: --family says what to train: cube, octree, quad or tokenizer")
	case len(g.tokens) == 0:
		return usagef("train", "train: --tokens says what to train on")
	case len(g.heldout) == 0:
		return usagef("train", "train: --heldout says what to test on: tokens that training never sees")
	case o.Out == "":
		return usagef("train", "train: --out says where the model goes")
	}
	if p := transformer.Precision(g.precision); !slices.Contains(transformer.TrainPrecisions, p) {
		return usagef("train", "train: --precision is one of %v", transformer.TrainPrecisions)
	} else if p != transformer.F32 && o.Family == tokenizerFamily {
		return usagef("train", "train: a tokenizer trains in f32, not in %s", p)
	}
	o.Memory.Precision = transformer.Precision(g.precision)
	switch o.Family {
	case tokenizerFamily:
		if len(g.tokens) != 1 || len(g.heldout) != 1 || g.config == "" {
			return usagef("train", "train: a tokenizer takes one --tokens and one --heldout file of clips, and --config FILE")
		}
		return nil
	case shard.KindCube:
		if o.Tokenizer == "" {
			return usagef("train", "train: --tokenizer names the folder of the tokenizer that made the tokens")
		}
	case shard.KindOctree, shard.KindQuad:
	default:
		return usagef("train", "train: no family %q%s", o.Family, suggest(o.Family, []string{"cube", "octree", "quad", "tokenizer"}))
	}
	var err error
	if o.Shards, err = shards(g.tokens); err != nil {
		return usagef("train", "train: --tokens: %v", err)
	}
	if o.Heldout, err = shards(g.heldout); err != nil {
		return usagef("train", "train: --heldout: %v", err)
	}
	return g.readGrids()
}

func shards(patterns []string) ([]string, error) {
	var all []string
	for _, p := range patterns {
		paths, err := shard.Glob(p)
		if err != nil {
			return nil, err
		}
		all = append(all, paths...)
	}
	return all, nil
}

// readGrids takes from the samples what a family's configuration says of them:
// the levels and points of quads, the depths of octrees.
func (g *trainFlags) readGrids() error {
	o := &g.options
	if o.Family == shard.KindCube {
		return nil // the tokenizer's folder says it
	}
	for _, path := range o.Shards {
		samples, err := shard.ReadAll(path, shard.Limits{})
		if err != nil {
			return err
		}
		for _, s := range samples {
			switch {
			case s.Kind != o.Family:
				return usagef("train", "train: %s holds samples of family %s, not %s", path, s.Kind, o.Family)
			case s.Kind == shard.KindQuad && len(s.Grid) == 3:
				o.Quad.Points, o.Quad.Levels = int(s.Grid[0]), int(s.Grid[2])
			case s.Kind == shard.KindOctree && len(s.Grid) == 1:
				depth := int(s.Grid[0])
				if o.Shape.MinDepth == 0 {
					o.Shape.MinDepth = depth
				}
				o.Shape.MinDepth, o.Shape.MaxDepth = min(o.Shape.MinDepth, depth), max(o.Shape.MaxDepth, depth)
			}
		}
	}
	return nil
}

func (g *trainFlags) train(ctx context.Context, dev *gpu.Device) (*train.Curve, error) {
	if g.options.Family != tokenizerFamily {
		return models.Train(ctx, dev, g.options)
	}
	var c cube.Config
	data, err := os.ReadFile(g.config)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, usagef("train", "train: %s: %v", g.config, err)
	}
	return models.TrainTokenizer(ctx, dev, models.TokenizerOptions{
		Out: g.options.Out, Clips: g.tokens[0], Heldout: g.heldout[0], Cube: c, Batch: g.options.Batch, Run: g.options.Run,
	})
}

// mistake tells errors of the command line from those of the training.
func (g *trainFlags) mistake(err error) error {
	for _, e := range []error{transformer.ErrConfig, train.ErrOptions, train.ErrCheckpoint, models.ErrFolder, models.ErrData, fs.ErrNotExist} {
		if errors.Is(err, e) {
			return usagef("train", "train: %v", err)
		}
	}
	return err
}

func (g *trainFlags) print(t terminal, curve *train.Curve) error {
	if g.json {
		e := json.NewEncoder(t.out)
		e.SetIndent("", "  ")
		return e.Encode(curve)
	}
	last := curve.Points[len(curve.Points)-1]
	fmt.Fprintf(t.out, "step %d: loss %.4f, held out %.4f", last.Step, last.Loss, last.Heldout)
	for _, l := range curve.Lines {
		fmt.Fprintf(t.out, ", %s %.4f", l.Name, l.Value)
	}
	_, err := fmt.Fprintf(t.out, "\nlook at:  %s\n", join(g.options.Out, "loss.html"))
	return err
}
