package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cube"
	"github.com/morton-gen/morton/models/train"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// tokenizerSystem is the value of --system for a video tokenizer. It is trained
// on clips, before the system cube can have tokens.
const tokenizerSystem = "tokenizer"

type trainFlags struct {
	flags *pflag.FlagSet
	deviceFlags

	system          string
	options         models.TrainOptions
	tokens, heldout []string
	memory          int    // samples in MiB
	config          string // of a tokenizer: JSON, see cube.Config
	units           string // of cube, see cube.ParseUnits
	precision       string
	json            bool
}

func newTrainFlags() *trainFlags {
	g := &trainFlags{flags: newFlags("train")}
	f, o, n, r := g.flags, &g.options, &g.options.Network, &g.options.Run
	f.StringVar(&g.system, "system", "", "train the system `NAME`: cube (video), octree (shape), quad, tokenizer (for video), or a published one, such as "+
		"llamagen, par, nar, var, mar, ear, nova or riganything, which needs --config")
	f.StringArrayVar(&g.tokens, "tokens", nil, "shards to train on: `PATH` is a folder, a file or a quoted pattern; may be given again")
	f.StringArrayVar(&g.heldout, "heldout", nil, "shards in `PATH` for the held-out loss; training never sees them")
	f.StringVar(&o.Out, "out", "", "write the model folder `DIR`, with checkpoints; the same command resumes from them")
	f.StringVar(&o.Name, "name", "", "`NAME` of the model, in reports")
	f.StringVar(&o.Tokenizer, "tokenizer", "", "the tokenizer in `PATH` that made the tokens, which is copied to the model; for cube and published systems")
	f.StringVar(&o.From, "from", "", "begin with the weights of the model folder `DIR`")
	f.Float64Var(&o.Prefer, "prefer", 0, "train on preferences: samples of --tokens and of --heldout are pairs, the preferred one first, and `BETA` is how strongly a preference counts, such as 0.1; needs --from")
	f.StringVar(&g.config, "config", "", "the published system's config.json in `FILE`, with the field names of its authors' code (riganything, quadgpt: ours); "+
		"for tokenizer: its shape as JSON, and --tokens and --heldout are safetensors with \"clips\"")

	f.StringVar(&g.units, "units", "", "cube: predict `CUBE`s of cells, such as 1x4x4, or 1x8x8/4 in four sets; as the tokenizer says by default")

	f.IntVar(&r.Steps, "steps", 2000, "steps in all")
	f.IntVar(&o.Batch, "batch", 8, "sequences a step")
	f.IntVar(&o.Window, "window", 0, "positions in a training sequence; 0 is the context")
	f.IntVar(&o.MaxHeldout, "max-heldout", 0, "held-out windows to evaluate; 0 is all")
	f.IntVar(&g.memory, "sample-memory", train.DefaultKept>>20, "keep up to `MIB` of samples in memory; others are read from disk when they are used")
	f.Float64Var(&r.Rate, "rate", 1e-3, "peak learning rate, after --warmup steps")
	f.IntVar(&r.Warmup, "warmup", 0, "steps until the peak rate; 0 is 1/50 of the steps")
	f.Float64Var(&r.WeightDecay, "weight-decay", 0.05, "weight decay of AdamW")
	f.Uint64Var(&r.Seed, "seed", 1, "random seed of the initial weights and the order of samples")
	f.StringVar(&g.precision, "precision", string(nn.F32), "multiply matrices and keep activations in `NAME`: f32, bf16 or f16; "+
		"weights are updated and saved in f32, and a tokenizer trains in f32")

	f.IntVar(&n.Width, "width", 192, "width of the network")
	f.IntVar(&n.Layers, "layers", 6, "blocks of the network")
	f.IntVar(&n.Heads, "heads", 4, "heads of its attention")
	f.IntVar(&n.Hidden, "hidden", 512, "hidden width of its feed-forward parts")
	f.IntVar(&n.Context, "context", 1024, "largest number of positions that the network sees")
	f.IntVar(&n.Length, "length", 16384, "largest number of positions in a sequence")
	f.Float64Var(&n.RopeTheta, "rope-theta", 10000, "base of the rotary positions")

	f.BoolVar(&o.Octree.Together, "together", false, "octree: predict many nodes of a level at once, in place of one by one")
	f.BoolVar(&n.Chain, "chain", false, "cube, octree: draw a code in parts, each told of those before it, in place of independent parts")

	f.Float64Var(&o.Sampling.Temperature, "temperature", request.Plain.Temperature, "the model's default sampling temperature")
	f.IntVar(&o.Sampling.TopK, "top-k", request.Plain.TopK, "the model's default top-k; 0 is off")
	f.Float64Var(&o.Sampling.TopP, "top-p", request.Plain.TopP, "the model's default top-p; 1 is off")
	g.deviceFlags.add(f)
	f.BoolVar(&g.json, "json", false, "print the curve as JSON")
	return g
}

