package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
)

// makeTokens codes the clips of one side of the video corpus, which are a tensor
// and no files that "morton tokenize" could read, into one shard.
func makeTokens(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("corpus tokens", flag.ContinueOnError)
	clips := flags.String("clips", "", "`file` that corpus video wrote")
	tokenizer := flags.String("tokenizer", "", "`folder` of a trained tokenizer; the shipped one if empty")
	path := flags.String("out", "", "shard to write")
	device := flags.String("device", "auto", "Vulkan device")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *clips == "" || *path == "" {
		return fmt.Errorf("%w: --clips and --out are needed", flag.ErrHelp)
	}
	f, err := safetensors.Open(*clips)
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := f.Tensor("clips")
	if err != nil {
		return err
	}
	if t.DType != safetensors.U8 || len(t.Shape) != 5 || t.Shape[4] != 3 {
		return fmt.Errorf("%s: clips are %v %v, want u8 [n, t, h, w, 3]", *clips, t.DType, t.Shape)
	}
	dev, err := gpu.Open(gpu.Options{Device: *device})
	if err != nil {
		return err
	}
	defer dev.Close()
	return writeTokens(ctx, dev, *tokenizer, t, *path, out)
}

func writeTokens(ctx context.Context, dev *gpu.Device, tokenizer string, t safetensors.Tensor, path string, out io.Writer) error {
	coder, cfg, err := models.OpenTokenizer(dev, tokenizer)
	if err != nil {
		return err
	}
	defer coder.Close()
	w, err := shard.Create(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	size := t.Shape[1] * t.Shape[2] * t.Shape[3] * 3
	samples := make([]shard.Sample, t.Shape[0])
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range samples {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			c := &clip.Clip{
				T: t.Shape[1], H: t.Shape[2], W: t.Shape[3], Rate: clip.Rate{Num: cfg.Rate[0], Den: cfg.Rate[1]}, Pix: t.Data[i*size : (i+1)*size],
			}
			samples[i], _, err = coder.Encode(fmt.Sprintf("clip%05d", i), system.Media{Clip: c}, system.Extent{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, s := range samples {
		if err := w.Write(s); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%s: %d clips\n", path, t.Shape[0])
	return w.Close()
}
