package systems_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/safetensors/safetensorstest"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	_ "github.com/morton-gen/morton/models/systems"
)

func TestMain(m *testing.M) { gputest.Main(m) }

func must[T any](x T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// golden holds results of the authors' own code for small random weights.
// testdata/README.md tells how the files were made.
type golden struct {
	name    string
	weights *safetensors.File
	answers *safetensors.File
	sys     *system.System
}

func open(t testing.TB, name string) *golden {
	t.Helper()
	dir := filepath.Join("testdata", name)
	g := &golden{name: name}
	g.weights = weightsOf(t, name)
	g.answers = must(safetensors.Open(filepath.Join(dir, "golden.safetensors")))(t)
	t.Cleanup(func() { g.weights.Close(); g.answers.Close() })
	found := must(system.Detect(nn.File(g.weights)))(t)
	g.sys = must(found.Open(must(os.ReadFile(filepath.Join(dir, "config.json")))(t), nn.File(g.weights)))(t)
	found = found.Described(g.sys.Name)
	if !slices.ContainsFunc([]string{"", "-n9", "-rope", "-sharedaln", "-text", "-image"}, func(form string) bool { return found.Name+form == name }) {
		t.Fatalf("%s is taken for %s", name, found.Name)
	}
	return g
}

// described opens the golden's system again, with more in its config.json, such as "a": 1.
func (g *golden) described(t testing.TB, more string) *golden {
	t.Helper()
	if more == "" {
		return g
	}
	config := string(must(os.ReadFile(filepath.Join("testdata", g.name, "config.json")))(t))
	other := *g
	other.sys = g.reopened(t, "{"+more+", "+strings.TrimPrefix(strings.TrimSpace(config), "{"))
	return &other
}

// reopened opens the golden's system by another config.json.
func (g *golden) reopened(t testing.TB, config string) *system.System {
	t.Helper()
	return must(must(system.Detect(nn.File(g.weights)))(t).Open([]byte(config), nn.File(g.weights)))(t)
}

// bases names the folder that holds most weights of another: its own file has only those that
// differ. The base's names of the pattern lacks belong to the base alone.
var bases = map[string]struct{ folder, lacks string }{
	"llamagen-t2i":  {folder: "llamagen", lacks: "cls_embedding.*"},
	"par-n9":        {folder: "par"},
	"nova-rope":     {folder: "nova", lacks: "video_pos_embed.*"},
	"sar3d-text":    {folder: "sar3d-image"},
	"var-sharedaln": {folder: "var", lacks: "blocks.*.ada_lin.*"},
}

func weightsOf(t testing.TB, name string) *safetensors.File {
	t.Helper()
	path := filepath.Join("testdata", name, "weights.safetensors")
	if base, ok := bases[name]; ok {
		path = safetensorstest.Join(t, path, filepath.Join("testdata", base.folder, "weights.safetensors"), base.lacks)
	}
	return must(safetensors.Open(path))(t)
}

func (g *golden) floats(t testing.TB, name string) []float32 {
	t.Helper()
	return must(nn.File(g.answers).Floats(name))(t)
}

func (g *golden) ints(t testing.TB, name string) []int32 {
	t.Helper()
	x := must(g.answers.Tensor(name))(t)
	out := make([]int32, len(x.Data)/4)
	for i := range out {
		out[i] = int32(uint32(x.Data[4*i]) | uint32(x.Data[4*i+1])<<8 | uint32(x.Data[4*i+2])<<16 | uint32(x.Data[4*i+3])<<24)
	}
	return out
}

// prompts are those of the two samples of a golden.
func (g *golden) prompts(t testing.TB) []system.Prompt {
	t.Helper()
	if g.sys.Layout.Features == 0 {
		var out []system.Prompt
		for _, c := range g.ints(t, "in.cond") {
			out = append(out, system.Prompt{Class: int(c)})
		}
		return out
	}
	features, valid := g.floats(t, "in.cond"), g.floats(t, "in.emb_masks")
	n, d := len(valid)/2, g.sys.Layout.Features
	var out []system.Prompt
	for b := range 2 {
		pad := slices.Index(valid[b*n:(b+1)*n], 1) // features are padded on the left
		out = append(out, system.Prompt{Text: features[(b*n+pad)*d : (b+1)*n*d]})
	}
	return out
}

// cells is the number of tokens of a sample.
func (g *golden) cells() int { return g.sys.Grid[0] * g.sys.Grid[1] * g.sys.Grid[2] }

// greedy are the tokens of the authors' greedy generation, in raster order.
func (g *golden) greedy(t testing.TB, run string) []int32 {
	t.Helper()
	for _, name := range []string{run + ".tokens_raster", run + ".tokens"} {
		if slices.Contains(g.answers.Names(), name) {
			return g.ints(t, name)
		}
	}
	return nil
}

var goldens = []string{"llamagen", "llamagen-t2i", "par", "par-n9", "nar", "nar-video", "d-ar"}

// TestGreedyTokens compares every token of greedy runs with the authors' code. The runs
// have no guidance, guidance, and guidance that ends early. Both samples run at once.
func TestGreedyTokens(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, name := range goldens {
			g := open(t, name)
			e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32}))(t)
			runs := 0
			for _, r := range []struct {
				name     string
				guidance float32
				interval int
			}{{"greedy", 0, 0}, {"greedy_cfg2", 2, 0}, {"greedy_cfg2.5", 2.5, 0}, {"greedy_cfg2_interval5", 2, 5}, {"greedy_cfg2.5_interval5", 2.5, 5}} {
				want := g.greedy(t, r.name)
				if want == nil {
					continue
				}
				runs++
				var results [2][]uint32
				done := make(chan error, 2)
				for b, p := range g.prompts(t) {
					p.Guidance, p.Interval = r.guidance, r.interval
					go func() {
						res, err := e.Generate(context.Background(), request(g.sys, fmt.Sprint(b), p, 0))
						results[b] = res.Tokens
						done <- err
					}()
				}
				for range 2 {
					if err := <-done; err != nil {
						t.Fatal(err)
					}
				}
				for b, got := range results {
					for i, x := range got {
						if int32(x) != want[b*g.cells()+i] {
							t.Fatalf("%s %s: sample %d: token %d is %d, want %d", name, r.name, b, i, x, want[b*g.cells()+i])
						}
					}
					if len(got) != g.cells() {
						t.Errorf("%s %s: %d tokens, want %d", name, r.name, len(got), g.cells())
					}
				}
			}
			if runs != 3 {
				t.Errorf("%s: %d runs were compared, want 3", name, runs)
			}
			e.Close()
		}
	})
}

