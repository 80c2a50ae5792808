package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/systems"
	"github.com/morton-gen/morton/models/tokenizer/cube"
	"github.com/morton-gen/morton/models/train"
)

// videoTraining is what the flags of "corpus train" say.
type videoTraining struct {
	corpus, config, out, device string
	from, cubeFrom              string
	tokenizer, cube, decoder    float64 // minutes
	steps                       int     // of the transformer, in place of its minutes
	batch                       int     // windows of a batch of the tokenizer
	sequences                   int     // of a batch of the transformer
	coded                       int     // clips to code
	rate, tokenizerRate         float64
	precision                   string
	coarse                      bool
	units                       *cube.Units // of the transformer; nil: the tokenizer's
	network                     systems.Decoder
	temperature, noise          float64
	progress                    io.Writer
}

// trainVideo trains a video tokenizer on a corpus's clips, codes them, and trains the
// transformer on the codes, each for some minutes. It needs no video decoder. A step
// whose result is there is passed over, and one that was cut off goes on.
func trainVideo(ctx context.Context, args []string, out io.Writer) error {
	v := videoTraining{progress: out}
	flags := flag.NewFlagSet("corpus train", flag.ContinueOnError)
	flags.StringVar(&v.corpus, "corpus", "corpus/video", "`folder` that corpus video wrote")
	flags.StringVar(&v.config, "config", "docs/tokenizer.json", "`file` that describes the tokenizer")
	flags.StringVar(&v.from, "tokenizer-from", "", "`folder` of a trained tokenizer to go on from")
	flags.StringVar(&v.out, "out", "out/models", "`folder` for tokenizer/, shards/ and cube/")
	flags.StringVar(&v.device, "device", "auto", "Vulkan device")
	flags.Float64Var(&v.tokenizer, "tokenizer-minutes", 3, "minutes for the tokenizer; 0 passes it over")
	flags.Float64Var(&v.cube, "minutes", 3, "minutes for the transformer; 0 passes it over")
	flags.IntVar(&v.steps, "steps", 0, "steps of the transformer, in place of --minutes")
	flags.Float64Var(&v.decoder, "decoder-minutes", -1, "minutes for the decoder to learn which bits of a canvas's guess to trust; 0 passes it over, below 0 is a quarter of the tokenizer's")
	flags.StringVar(&v.cubeFrom, "from", "", "`folder` of a transformer of this network and tokenizer to go on from")
	flags.IntVar(&v.batch, "tokenizer-batch", 8, "windows a step of the tokenizer")
	flags.Float64Var(&v.tokenizerRate, "tokenizer-rate", 4e-4, "its peak learning rate")
	flags.BoolVar(&v.coarse, "tokenizer-coarse", false, "its products by cooperative matrices, which round to 11 bits")
	flags.IntVar(&v.coded, "coded", 0, "clips to code for the transformer, spread over the corpus; 0 is all")
	flags.IntVar(&v.sequences, "batch", 16, "sequences a step of the transformer")
	flags.Float64Var(&v.rate, "rate", 1e-3, "its peak learning rate")
	flags.StringVar(&v.precision, "precision", "f32", "its products: f32, bf16 or f16")
	flags.IntVar(&v.network.Width, "width", 256, "its width")
	flags.IntVar(&v.network.Layers, "layers", 7, "its blocks")
	flags.IntVar(&v.network.Heads, "heads", 4, "its heads")
	flags.IntVar(&v.network.Hidden, "hidden", 688, "hidden width of its feed-forward parts")
	flags.IntVar(&v.network.Context, "context", 512, "positions it sees at most")
	flags.BoolVar(&v.network.Chain, "chain", false, "its codes word by word, each told of those before it")
	units := flags.String("units", "", "`CUBE` of cells that it predicts, such as 1x4x4, or 1x8x8/4 in four sets; the tokenizer's by default")
	flags.Float64Var(&v.noise, "noise", 0.05, "largest chance of a bit of its context to be turned over")
	flags.Float64Var(&v.temperature, "temperature", 0.2, "sampling temperature that the model gets as its own")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *units != "" {
		u, err := cube.ParseUnits(*units)
		if err != nil {
			return err
		}
		v.units = &u
	}
	if v.steps > 0 {
		v.cube = 0
	}
	if v.decoder < 0 {
		v.decoder = v.tokenizer / 4
	}
	v.network.Length, v.network.RopeTheta = 16384, 100
	dev, err := gpu.Open(gpu.Options{Device: v.device, Widest: true})
	if err != nil {
		return err
	}
	defer dev.Close()
	fmt.Fprintf(out, "%s, subgroup width %d\n", dev.Info().Name, dev.SubgroupWidth())
	return errors.Join(v.trainTokenizer(ctx, dev), v.trainCube(ctx, dev), v.trainDecoder(ctx, dev))
}

func (v *videoTraining) side(name string) string {
	return filepath.Join(v.corpus, name, "clips.safetensors")
}

// there reports whether a file exists.
func there(path ...string) bool {
	_, err := os.Stat(filepath.Join(path...))
	return !errors.Is(err, fs.ErrNotExist)
}

func (v *videoTraining) trainTokenizer(ctx context.Context, dev *gpu.Device) error {
	dir := filepath.Join(v.out, "tokenizer")
	if v.tokenizer <= 0 || there(dir, "tokenizer.safetensors") {
		return nil
	}
	c, err := v.description()
	if err != nil {
		return err
	}
	_, err = models.TrainTokenizer(ctx, dev, models.TokenizerOptions{
		Out: dir, From: v.from, Clips: v.side(trainFolder), Heldout: v.side(heldOutFolder), Cube: c, Batch: v.batch, Coarse: v.coarse, Minutes: v.tokenizer,
		Run: train.Options{Rate: v.tokenizerRate, WeightDecay: -1, Seed: 1, Progress: v.progress},
	})
	return err
}

