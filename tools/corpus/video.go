package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/tools/corpus/motion"
	"github.com/morton-gen/morton/tools/corpus/pack"
	"github.com/morton-gen/morton/tools/corpus/worlds"
)

// videoCorpus is what the flags of "corpus video" say.
type videoCorpus struct {
	out, sources   string
	train, heldOut int // clips
	shape          motion.Shape
	seed           uint64
	worlds         float64 // share of the clips
	sheets         bool
}

// makeVideo writes clips of moving windows and of small worlds as one tensor for each
// side: clips.safetensors holds "clips", U8 [n, t, h, w, 3], and clips.tsv says where
// each came from.
func makeVideo(ctx context.Context, args []string, out io.Writer) error {
	var v videoCorpus
	flags := flag.NewFlagSet("corpus video", flag.ContinueOnError)
	flags.StringVar(&v.out, "out", "corpus/video", "`folder` to write to")
	flags.StringVar(&v.sources, "sources", "corpus/sources.zip", "`file` that tools/sources wrote")
	flags.IntVar(&v.train, "clips", 4000, "clips to train on")
	flags.IntVar(&v.heldOut, "held-out", 120, "clips held out")
	flags.IntVar(&v.shape.Frames, "frames", 32, "frames a clip")
	flags.IntVar(&v.shape.Size, "size", 64, "rows and columns")
	flags.Float64Var(&v.worlds, "worlds", 0.5, "share of clips that show small worlds")
	flags.Uint64Var(&v.seed, "seed", 1, "seed of all motion")
	flags.BoolVar(&v.sheets, "sheets", false, "write a PNG of the first clips too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if v.shape.Frames < 1 || v.shape.Size < 8 || v.train < 1 || v.heldOut < 1 || !(v.worlds >= 0 && v.worlds < 1) {
		return fmt.Errorf("%w: clips of %d frames and %d pixels, %d and %d of them, %g of worlds", flag.ErrHelp, v.shape.Frames, v.shape.Size, v.train, v.heldOut, v.worlds)
	}
	return v.make(ctx, out)
}

func (v *videoCorpus) make(ctx context.Context, out io.Writer) error {
	if err := prepare(v.out); err != nil {
		return err
	}
	sources, err := pack.Read(v.sources)
	if err != nil {
		return err
	}
	for _, side := range []struct {
		heldOut bool
		clips   int
	}{{false, v.train}, {true, v.heldOut}} {
		if err := v.side(ctx, out, side.heldOut, v.kinds(sources, side.heldOut), side.clips); err != nil {
			return err
		}
	}
	return nil
}

// kind is a kind of clip: windows over a source, or a world.
type kind struct {
	name, licence, credit string
	weight                float64
	// draw draws a clip, and says how for the table.
	draw func(seed uint64) (*clip.Clip, string)
}

// kinds lists the kinds of one side, whose worlds take their textures from the side's
// own sources.
func (v *videoCorpus) kinds(sources []pack.Source, heldOut bool) (list []kind) {
	var pictures []*clip.Clip
	total, count := 0.0, 0
	for _, s := range sources {
		if s.HeldOut == heldOut {
			pictures = append(pictures, s.Clip)
			total += s.Weight
		}
	}
	for _, w := range worlds.All() {
		if w.HeldOut == heldOut {
			count++
		}
	}
	for _, s := range sources {
		if s.HeldOut == heldOut {
			list = append(list, kind{s.Name, s.Licence, s.Credit, s.Weight / total * (1 - v.worlds), func(seed uint64) (*clip.Clip, string) {
				p := motion.Plan(v.shape, s.Clip, seed)
				return motion.Render(s.Clip, p), pathText(p)
			}})
		}
	}
	for _, w := range worlds.All() {
		if w.HeldOut == heldOut {
			list = append(list, kind{"world " + w.Name, "Apache-2.0", "Morton", v.worlds / float64(count), func(seed uint64) (*clip.Clip, string) {
				return worlds.Draw(w, worlds.Shape(v.shape), pictures, seed), ""
			}})
		}
	}
	return list
}

// side makes one side's files. A clip's motion follows from the seed, the side and the
// clip's number.
func (v *videoCorpus) side(ctx context.Context, out io.Writer, heldOut bool, kinds []kind, n int) error {
	folder, size := splitFolder(heldOut), v.shape.Frames*v.shape.Size*v.shape.Size*3
	data, rows, shown := make([]byte, n*size), make([]string, n), make([]*clip.Clip, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	i := 0
	for k, count := range shares(kinds, n) {
		for range count {
			at := i
			i++
			g.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				seed := v.seed<<32 + uint64(at)
				if heldOut {
					seed |= 1 << 63
				}
				c, how := kinds[k].draw(seed)
				copy(data[at*size:], c.Pix)
				rows[at] = fmt.Sprintf("%d\t%s\t%s\t%s\t%d\t%s\n", at, kinds[k].name, kinds[k].licence, kinds[k].credit, seed, how)
				if at%max(n/sheetClips, 1) == 0 {
					shown[at] = c
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%-8s %5d clips of %d kinds, %d x %d x %d\n", folder, n, len(kinds), v.shape.Frames, v.shape.Size, v.shape.Size)
	shown = slices.DeleteFunc(shown, func(c *clip.Clip) bool { return c == nil })
	return v.write(folder, data, n, "clip\tsource\tlicence\tcredit\tseed\tpath\n"+strings.Join(rows, ""), shown)
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

// pathText says where a window goes: first frame and step, and place, side and angle of
// the window at both ends.
func pathText(p motion.Path) string {
	text := fmt.Sprintf("frames %d %.3g mirror %t ease %t", p.First, p.Step, p.Mirror, p.Ease)
	for _, w := range []motion.Window{p.From, p.To} {
		text += fmt.Sprintf(" window %.2f %.2f %.2f %.4f", w.X, w.Y, w.Side, w.Angle)
	}
	return text
}

// shares divides n clips among the sources by weight; what rounding leaves
// falls to the sources whose running total passes a whole number.
func shares(sources []kind, n int) []int {
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
