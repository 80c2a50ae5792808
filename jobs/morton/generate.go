package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

type generateFlags struct {
	*options

	seed      uint64
	precision string
	draft     string
	ahead     int
	relax     []float64 // nearest tokens and delta, or a temperature
	count     int
	sampling  request.Sampling
	search    request.Search
}

func newGenerateFlags() *generateFlags {
	g := &generateFlags{options: newOptions(report.Generate, patternUsage)}
	f := g.flags
	f.Uint64Var(&g.seed, "seed", 1, "with the request's id, decides what is sampled")
	f.IntVar(&g.count, "count", 1, "`N` results: of each input, named ID-1 to ID-N and sampled apart, or from nothing")
	g.addModel()
	g.addTokens()
	f.StringVar(&g.precision, "precision", "", "keep the model's matrices in `NAME`: f32, f16 (default), bf16, int8 or int4; the tokens depend on it")
	f.Float64Var(&g.sampling.Temperature, "temperature", request.Plain.Temperature, "sampling temperature, instead of the model's own; 0 takes the likeliest token")
	f.IntVar(&g.sampling.TopK, "top-k", request.Plain.TopK, "sample from the `N` likeliest tokens, instead of the model's own setting; 0 is off")
	f.Float64Var(&g.sampling.TopP, "top-p", request.Plain.TopP, "sample from the likeliest tokens whose probabilities sum to it, instead of the model's own setting; 1 is off")
	f.StringVar(&g.draft, "draft", "", "propose tokens by a smaller model in `PATH` with the same tokens; the model checks several in a step. The results are equal, and ready sooner. This works where tokens are sampled one by one without guidance. Sets of real numbers, such as MAR's, are checked together; then the results differ")
	f.IntVar(&g.ahead, "draft-tokens", 4, "check `N` drafted tokens in a step, at least 2; without --draft, a model of any order guesses them itself")
	f.Float64SliceVar(&g.relax, "relax", nil, "keep more drafted tokens of images, by `K,DELTA`: the probability of the K nearest tokens counts too, up to DELTA, such as 1000,0.1. Of tokens of real numbers, by one number: the temperature of the check, such as 42. The results differ")
	g.addSearch()
	g.addRun()
	return g
}

func generateCommand(t terminal) *cobra.Command {
	c := newCommand("generate video|image|shape|quads|rig", "generate")
	requireKind(c)
	g := newGenerateFlags()
	c.PersistentFlags().AddFlagSet(g.flags)
	g.complete(c)
	complete(c, "precision", texts(nn.Precisions)...)
	complete(c, "verifier", verifiers()...)
	must(cobra.MarkFlagFilename(g.flags, "draft", "safetensors", "pt", "pth", "ckpt", "bin")) // or a folder
	addKinds(c, func(k *cobra.Command, kind request.Family) {
		own := g.ofKind(kind)
		k.Flags().AddFlagSet(own.own)
		completeReading(k, own.own)
		k.RunE = func(k *cobra.Command, inputs []string) error { return own.run(k.Context(), t, inputs) }
	})
	return c
}

// generateKind is generate for one kind, with its own flags.
type generateKind struct {
	*generateFlags

	own       *pflag.FlagSet
	base      request.Request
	class     int
	className string       // of a shape
	scale     float64      // of guidance
	share     float64      // of quads
	every     request.Time // between the windows of a film; 0 is one window
	cube      int          // frames of a video model's cube; 0 for other kinds
}

func (g *generateFlags) ofKind(kind request.Family) *generateKind {
	f := newFlags(string(kind))
	k := &generateKind{generateFlags: g, own: f, base: request.Request{Family: kind}}
	if add := mediaFlags[kind].generate; add != nil {
		add(k)
	}
	return k
}

func (k *generateKind) run(ctx context.Context, t terminal, inputs []string) error {
	begun := time.Now() // includes opening the model
	if err := k.check(inputs); err != nil {
		return err
	}
	requests, err := k.all(t)
	if err != nil {
		return err
	}
	j := k.job(k.base.Family, requests, begun)
	spec := &j.Settings.Spec
	k.takeDraft(spec)
	spec.NoModel = !slices.ContainsFunc(requests, func(r request.Request) bool { return r.Method != request.MethodSurface })
	if !k.flags.Changed("slots") {
		spec.Slots = searchSlots(requests)
	}
	noteFaces(t.err, k.folder, requests)
	return execute(ctx, t, k.options, j, pipelines.Generate)
}