func trainCommand(t terminal) *cobra.Command {
	c := newCommand("train", "train")
	g := newTrainFlags()
	c.Flags().AddFlagSet(g.flags)
	complete(c, "system", trained...)
	complete(c, "precision", texts(nn.TrainPrecisions)...)
	completeFolders(g.flags, "out", "tokenizer", "from")
	must(cobra.MarkFlagFilename(g.flags, "config", "json"))
	completeDevice(c)
	c.Args = noWords
	c.RunE = func(c *cobra.Command, _ []string) error { return g.run(c.Context(), t) }
	return c
}

// trained are the values of --system that are not published systems.
var trained = []string{shard.KindCube, shard.KindOctree, shard.KindQuad, tokenizerSystem}

// name parses --system: a published system, or one with flags of its own.
func (g *trainFlags) name() error {
	o := &g.options
	if slices.Contains(trained, g.system) {
		o.Family = g.system
		return nil
	}
	names := slices.Clone(trained)
	for _, p := range system.All() {
		if names = append(names, p.Name); p.Name == g.system {
			o.System = g.system
			return nil
		}
	}
	if g.system == "" {
		return usagef("train", "train: --system is required: cube, octree, quad, tokenizer or a published system, which morton systems lists")
	}
	return usagef("train", "train: no system %q%s; morton systems lists them", g.system, suggest(g.system, names))
}

