package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/tools/corpus/motion"
)

// videoCorpus is what the flags of "corpus video" say.
type videoCorpus struct {
	out, root, furniture string
	train, heldOut       int // clips
	shape                motion.Shape
	seed                 uint64
	sheets               bool
}

// makeVideo writes clips of moving windows as one tensor for each side:
// clips.safetensors holds "clips", U8 [n, t, h, w, 3], and clips.tsv says where
// each came from.
func makeVideo(ctx context.Context, args []string, out io.Writer) error {
	var v videoCorpus
	flags := flag.NewFlagSet("corpus video", flag.ContinueOnError)
	flags.StringVar(&v.out, "out", "corpus/video", "`folder` to write to")
	flags.StringVar(&v.root, "root", "/", "`folder` that the Debian packages are unpacked in")
	flags.StringVar(&v.furniture, "furniture", "", "`folder` of the .sh3f libraries (default: the packages' place under root)")
	flags.IntVar(&v.train, "clips", 1500, "clips to train on")
	flags.IntVar(&v.heldOut, "held-out", 100, "clips held out")
	flags.IntVar(&v.shape.Frames, "frames", 16, "frames a clip")
	flags.IntVar(&v.shape.Size, "size", 64, "rows and columns")
	flags.Uint64Var(&v.seed, "seed", 1, "seed of all motion")
	flags.BoolVar(&v.sheets, "sheets", false, "write a PNG of the first clips too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if v.furniture == "" {
		v.furniture = filepath.Join(v.root, furnitureFolder)
	}
	if v.shape.Frames < 1 || v.shape.Size < 8 || v.train < 1 || v.heldOut < 1 {
		return fmt.Errorf("%w: clips of %d frames and %d pixels, %d and %d of them", flag.ErrHelp, v.shape.Frames, v.shape.Size, v.train, v.heldOut)
	}
	return v.make(ctx, out)
}

func (v *videoCorpus) make(ctx context.Context, out io.Writer) error {
	if err := prepare(v.out); err != nil {
		return err
	}
	sources, err := loadSources(ctx, v.root, v.furniture, v.shape.Size)
	if err != nil {
		return err
	}
	for _, side := range []struct {
		heldOut bool
		clips   int
	}{{false, v.train}, {true, v.heldOut}} {
		var list []source
		for _, s := range sources {
			if s.heldOut == side.heldOut {
				list = append(list, s)
			}
		}
		if err := v.side(ctx, out, splitFolder(side.heldOut), list, side.clips); err != nil {
			return err
		}
	}
	return nil
}

// side makes one side's files. A clip's motion follows from the seed, the
// folder's name and the clip's number.
func (v *videoCorpus) side(ctx context.Context, out io.Writer, folder string, sources []source, n int) error {
	size := v.shape.Frames * v.shape.Size * v.shape.Size * 3
	data := make([]byte, 0, n*size)
	var table strings.Builder
	table.WriteString("clip\tsource\tlicence\tcredit\tseed\tfirst\tstep\tmirror\tease\tx0\ty0\tside0\tangle0\tx1\ty1\tside1\tangle1\n")
	var shown []*clip.Clip
	counts := shares(sources, n)
	i := 0
	for s, count := range counts {
		for range count {
			if err := ctx.Err(); err != nil {
				return err
			}
			seed := v.seed<<32 + uint64(i)
			if folder == heldOutFolder {
				seed |= 1 << 63
			}
			p := motion.Plan(v.shape, sources[s].clip, seed)
			c := motion.Render(sources[s].clip, p)
			data = append(data, c.Pix...)
			writeRow(&table, i, &sources[s], seed, p)
			if i%max(n/sheetClips, 1) == 0 {
				shown = append(shown, c)
			}
			i++
		}
		if sources[s].clip.T > 1 {
			fmt.Fprintf(out, "%-8s %5d clips of %s (%d frames, %d x %d)\n", folder, count, sources[s].name, sources[s].clip.T, sources[s].clip.W, sources[s].clip.H)
		}
	}
	fmt.Fprintf(out, "%-8s %5d clips of %d sources, %d x %d x %d\n", folder, i, len(sources), v.shape.Frames, v.shape.Size, v.shape.Size)
	return v.write(folder, data, i, table.String(), shown)
}

// sheetClips is how many clips a contact sheet shows.
const sheetClips = 24

func (v *videoCorpus) write(folder string, data []byte, n int, table string, shown []*clip.Clip) error {
	at := filepath.Join(v.out, folder)
	tensor := safetensors.NamedTensor{Name: "clips", Tensor: safetensors.Tensor{
		DType: safetensors.U8, Shape: []int{n, v.shape.Frames, v.shape.Size, v.shape.Size, 3}, Data: data,
	}}
	if err := safetensors.Write(filepath.Join(at, "clips.safetensors"), []safetensors.NamedTensor{tensor}, nil); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(at, "clips.tsv"), []byte(table), 0o644); err != nil {
		return err
	}
	if !v.sheets {
		return nil
	}
	return clip.WritePNG(filepath.Join(at, "sheet.png"), v.shape.Frames, shown...)
}

func writeRow(b *strings.Builder, i int, s *source, seed uint64, p motion.Path) {
	fmt.Fprintf(b, "%d\t%s\t%s\t%s\t%d\t%d\t%.3g\t%t\t%t", i, s.name, s.licence, s.credit, seed, p.First, p.Step, p.Mirror, p.Ease)
	for _, w := range []motion.Window{p.From, p.To} {
		fmt.Fprintf(b, "\t%.2f\t%.2f\t%.2f\t%.4f", w.X, w.Y, w.Side, w.Angle)
	}
	b.WriteByte('\n')
}

// shares divides n clips among the sources by weight; what rounding leaves
// falls to the sources whose running total passes a whole number.
func shares(sources []source, n int) []int {
	total := 0.0
	for _, s := range sources {
		total += s.weight
	}
	counts := make([]int, len(sources))
	sum, given := 0.0, 0
	for i, s := range sources {
		sum += s.weight
		upTo := int(sum/total*float64(n) + 0.5)
		counts[i] = upTo - given
		given = upTo
	}
	return counts
}