// checkLine rejects in a manifest line what all rejects in flags.
func (k *generateKind) checkLine(r *request.Request) error {
	if r.Family == request.Video && r.Input == "" && r.FromNothing() { // those defaults are for continuing an input
		if r.Prefix == k.base.Prefix {
			r.Prefix = 0
		}
		if r.Frames == k.base.Frames {
			r.Frames = 0
		}
	}
	if err := r.CheckGenerate(); err != nil {
		return err
	}
	if err := checkSearch(r); err != nil {
		return err
	}
	if r.Family == request.Video && k.cube > 0 && r.Input == "" { // a model of ours
		return errors.New("the model continues clips: the line needs an \"input\"")
	}
	if r.Family == request.Shape && k.model == "" && r.Text != "" {
		return errors.New("a text is for a published model, which --model names")
	}
	if r.Input != "" && r.Prefix < k.cube {
		return fmt.Errorf("prefix %d: at least %d, one cube of the model", r.Prefix, k.cube)
	}
	return nil
}

// checkDraft rejects inconsistent draft flags.
func (k *generateKind) checkDraft() error {
	if k.ahead < 2 || k.ahead > 64 {
		return k.usagef("--draft-tokens is 2 to 64")
	}
	if !k.flags.Changed("relax") {
		return nil
	}
	if k.draft == "" && !k.flags.Changed("draft-tokens") {
		return k.usagef("--relax needs --draft or --draft-tokens")
	}
	if len(k.relax) == 1 && k.relax[0] >= 1 && k.relax[0] <= 1e6 {
		return nil
	}
	if len(k.relax) != 2 || k.relax[0] != math.Trunc(k.relax[0]) || !(k.relax[0] >= 1 && k.relax[0] <= 1<<16) || !(k.relax[1] >= 0 && k.relax[1] <= 1) {
		return k.usagef("--relax K,DELTA is a number of tokens and a probability, such as 1000,0.1, or a temperature of at least 1")
	}
	return nil
}

// takeDraft copies the draft flags to a model's options.
func (k *generateKind) takeDraft(s *family.Spec) {
	s.Precision, s.Draft, s.Ahead = nn.Precision(k.precision), k.draft, k.ahead
	s.Guesses = k.draft == "" && k.flags.Changed("draft-tokens")
	if len(k.relax) == 2 {
		s.Near, s.Delta = int(k.relax[0]), k.relax[1]
	}
	if len(k.relax) == 1 {
		s.Heat = k.relax[0]
	}
}

// texts converts values to strings.
func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// all returns the requests: for the inputs, or without input.
func (k *generateKind) all(t terminal) ([]request.Request, error) {
	if p := nn.Precision(k.precision); p != "" && !slices.Contains(nn.Precisions, p) {
		return nil, k.usagef("--precision is one of %v", nn.Precisions)
	}
	k.base.Seed = k.seed
	if k.flags.Changed("temperature") || k.flags.Changed("top-k") || k.flags.Changed("top-p") {
		k.base.Sampling = &k.sampling
	}
	if err := k.checkDraft(); err != nil {
		return nil, err
	}
	if err := k.takeSearch(); err != nil {
		return nil, err
	}
	if k.count < 1 || k.count > request.MaxRequests {
		return nil, k.usagef("--count is 1 to %d", request.MaxRequests)
	}
	if take := mediaFlags[k.base.Family].take; take != nil {
		if err := take(k); err != nil {
			return nil, err
		}
	}
	switch {
	case len(k.input) > 0 || k.manifest != "":
		return k.fromInputs(t)
	case k.base.FromNothing():
		if k.base.PrefixDepth > 0 {
			return nil, k.usagef("--prefix-depth needs an --input")
		}
		named := k.base
		named.ID = k.className
		requests, err := request.FromNothing(k.count, named)
		if err != nil {
			return nil, k.usagef("%s", plain(err))
		}
		return requests, nil
	}
	return nil, k.usagef("--input or --manifest is required")
}

// fromInputs makes the requests of a manifest, or of the files that patterns name: one for
// each window and variant.
func (k *generateKind) fromInputs(t terminal) ([]request.Request, error) {
	if k.manifest != "" {
		for _, f := range []*pflag.Flag{k.flags.Lookup("count"), k.own.Lookup("every")} {
			if f != nil && f.Changed {
				return nil, k.usagef("--%s is not for --manifest, which has a line for each result", f.Name)
			}
		}
		return k.fromManifest(t, request.Manifest{Base: k.base, Check: k.checkLine, Classes: k.classes()})
	}
	requests, err := k.fromPatterns(t, k.base)
	if err != nil {
		return nil, err
	}
	if k.every > 0 {
		requests = k.windows(t, requests)
	}
	if len(requests) > request.MaxRequests/k.count {
		return nil, k.usagef("%d inputs and windows, %d times each: at most %d requests", len(requests), k.count, request.MaxRequests)
	}
	return request.Variants(requests, k.count), nil
}