// description reads the tokenizer's.
func (v *videoTraining) description() (c cube.Config, err error) {
	data, err := os.ReadFile(v.config)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("%s: %w", v.config, err)
	}
	return c, nil
}

// keptBytes is the memory for laid-out samples, so that a GPU does not wait for them.
const keptBytes = 8 << 30

func (v *videoTraining) trainCube(ctx context.Context, dev *gpu.Device) error {
	tokenizer, dir := filepath.Join(v.out, "tokenizer"), filepath.Join(v.out, "cube")
	if v.cube <= 0 && v.steps <= 0 || there(dir, "model.safetensors") || ctx.Err() != nil {
		return ctx.Err()
	}
	shards := map[string][]string{}
	for _, side := range []string{trainFolder, heldOutFolder} {
		var err error
		if shards[side], err = v.code(ctx, dev, tokenizer, side); err != nil {
			return err
		}
	}
	if err := v.fitCanvas(tokenizer, shards[trainFolder]); err != nil {
		return err
	}
	_, err := models.Train(ctx, dev, models.TrainOptions{
		Family: "cube", Name: "cube", Shards: shards[trainFolder], Heldout: shards[heldOutFolder], Out: dir, Network: v.network, From: v.cubeFrom,
		Tokenizer: tokenizer, Units: v.units, Batch: v.sequences, MaxHeldout: 96, Keep: keptBytes, Minutes: v.cube, Sampling: models.Sampling{Temperature: v.temperature},
		Memory: train.NetworkOptions{Precision: nn.Precision(v.precision), Noise: v.noise},
		Run:    train.Options{Rate: v.rate, Steps: v.steps, EvalEvery: v.steps / 4, Seed: 1, Progress: v.progress},
	})
	return err
}

// trainDecoder trains the decoder alone on codes with bits turned over, as often as the
// canvas guesses them wrongly and half as often again, since errors add up as a clip goes on. The
// model's folder gets it; codes stay as they are.
func (v *videoTraining) trainDecoder(ctx context.Context, dev *gpu.Device) error {
	tokenizer, dir, model := filepath.Join(v.out, "tokenizer"), filepath.Join(v.out, "decoder"), filepath.Join(v.out, "cube")
	if c, err := v.description(); err != nil || !c.Canvas || c.Tokenizer.Motion != nil {
		return err
	}
	if v.decoder <= 0 || there(dir, "tokenizer.safetensors") || ctx.Err() != nil {
		return ctx.Err()
	}
	flips, err := models.GuessErrors(model, filepath.Join(v.out, "shards", trainFolder, "00000.parquet"))
	if err != nil {
		return err
	}
	for i, p := range flips {
		flips[i] = min(1.5*p, 0.5)
	}
	c, err := v.description()
	if err != nil {
		return err
	}
	if _, err := models.TrainTokenizer(ctx, dev, models.TokenizerOptions{
		Out: dir, From: tokenizer, Clips: v.side(trainFolder), Heldout: v.side(heldOutFolder), Cube: c, Batch: v.batch, Minutes: v.decoder, Flips: flips,
		Run: train.Options{Rate: v.tokenizerRate, WeightDecay: -1, Seed: 2, Progress: v.progress},
	}); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, "tokenizer.safetensors"))
	if err == nil {
		err = os.WriteFile(filepath.Join(model, "tokenizer.safetensors"), data, 0o644)
	}
	return err
}

// fitCanvas fits the tokenizer's canvas, if it has one, to clips and their codes.
func (v *videoTraining) fitCanvas(tokenizer string, shards []string) error {
	if there(tokenizer, "canvas.safetensors") {
		return nil
	}
	begin := time.Now()
	fitted, err := models.FitCanvas(tokenizer, v.side(trainFolder), shards)
	if fitted {
		fmt.Fprintf(v.progress, "canvas fitted in %.1f s\n", time.Since(begin).Seconds())
	}
	return err
}

// shardClips is the number of clips of a shard, so that several are read at once.
const shardClips = 500

// code writes the tokens of one side's clips, and returns the shards.
func (v *videoTraining) code(ctx context.Context, dev *gpu.Device, tokenizer, side string) (paths []string, err error) {
	begin := time.Now()
	f, err := safetensors.Open(v.side(side))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := f.Tensor("clips")
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(v.out, "shards", side)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	n, size := t.Shape[0], len(t.Data)/t.Shape[0]
	if v.coded > 0 && v.coded < n {
		var some []byte
		for i := range v.coded {
			some = append(some, t.Data[i*n/v.coded*size:][:size]...)
		}
		t.Data, n = some, v.coded
	}
	for from := 0; from < n; from += shardClips {
		part := t
		part.Shape = append([]int{min(n-from, shardClips)}, t.Shape[1:]...)
		part.Data = t.Data[from*size:][:part.Shape[0]*size]
		path := filepath.Join(folder, fmt.Sprintf("%05d.parquet", from))
		if paths = append(paths, path); there(path) {
			continue
		}
		if err := writeTokens(ctx, dev, tokenizer, part, path, io.Discard); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(v.progress, "%s: %d clips coded in %.1f s\n", side, n, time.Since(begin).Seconds())
	return paths, nil
}
