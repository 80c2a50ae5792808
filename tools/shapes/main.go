package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/models/tokenizer/octree"
	frame "github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/surface"
	"github.com/morton-gen/morton/tools/corpus/parametric"
)

func main() {
	gpu.AllowEnvironment()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := fmt.Errorf("%w: shapes draw, train, bits or picture; -h shows its flags", errFlags)
	if len(os.Args) > 1 && os.Args[1] == "draw" {
		err = draw(ctx, os.Args[2:], os.Stdout)
	}
	if len(os.Args) > 1 && os.Args[1] == "train" {
		err = trainModel(ctx, os.Args[2:], os.Stdout)
	}
	if len(os.Args) > 1 && os.Args[1] == "bits" {
		err = measureBits(ctx, os.Args[2:], os.Stdout)
	}
	if len(os.Args) > 1 && os.Args[1] == "picture" {
		err = picture(os.Args[2:], os.Stdout)
	}
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "shapes:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	kind, side, from, out string
	count, copies         int
	seed                  uint64
	levels, points        int
	depth, deepest        int
	deeper                float64 // share
	upright               bool
	maxFaces, maxTokens   int
}

// draw writes shards of samples.
func draw(ctx context.Context, args []string, out io.Writer) error {
	var o options
	f := flag.NewFlagSet("shapes draw", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.kind, "kind", system.Quads, "quads or shape; mesh writes OBJ files instead of shards")
	f.StringVar(&o.side, "side", "train", "train or heldout: families of parametric shapes")
	f.IntVar(&o.count, "count", 1000, "parametric shapes")
	f.StringVar(&o.from, "from", "", "`folder` of mesh files to add")
	f.IntVar(&o.copies, "copies", 1, "copies of a file: the first as it is, others turned, mirrored and stretched")
	f.Uint64Var(&o.seed, "seed", 1, "decides the shapes")
	f.IntVar(&o.levels, "levels", 128, "quads: levels of a coordinate")
	f.IntVar(&o.points, "points", 256, "quads: points of the condition")
	f.IntVar(&o.depth, "depth", 5, "shape: depth of the octrees, at least")
	f.IntVar(&o.deepest, "deepest", 6, "shape: depth at most")
	f.Float64Var(&o.deeper, "deeper", 0.25, "shape: share of the shapes that are a level deeper, of them that are two, and so on")
	f.BoolVar(&o.upright, "upright", false, "shapes stand with y up, and have the number of their family, counted from 1, as their class")
	f.IntVar(&o.maxFaces, "max-faces", 800, "most faces of a mesh file")
	f.IntVar(&o.maxTokens, "max-tokens", 1<<16, "most tokens of a sample")
	f.StringVar(&o.out, "out", "", "`folder` for the shards")
	if err := f.Parse(args); err != nil {
		return err
	}
	d, err := o.drawing()
	if err != nil {
		return err
	}
	return d.write(ctx, out)
}

// drawing is a list of samples to make.
type drawing struct {
	options
	side  parametric.Side
	quads faces.Tokenizer
	files []string
}

var errFlags = errors.New("bad flags")

func (o options) drawing() (*drawing, error) {
	d := &drawing{options: o}
	switch o.side {
	case "train":
		d.side = parametric.Train
	case "heldout":
		d.side = parametric.HeldOut
	default:
		return nil, fmt.Errorf("%w: --side is train or heldout", errFlags)
	}
	switch o.kind {
	case system.Quads:
		d.quads = faces.Tokenizer{Config: faces.Config{Levels: o.levels, Points: o.points}, Length: o.maxTokens}
	case system.Shape, meshKind:
	default:
		return nil, fmt.Errorf("%w: --kind is quads, shape or mesh", errFlags)
	}
	if o.out == "" || o.count < 0 || o.copies < 1 || o.depth < 1 || o.deepest < o.depth {
		return nil, fmt.Errorf("%w: --out is needed, --count, --copies and --depth at least 0, 1 and 1, --deepest at least --depth", errFlags)
	}
	if o.from == "" {
		return d, nil
	}
	list, err := os.ReadDir(o.from)
	for _, e := range list {
		d.files = append(d.files, e.Name())
	}
	slices.Sort(d.files)
	return d, err
}

// meshKind is the kind of files that have no tokens.
const meshKind = "mesh"

