// Command pixels makes small pictures out of clips or meshes, whose tokens are patches of
// pixels or codes of patches, so that systems can be trained without a tokenizer of pictures. It draws with what
// was trained, and measures how far the drawn pictures are from real ones.
//
//	go run ./tools/pixels shards --from corpus/video/train/clips.safetensors --out train.parquet
//	go run ./tools/pixels draw --model model/ --real train.parquet --out sheet.png
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/system"
)

// A picture has Side pixels a side, a token Patch. A number of a token is (value/255 -
// 1/2)·Gain.
const (
	Side  = 16
	Patch = 2
	Gain  = 4
)

const fromHelp = "safetensors `FILE` of clips, or folder of meshes"

const cells, numbers = Side / Patch * Side / Patch, Patch * Patch * 3

func main() {
	gpu.AllowEnvironment()
	commands := map[string]func([]string) error{"shards": shards, "codes": codes, "scales": scales, "pictures": pictures, "train": learn, "draw": drawPictures}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: pixels shards|codes|scales|pictures|train|draw [flags]; -h after a name shows its flags")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "pixels:", err)
		os.Exit(1)
	}
}

// shards writes a sample of every picture, or of every clip of some frames.
func shards(args []string) error {
	f := flag.NewFlagSet("shards", flag.ContinueOnError)
	from, out := f.String("from", "", fromHelp), f.String("out", "", "shard `FILE`")
	every, times := f.Int("every", 8, "take a frame of so many"), f.Int("frames", 1, "frames of a sample")
	if err := f.Parse(args); err != nil {
		return err
	}
	w, err := shard.Create(*out)
	if err != nil {
		return err
	}
	var s shard.Sample
	err = frames(*from, *every, Side, func(name string, p *picture.Picture) error {
		if clip, _, _ := strings.Cut(name, "-"); !strings.HasPrefix(s.ID, clip) || len(s.Tokens) == *times*cells*numbers {
			s = shard.Sample{ID: name, Kind: shard.KindKL, Grid: []int32{Side / Patch, Side / Patch, numbers}, Source: *from}
			if *times > 1 {
				s.Kind, s.Grid = shard.KindVAE3D, append([]int32{int32(*times)}, s.Grid...)
			}
		}
		for token := range cells {
			for _, x := range patch(p, token) {
				s.Tokens = append(s.Tokens, int64(math.Float32bits(x)))
			}
		}
		if len(s.Tokens) < *times*cells*numbers {
			return nil
		}
		return w.Write(s)
	})
	return errors.Join(err, w.Close())
}

// patch returns the numbers of a picture's token.
func patch(p *picture.Picture, token int) (out []float32) {
	for i := range numbers {
		out = append(out, (float32(p.Pix[at(token*numbers+i)])/255-0.5)*Gain)
	}
	return out
}

// at is the byte of a picture that number i of its tokens is.
func at(i int) int {
	token, n := i/numbers, i%numbers
	y, x := token/(Side/Patch)*Patch+n/3/Patch, token%(Side/Patch)*Patch+n/3%Patch
	return (y*Side+x)*3 + n%3
}

// pictures writes every picture as a PNG.
func pictures(args []string) error {
	f := flag.NewFlagSet("pictures", flag.ContinueOnError)
	from, out := f.String("from", "", fromHelp), f.String("out", "", "folder `DIR`")
	every, side := f.Int("every", 8, "take a frame of so many"), f.Int("side", 24, "pixels of a side")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	return frames(*from, *every, *side, func(name string, p *picture.Picture) error { return writePNG(filepath.Join(*out, name+".png"), p) })
}

func writePNG(path string, p *picture.Picture) error {
	w, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(picture.EncodePNG(w, p), w.Close())
}

// learn trains as morton train --system does, without the rest of the command.
func learn(args []string) error {
	f := flag.NewFlagSet("train", flag.ContinueOnError)
	var o models.TrainOptions
	f.StringVar(&o.System, "system", "", "`NAME` of the system")
	f.StringVar(&o.Out, "out", "", "model folder `DIR`")
	f.StringVar(&o.Tokenizer, "tokenizer", "", "tokenizer `DIR`")
	config, train, held := f.String("config", "", "config.json `FILE`"), f.String("tokens", "", "shard `FILE`"), f.String("heldout", "", "shard `FILE`")
	f.IntVar(&o.Run.Steps, "steps", 1000, "steps")
	f.IntVar(&o.Batch, "batch", 32, "samples a step")
	f.Float64Var(&o.Run.Rate, "rate", 2e-3, "peak learning rate")
	if err := f.Parse(args); err != nil {
		return err
	}
	var err error
	if o.Published, err = os.ReadFile(*config); err != nil {
		return err
	}
	dev, err := gpu.Open(gpu.Options{Widest: true})
	if err != nil {
		return err
	}
	defer dev.Close()
	fmt.Println(dev.Info().Name)
	o.Shards, o.Heldout, o.Run.Progress, o.Run.Seed = []string{*train}, []string{*held}, os.Stdout, 1
	_, err = models.Train(context.Background(), dev, o)
	return err
}

// read returns the tokens of up to n samples, spread over all.
func read(path string, n int) (out [][]int64, err error) {
	all, err := shard.ReadAll(path, shard.Limits{})
	if err != nil {
		return nil, err
	}
	for i := range min(n, len(all)) {
		out = append(out, all[i*len(all)/min(n, len(all))].Tokens)
	}
	return out, nil
}

// drawAll draws n samples. The draft has its own rows, of one set at a time.
func drawAll(e *engine.Engine, s, draft *system.System, q system.Prompt, n int, temperature float32) ([]engine.Result, error) {
	out, errs := make([]engine.Result, n), make([]error, n)
	alone := q
	alone.Ahead = 0
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			out[i], errs[i] = e.Generate(context.Background(), engine.Request{
				ID: fmt.Sprint(i), Seed: 1, Temperature: temperature, TopP: 1, End: -1, Schedule: func() (system.Schedule, error) { return s.Schedule(q) },
				Drafts: func() (system.Schedule, error) { return draft.Schedule(alone) },
			})
		})
	}
	wait.Wait()
	return out, errors.Join(errs...)
}

// distance is the energy distance of two sets of pictures, which is 0 where they are
// distributed alike.
func distance(a, b [][]float32) float64 {
	mean := func(a, b [][]float32, same bool) float64 {
		sum, n := 0.0, 0
		for i, x := range a {
			for j, y := range b {
				if same && i == j {
					continue
				}
				s := 0.0
				for k := range x {
					d := float64(x[k] - y[k])
					s += d * d
				}
				sum, n = sum+math.Sqrt(s), n+1
			}
		}
		return sum / float64(n)
	}
	return 2*mean(a, b, false) - mean(a, a, true) - mean(b, b, true)
}

// contact puts 32 pictures side by side, each pixel 4 by 4 times.
func contact(all [][]float32) *picture.Picture {
	const cols, rows, zoom, each = 8, 4, 4, Side*4 + 4
	p := &picture.Picture{H: rows * each, W: cols * each, Pix: make([]uint8, rows*each*cols*each*3)}
	for i, x := range all[:min(len(all), cols*rows)] {
		for n, v := range x {
			byteAt := at(n)
			y, u, c := byteAt/3/Side, byteAt/3%Side, byteAt%3
			value := uint8(min(max(math.Round((float64(v)/Gain+0.5)*255), 0), 255))
			for dy := range zoom {
				for dx := range zoom {
					p.Pix[((i/cols*each+y*zoom+dy)*p.W+i%cols*each+u*zoom+dx)*3+c] = value
				}
			}
		}
	}
	return p
}
