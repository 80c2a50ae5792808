package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/models/tokenizer/octree"
	"github.com/morton-gen/morton/models/train"
)

// trainModel trains the quad or the octree model on shards for some minutes, or goes on
// from its checkpoint. It is "morton train" for machines without FFmpeg.
func trainModel(ctx context.Context, args []string, out io.Writer) error {
	o := models.TrainOptions{Run: train.Options{Seed: 1, Progress: out}}
	var tokens, heldout, precision, device string
	f := flag.NewFlagSet("shapes train", flag.ContinueOnError)
	f.SetOutput(out)
	n := &o.Network
	f.StringVar(&o.Family, "system", "quad", "quad or octree")
	f.StringVar(&tokens, "tokens", "", "`folder` of shards to train on")
	f.StringVar(&heldout, "heldout", "", "`folder` of shards that training never sees")
	f.StringVar(&o.Out, "out", "", "the model `folder`")
	f.StringVar(&device, "device", "auto", "Vulkan device")
	f.StringVar(&precision, "precision", "f32", "of products: f32, bf16 or f16")
	f.Float64Var(&o.Minutes, "minutes", 0, "sets the steps to about as many as that takes")
	f.IntVar(&o.Run.Steps, "steps", 0, "steps in all, without --minutes")
	f.IntVar(&o.Window, "window", 0, "positions of a sequence; 0 is the context")
	f.Float64Var(&o.Starts, "starts", 0, "share of the sequences that begin where their sample does; 0 is about a fifth")
	f.IntVar(&o.Batch, "batch", 16, "sequences a step")
	f.Float64Var(&o.Run.Rate, "rate", 1e-3, "peak learning rate")
	f.IntVar(&o.MaxHeldout, "max-heldout", 48, "held-out windows to evaluate")
	f.IntVar(&n.Width, "width", 320, "width of the network")
	f.IntVar(&n.Layers, "layers", 6, "its blocks")
	f.IntVar(&n.Heads, "heads", 5, "its heads")
	f.IntVar(&n.Hidden, "hidden", 864, "hidden width of its feed-forward parts")
	f.IntVar(&n.Context, "context", 2048, "positions it sees at most")
	f.IntVar(&n.Length, "length", 16384, "positions of a sequence at most")
	f.Float64Var(&n.RopeTheta, "rope-theta", 10000, "base of the rotary positions")
	f.BoolVar(&n.Chain, "chain", false, "octree: each byte of a leaf's code is told of those before it")
	f.BoolVar(&o.Octree.Together, "together", false, "octree: many nodes of a level at once")
	f.StringVar(&o.From, "from", "", "`folder` of a model of this network to go on from")
	keep := f.Int("keep", 16, "GiB of memory for laid-out samples, so that a GPU does not wait for them")
	f.IntVar(&o.Quad.Levels, "levels", 128, "quad: levels of a coordinate, as the shards have them")
	f.IntVar(&o.Quad.Points, "points", 256, "quad: points of the condition, as the shards have them")
	f.IntVar(&o.Octree.MinDepth, "depth", 5, "octree: depth of the shards' trees at least")
	f.IntVar(&o.Octree.MaxDepth, "deepest", 6, "octree: depth of the shards' trees at most")
	f.IntVar(&o.Octree.Depth, "default-depth", 0, "octree: depth of requests that ask for none; 0 is the deepest")
	f.Float64Var(&o.Sampling.Guidance, "guidance", 0, "octree: scale of guidance by a class that the model gets as its own")
	named := f.Bool("classes", false, "octree: the shards are upright, and have families as classes")
	f.Float64Var(&o.Sampling.Temperature, "temperature", 1, "sampling temperature that the model gets as its own")
	f.Float64Var(&o.Sampling.TopP, "top-p", 0.95, "top-p that the model gets as its own")
	if err := f.Parse(args); err != nil {
		return err
	}
	o.Memory.Precision, o.Keep = nn.Precision(precision), *keep<<30
	switch o.Family {
	case "quad":
		o.Octree = octree.Config{}
	case "octree":
		o.Quad = faces.Config{}
	default:
		return fmt.Errorf("%w: --system is quad or octree", errFlags)
	}
	if *named {
		o.Octree.Classes = classes()
	}
	var err error
	for _, list := range []struct {
		to     *[]string
		folder string
	}{{&o.Shards, tokens}, {&o.Heldout, heldout}} {
		if *list.to, err = filepath.Glob(filepath.Join(list.folder, "*.parquet")); err != nil || len(*list.to) == 0 {
			return fmt.Errorf("%w: no shards in %q", errFlags, list.folder)
		}
	}
	dev, err := gpu.Open(gpu.Options{Device: device, Widest: true})
	if err != nil {
		return err
	}
	defer dev.Close()
	fmt.Fprintf(out, "%s, subgroup width %d\n", dev.Info().Name, dev.SubgroupWidth())
	_, err = models.Train(ctx, dev, o)
	return err
}