// writeMeshes writes every mesh to a file of its own.
func (d *drawing) writeMeshes(ctx context.Context, out io.Writer) error {
	n, kept := d.count+len(d.files)*d.copies, 0
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		id, m, err := d.mesh(i, rand.New(rand.NewPCG(d.seed, uint64(i))))
		if err != nil {
			continue // as a sample that cannot be made
		}
		if err := obj.WriteFile(filepath.Join(d.out, id+".obj"), m); err != nil {
			return err
		}
		kept++
	}
	_, err := fmt.Fprintf(out, "%s: %d meshes of %d\n", d.out, kept, n)
	return err
}

// samplesPerShard keeps shards of a size that readers open at once.
const samplesPerShard = 2048

// write makes all samples, as many at once as there are processors, and writes them in
// order.
func (d *drawing) write(ctx context.Context, out io.Writer) error {
	if err := os.MkdirAll(d.out, 0o755); err != nil {
		return err
	}
	if d.kind == meshKind {
		return d.writeMeshes(ctx, out)
	}
	n := d.count + len(d.files)*d.copies
	tokens, kept := 0, 0
	for from := 0; from < n; from += samplesPerShard {
		if err := ctx.Err(); err != nil {
			return err
		}
		made := d.samples(from, min(from+samplesPerShard, n))
		w, err := shard.Create(filepath.Join(d.out, fmt.Sprintf("part-%05d.parquet", from/samplesPerShard)))
		if err != nil {
			return err
		}
		for _, s := range made {
			if len(s.Tokens) == 0 {
				continue
			}
			if err := w.Write(s); err != nil {
				return errors.Join(err, w.Abort())
			}
			kept, tokens = kept+1, tokens+len(s.Tokens)
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%s: %d samples of %d, %d tokens\n", d.out, kept, n, tokens)
	return err
}

// samples makes samples from to to. One that cannot be made is left without tokens.
func (d *drawing) samples(from, to int) []shard.Sample {
	made := make([]shard.Sample, to-from)
	next := make(chan int)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := range next {
				if s, err := d.sample(from + i); err == nil && len(s.Tokens) <= d.maxTokens {
					made[i] = s
				}
			}
		})
	}
	for i := range made {
		next <- i
	}
	close(next)
	wait.Wait()
	return made
}

// sample makes sample i: a parametric shape, or a copy of a file.
func (d *drawing) sample(i int) (shard.Sample, error) {
	r := rand.New(rand.NewPCG(d.seed, uint64(i)))
	id, m, err := d.mesh(i, r)
	if err != nil {
		return shard.Sample{}, err
	}
	if d.kind == system.Quads {
		s, _, err := d.quads.Encode(id, system.Media{Mesh: m}, system.Extent{})
		return s, err
	}
	depth := d.depth
	for depth < d.deepest && r.Float64() < d.deeper {
		depth++
	}
	s, _, err := octree.Tokenize(id, frame.Fit(m, surface.FitExtent).Mesh(m), depth, system.Extent{})
	if family, _, _ := strings.Cut(id, "-"); d.upright && i < d.count {
		s.Grid = append(s.Grid, int32(max(slices.Index(classes(), family), 0)))
	}
	return s, err
}

// classes are any shape, and the families that are trained on.
func classes() []string { return append([]string{"any"}, parametric.Families(parametric.Train)...) }

func (d *drawing) mesh(i int, r *rand.Rand) (id string, m *mesh.Mesh, err error) {
	if i < d.count {
		s, err := parametric.Draw(d.side, d.seed, uint64(i), d.upright)
		return fmt.Sprintf("%s-%06d", s.Family, i), s.Mesh, err
	}
	file, copied := (i-d.count)/d.copies, (i-d.count)%d.copies
	m, _, err = meshfile.Read(filepath.Join(d.from, d.files[file]), meshfile.Options{})
	if err != nil {
		return "", nil, err
	}
	if m.NumFaces() > d.maxFaces {
		return "", nil, fmt.Errorf("%w: %d faces", errFlags, m.NumFaces())
	}
	switch {
	case copied > 0 && d.upright:
		m = parametric.Upright(m, r)
	case copied > 0:
		m = parametric.Placed(m, r)
	}
	return fmt.Sprintf("%s-%d", d.files[file], copied), m, nil
}
