package main

import (
	"context"
	"flag"
	"fmt"
	"slices"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/transformer"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms/request"
)

// familyWords are the kinds that generate and tokenize take.
func familyWords() []string {
	var words []string
	for _, f := range request.Families {
		if f.HasModel() {
			words = append(words, string(f))
		}
	}
	return words
}

// generateFlags are the flags of generate beyond the common ones.
type generateFlags struct {
	*options

	base        request.Request
	count       int
	precision   string
	temperature float64
	topK        int
	topP        float64
	cube        int // frames of a video model's cube; 0 for other kinds
}

func newGenerateFlags(kind request.Family) *generateFlags {
	g := &generateFlags{options: newOptions("generate"), base: request.Request{Family: kind}}
	f := g.flags
	f.Var(&g.manifest, "manifest", "")
	f.Uint64Var(&g.base.Seed, "seed", 1, "")
	f.StringVar(&g.precision, "precision", "", "")
	f.Float64Var(&g.temperature, "temperature", request.Plain.Temperature, "")
	f.IntVar(&g.topK, "top-k", request.Plain.TopK, "")
	f.Float64Var(&g.topP, "top-p", request.Plain.TopP, "")
	switch kind {
	case request.Video:
		f.IntVar(&g.base.Prefix, "prefix", 16, "")
		f.IntVar(&g.base.Frames, "frames", 48, "")
		f.addReading(&g.base)
	case request.Shape:
		addMeshFlags(f, &g.limits, &g.base.Scene)
		f.IntVar(&g.base.PrefixDepth, "prefix-depth", 0, "")
		f.IntVar(&g.base.Depth, "depth", 0, "")
		f.IntVar(&g.count, "count", 1, "")
	case request.Quads:
		addMeshFlags(f, &g.limits, &g.base.Scene)
		f.IntVar(&g.base.Faces, "faces", 0, "") // 0 is what the model was trained for
	}
	return g
}

func runGenerate(ctx context.Context, t terminal, args []string) error {
	begun := begin()
	kind, rest, err := choice("generate", args, familyWords())
	if err != nil {
		return err
	}
	if wantsHelp(kind) {
		return flag.ErrHelp
	}
	g := newGenerateFlags(request.Family(kind))
	if err := g.parse(rest); err != nil {
		return err
	}
	requests, err := g.all(t)
	if err != nil {
		return err
	}
	j := g.job(request.Family(kind), requests, begun)
	j.Settings.Spec.Precision = transformer.Precision(g.precision)
	noteFaces(t.err, g.model, requests)
	return execute(ctx, t, g.options, j, pipelines.Generate)
}

// checkLine refuses in a line of a manifest what all refuses in flags.
func (g *generateFlags) checkLine(r *request.Request) error {
	if err := r.CheckGenerate(); err != nil {
		return err
	}
	if r.Prefix < g.cube {
		return fmt.Errorf("prefix %d: at least %d, one cube of the model", r.Prefix, g.cube)
	}
	return nil
}

// addReading adds the flags that say how a clip is read.
func (f *flagSet) addReading(r *request.Request) {
	f.TextVar(&r.Start, "start", request.Time(0), "")
	f.TextVar(&r.Fit, "fit", request.Crop, "")
}

// framesPerCube is that of a video model's folder, or 0 if the folder cannot be read: then
// opening the model tells.
func framesPerCube(dir string) int {
	c, err := models.ReadConfig(dir, shard.KindCube)
	if err != nil {
		return 0
	}
	return c.Cube.FramesPerCube()
}

// all makes the requests: of inputs, or for shapes from nothing.
func (g *generateFlags) all(t terminal) ([]request.Request, error) {
	if g.base.Family == request.Video && (g.base.Frames < 1 || g.base.Prefix < 1) {
		return nil, g.usagef("--prefix and --frames are at least 1")
	}
	if g.base.Family == request.Video {
		g.cube = framesPerCube(g.model)
	}
	if g.base.Prefix < g.cube {
		return nil, g.usagef("--prefix is at least %d, one cube of the model", g.cube)
	}
	if p := transformer.Precision(g.precision); p != "" && !slices.Contains(transformer.Precisions, p) {
		return nil, g.usagef("--precision is one of %v", transformer.Precisions)
	}
	if g.base.Family == request.Quads && g.flags.given("faces") && g.base.Faces < 1 {
		return nil, g.usagef("--faces is at least 1")
	}
	if g.flags.given("temperature") || g.flags.given("top-k") || g.flags.given("top-p") {
		g.base.Sampling = &request.Sampling{Temperature: g.temperature, TopK: g.topK, TopP: g.topP}
	}
	switch {
	case len(g.input) > 0 || g.manifest != "":
		if g.flags.given("count") {
			return nil, g.usagef("--count is for shapes from nothing, without --input")
		}
		if g.manifest != "" {
			return g.fromManifest(t, g.base, g.checkLine)
		}
		return g.fromPatterns(t, g.base)
	case g.base.Family == request.Shape:
		if g.count < 1 || g.count > request.MaxRequests {
			return nil, g.usagef("--count is 1 to %d", request.MaxRequests)
		}
		if g.base.PrefixDepth > 0 {
			return nil, g.usagef("--prefix-depth needs an --input")
		}
		requests, err := request.FromNothing(g.count, g.base)
		if err != nil {
			return nil, g.usagef("%s", plain(err))
		}
		return requests, nil
	}
	return nil, g.usagef("--input or --manifest says what to start from")
}