func request(s *system.System, id string, p system.Prompt, temperature float32) engine.Request {
	return engine.Request{
		ID: id, Seed: 1, Temperature: temperature, TopP: 1, End: -1, Guidance: p.Guidance, Tokens: p.Given,
		Schedule: func() (system.Schedule, error) { return s.Schedule(p) },
	}
}

// distance is the largest difference of two tensors, relative to the largest value.
func distance(got, want []float32) float64 {
	most, scale := 0.0, 0.0
	for i := range want {
		most = max(most, math.Abs(float64(got[i])-float64(want[i])))
		scale = max(scale, math.Abs(float64(want[i])))
	}
	return most / scale
}

// together generates all requests at once.
func together(t *testing.T, e *engine.Engine, requests []engine.Request) []engine.Result {
	t.Helper()
	results, errs := make([]engine.Result, len(requests)), make([]error, len(requests))
	var wait sync.WaitGroup
	for i, r := range requests {
		wait.Go(func() { results[i], errs[i] = e.Generate(context.Background(), r) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return results
}

// inCompany generates each prompt alone, and then all at once in engines with each of the
// options, which must change no bit. It returns the tokens of each.
func inCompany(t *testing.T, dev *gpu.Device, s *system.System, w nn.Weights, prefix string, prompts []system.Prompt, temperature float32, options []engine.Options) (want [][]uint32) {
	t.Helper()
	var requests []engine.Request
	for i, p := range prompts {
		requests = append(requests, request(s, fmt.Sprint(prefix, i), p, temperature))
	}
	alone := must(engine.New(dev, s, w, engine.Options{Slots: max(s.Layout.Branches, 2)}))(t)
	for _, r := range requests {
		want = append(want, must(alone.Generate(context.Background(), r))(t).Tokens)
	}
	alone.Close()
	for _, o := range options {
		e := must(engine.New(dev, s, w, o))(t)
		for i, res := range together(t, e, requests) {
			if !slices.Equal(res.Tokens, want[i]) {
				t.Errorf("%+v: request %d draws otherwise in company", o, i)
			}
		}
		e.Close()
	}
	return want
}
