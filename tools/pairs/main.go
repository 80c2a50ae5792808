// Command pairs makes pairs of meshes, of which one is better, to train on preferences with.
// A model draws several candidates of each mesh file. A candidate is better than another if its
// edge loops are longer and its share of open edges is smaller.
//
//	go run ./tools/pairs --model model/ --input 'meshes/*.obj' --candidates 8 --out pairs.parquet
//	morton train --system quadgpt --config model/config.json --from model/ --prefer 0.1 --tokens pairs.parquet …
//
// Source: scores by two measures, of which both decide, QuadGPT, 2025, arXiv:2509.21420. Its
// second measure is not published; the share of open edges is that of Mesh-RFT, 2025,
// arXiv:2505.16761.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
)

func main() {
	gpu.AllowEnvironment()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "pairs:", err)
		os.Exit(1)
	}
}

var errFlags = errors.New("bad flags")

// options are the flags.
type options struct {
	model, input, out string
	candidates, faces int
	seed              uint64
}

// run draws candidates and writes the pairs.
func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	f := flag.NewFlagSet("pairs", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.model, "model", "", "`folder` of the model that draws")
	f.StringVar(&o.input, "input", "", "mesh files that match `PATTERN`")
	f.IntVar(&o.candidates, "candidates", 8, "meshes that are drawn of each file")
	f.IntVar(&o.faces, "faces", 0, "faces of a mesh at most; 0 is the model's own number")
	f.Uint64Var(&o.seed, "seed", 1, "decides the candidates")
	f.StringVar(&o.out, "out", "", "`file` for the pairs, a shard in which each better sample stands before a worse one")
	if err := f.Parse(args); err != nil {
		return err
	}
	files, err := filepath.Glob(o.input)
	if err != nil || len(files) == 0 || o.model == "" || o.out == "" || o.candidates < 2 || o.faces < 0 {
		return fmt.Errorf("%w: --model, --out, --input that matches files, and at least 2 --candidates are needed", errFlags)
	}
	dev, err := gpu.Open(gpu.Options{})
	if err != nil {
		return err
	}
	defer dev.Close()
	m, err := models.Open(dev, system.Quads, o.model, models.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	return o.write(ctx, m, files, out)
}

// write writes the pairs of all files, in their order.
func (o *options) write(ctx context.Context, m *models.Model, files []string, out io.Writer) error {
	w, err := shard.Create(o.out)
	if err != nil {
		return err
	}
	pairs := 0
	for _, path := range files {
		all, err := o.draw(ctx, m, path)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", path, err), w.Close())
		}
		for _, p := range preferred(all) {
			id := fmt.Sprintf("%s-%d", filepath.Base(path), pairs)
			for i, c := range p {
				s := c.sample
				s.ID, s.Meta = fmt.Sprintf("%s-%s", id, [...]string{"better", "worse"}[i]), nil
				if err := w.Write(s); err != nil {
					return errors.Join(err, w.Close())
				}
			}
			pairs++
		}
	}
	fmt.Fprintf(out, "%d pairs of %d files\n", pairs, len(files))
	return w.Close()
}

// candidate is a drawn mesh with its scores.
type candidate struct {
	sample      shard.Sample
	loops, open float64 // edges of an edge loop, and the share of edges with one face
}

// draw draws the candidates of a file at once. A mesh without a face is none.
func (o *options) draw(ctx context.Context, m *models.Model, path string) ([]candidate, error) {
	source, _, err := meshfile.Read(path, meshfile.Options{})
	if err != nil {
		return nil, err
	}
	all := make([]*candidate, o.candidates)
	var g errgroup.Group
	for i := range all {
		g.Go(func() error {
			r, err := m.Generate(ctx, models.Request{
				ID: fmt.Sprintf("%s-%d", filepath.Base(path), i), Seed: o.seed, Source: system.Media{Mesh: source}, Extent: system.Extent{Faces: o.faces},
			})
			if errors.Is(err, mesh.ErrEmpty) {
				return nil
			}
			if err != nil {
				return err
			}
			measured, err := mesh.Measure(r.Media.Mesh)
			all[i] = &candidate{r.Sample, measured.EdgeLoopLength, measured.BoundaryEdgeRatio}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []candidate
	for _, c := range all {
		if c != nil {
			out = append(out, *c)
		}
	}
	return out, nil
}

// preferred returns the pairs of candidates of which the first is better by both scores.
func preferred(all []candidate) (out [][2]candidate) {
	for _, a := range all {
		for _, b := range all {
			if a.loops > b.loops && a.open < b.open {
				out = append(out, [2]candidate{a, b})
			}
		}
	}
	return out
}