func (g *trainFlags) run(ctx context.Context, t terminal) error {
	if err := g.check(); err != nil {
		return err
	}
	width, err := g.trainWidth()
	if err != nil {
		return g.mistake(err)
	}
	o := g.deviceFlags.options()
	o.Widest, o.Width = true, width
	dev, err := family.OpenDevice(o)
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

// trainWidth returns the requested subgroup width or else the checkpoint's, so that a
// resumed run adds in the same order. 0 means the device's own.
func (g *trainFlags) trainWidth() (int, error) {
	if w := g.wanted(); w > 0 {
		return w, nil
	}
	return train.CheckpointWidth(filepath.Join(g.options.Out, "checkpoint"))
}

// check finds the shards and reads the system's configuration from them.
func (g *trainFlags) check() error {
	if err := g.name(); err != nil {
		return err
	}
	o := &g.options
	switch {
	case o.System != "" && g.config == "":
		return usagef("train", "train: --config is required: the config.json of the network")
	case len(g.tokens) == 0:
		return usagef("train", "train: --tokens is required: the shards to train on")
	case len(g.heldout) == 0:
		return usagef("train", "train: --heldout is required: shards that training never sees")
	case o.Out == "":
		return usagef("train", "train: --out is required: the folder for the model")
	}
	if o.Prefer < 0 || o.Prefer > 0 && o.From == "" || o.Family == tokenizerSystem && o.From != "" {
		return usagef("train", "train: --prefer is above 0 and needs --from, the model to begin with; a tokenizer takes neither")
	}
	if p := nn.Precision(g.precision); !slices.Contains(nn.TrainPrecisions, p) {
		return usagef("train", "train: --precision is one of %v", nn.TrainPrecisions)
	} else if p != nn.F32 && o.Family == tokenizerSystem {
		return usagef("train", "train: a tokenizer trains in f32, not in %s", p)
	}
	if g.memory < 0 || g.memory > 1<<30 {
		return usagef("train", "train: --sample-memory %d", g.memory)
	}
	o.Memory.Precision, o.Keep = nn.Precision(g.precision), g.memory<<20
	if o.System != "" {
		for _, name := range []string{"width", "layers", "heads", "hidden", "context", "length", "rope-theta", "chain", "together", "units", "temperature", "top-k", "top-p"} {
			if g.flags.Lookup(name).Changed {
				return usagef("train", "train: --%s is for our own systems; a published one has it in its --config, or of its own", name)
			}
		}
		return g.find()
	}
	switch o.Family {
	case tokenizerSystem:
		if len(g.tokens) != 1 || len(g.heldout) != 1 || g.config == "" {
			return usagef("train", "train: a tokenizer takes one --tokens and one --heldout file of clips, and --config FILE")
		}
		return nil
	case shard.KindCube:
		if o.Tokenizer == "" {
			return usagef("train", "train: --tokenizer is required: the folder of the tokenizer that made the tokens")
		}
	}
	if err := g.checkUnits(); err != nil {
		return err
	}
	if err := g.find(); err != nil {
		return err
	}
	return g.readGrids()
}

// checkUnits parses --units, and says whom the flags of parts and units are for.
func (g *trainFlags) checkUnits() error {
	o := &g.options
	if o.Network.Chain && o.Family == shard.KindQuad {
		return usagef("train", "train: --chain is for cube and octree: a token of a quad has one part")
	}
	if o.Octree.Together && o.Family != shard.KindOctree {
		return usagef("train", "train: --together is for octree")
	}
	if g.units == "" {
		return nil
	}
	if o.Family != shard.KindCube {
		return usagef("train", "train: --units is for cube")
	}
	u, err := cube.ParseUnits(g.units)
	if err != nil {
		return usagef("train", "train: --units: %v", err)
	}
	o.Units = &u
	return nil
}

// find finds the shards.
func (g *trainFlags) find() (err error) {
	o := &g.options
	if o.Shards, err = shards(g.tokens); err != nil {
		return usagef("train", "train: --tokens: %v", err)
	}
	if o.Heldout, err = shards(g.heldout); err != nil {
		return usagef("train", "train: --heldout: %v", err)
	}
	return nil
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

// readGrids reads configuration from the samples: levels and points of quads,
// depths of octrees.
func (g *trainFlags) readGrids() error {
	o := &g.options
	if o.Family == shard.KindCube {
		return nil // the tokenizer's folder has them
	}
	for _, path := range o.Shards {
		if err := g.readGridsOf(path); err != nil {
			return err
		}
	}
	return nil
}

func (g *trainFlags) readGridsOf(path string) error {
	r, err := shard.Open(path, shard.Limits{})
	if err != nil {
		return err
	}
	defer r.Close()
	o := &g.options
	for {
		s, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case s.Kind != o.Family:
			return usagef("train", "train: %s holds samples of %s, not %s", path, s.Kind, o.Family)
		case s.Kind == shard.KindQuad && len(s.Grid) == 3:
			o.Quad.Points, o.Quad.Levels = int(s.Grid[0]), int(s.Grid[2])
		case s.Kind == shard.KindOctree && len(s.Grid) > 0:
			depth := int(s.Grid[0])
			if o.Octree.MinDepth == 0 {
				o.Octree.MinDepth = depth
			}
			o.Octree.MinDepth, o.Octree.MaxDepth = min(o.Octree.MinDepth, depth), max(o.Octree.MaxDepth, depth)
		}
	}
}

func (g *trainFlags) train(ctx context.Context, dev *gpu.Device) (curve *train.Curve, err error) {
	if g.options.System != "" {
		if g.options.Published, err = os.ReadFile(g.config); err != nil {
			return nil, err
		}
	}
	if g.options.Family != tokenizerSystem {
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

// mistake marks training errors that are wrong use.
func (g *trainFlags) mistake(err error) error {
	for _, e := range []error{nn.ErrConfig, train.ErrOptions, train.ErrCheckpoint, models.ErrFolder, models.ErrData, system.ErrUnknown, fs.ErrNotExist} {
		if errors.Is(err, e) {
			return usagef("train", "train: %v", err)
		}
	}
	return err
}

func (g *trainFlags) print(t terminal, curve *train.Curve) error {
	if g.json {
		return printJSON(t, curve)
	}
	if len(curve.Points) == 0 { // a tokenizer that is fitted, and not trained
		_, err := fmt.Fprintf(t.out, "fitted: %s\n", g.options.Out)
		return err
	}
	last := curve.Points[len(curve.Points)-1]
	fmt.Fprintf(t.out, "step %d: loss %.4f, held out %.4f", last.Step, last.Loss, last.Heldout)
	for _, l := range curve.Lines {
		fmt.Fprintf(t.out, ", %s %.4f", l.Name, l.Value)
	}
	_, err := fmt.Fprintf(t.out, "\nlook at:  %s\n", join(g.options.Out, "loss.html"))
	return err
}
