package systems_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/train"
)

// withTargets are LlamaGen's golden weights, and a table of targets.
func withTargets(t *testing.T) *golden {
	t.Helper()
	g := open(t, "llamagen")
	var all []safetensors.NamedTensor
	for _, name := range g.weights.Names() {
		all = append(all, safetensors.NamedTensor{Name: name, Tensor: must(g.weights.Tensor(name))(t)})
	}
	width := all[slices.IndexFunc(all, func(x safetensors.NamedTensor) bool { return x.Name == "tok_embeddings.weight" })].Shape[1]
	table := safetensors.Tensor{DType: safetensors.F32, Shape: []int{g.cells(), width}}
	for _, x := range gputest.Normal(9, g.cells()*width) {
		table.Data = binary.LittleEndian.AppendUint32(table.Data, math.Float32bits(x))
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := safetensors.Write(path, append(all, safetensors.NamedTensor{Name: "target_embeddings.weight", Tensor: table}), nil); err != nil {
		t.Fatal(err)
	}
	out := &golden{name: "any-order", weights: must(safetensors.Open(path))(t), answers: g.answers}
	t.Cleanup(func() { out.weights.Close() })
	p := must(system.Detect(nn.File(out.weights)))(t)
	if p.Name != "any-order" {
		t.Fatalf("it is taken for %s", p.Name)
	}
	out.sys = must(p.Open(fmt.Appendf(nil, `{"n_head": 4, "block_size": %d}`, g.cells()), nn.File(out.weights)))(t)
	return out
}

// TestAnyOrder draws greedily in an order of the request. Each token is the likeliest by the
// network that trains, in the same order: drawing and learning agree on rows, targets and
// places.
func TestAnyOrder(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := withTargets(t)
		e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 1, Precision: nn.F32, Cache: nn.F32}))(t)
		defer e.Close()
		order := func(id string) []int32 {
			x := shard.Sample{ID: id, Kind: shard.KindVQ, Grid: []int32{int32(g.sys.Grid[1]), int32(g.sys.Grid[2])}, Tokens: make([]int64, g.cells())}
			q, _, err := g.sys.Flatten(x)
			if err != nil {
				t.Fatal(err)
			}
			return q.Order
		}
		q := system.Prompt{Class: 3, Order: order("a")}
		if slices.Equal(q.Order, order("b")) || !slices.Equal(q.Order, order("a")) {
			t.Error("the order of a sample is not its own")
		}
		drawn := must(e.Generate(context.Background(), request(g.sys, "a", q, 0)))(t)
		if drawn.Steps != g.cells() {
			t.Errorf("%d steps for %d tokens", drawn.Steps, g.cells())
		}
		f := g.teacherForced(t, dev, q, drawn.Tokens)
		v := g.sys.Token.Values
		for i, at := range f.Draws.At {
			row := f.values["output.weight"][int(f.Draws.From[i])*v:][:v]
			best := slices.Index(row, slices.Max(row))
			if at != q.Order[i] || uint32(best) != drawn.Tokens[at] {
				t.Fatalf("draw %d: cell %d is %d, the network that trains says %d", i, at, drawn.Tokens[at], best)
			}
		}
		if raster := must(train.Flatten(g.sys, system.Prompt{Class: 3}, drawn.Tokens))(t); slices.Equal(raster.Draws.At, f.Draws.At) {
			t.Error("the order of the request is not taken")
		}
		for name, order := range map[string][]int32{"too few": {0, 1}, "twice": append(slices.Clone(q.Order[1:]), q.Order[1])} {
			if _, err := g.sys.Schedule(system.Prompt{Order: order}); err == nil {
				t.Errorf("an order with %s is taken", name)
			}
		}
	})
}

// TestAnyOrderGuesses lets the network guess several tokens at once and check them. Tokens
// are those without, in random orders, greedy and sampled, and behind a class. Guesses cost
// no more steps than tokens.
func TestAnyOrderGuesses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := withTargets(t)
		generate := func(ahead, slots int) ([]engine.Result, engine.Stats) {
			o := engine.Options{Slots: slots}
			if ahead > 0 {
				o.Draft = &engine.Draft{Ahead: ahead}
			}
			e := must(engine.New(dev, g.sys, nn.File(g.weights), o))(t)
			defer e.Close()
			rs := make([]engine.Request, 6)
			for i := range rs {
				rs[i] = request(g.sys, fmt.Sprint("s", i), system.Prompt{Class: i}, 0)
				rs[i].Temperature = float32(i%2) / 2
			}
			return together(t, e, rs), e.Stats()
		}
		want, _ := generate(0, 2)
		for ahead, slots := range map[int]int{2: 1, 5: 4, 8: 2} {
			got, stats := generate(ahead, slots)
			for i := range got {
				if !slices.Equal(got[i].Tokens, want[i].Tokens) {
					t.Errorf("request %d with %d tokens ahead: %v, want %v", i, ahead, got[i].Tokens, want[i].Tokens)
				}
			}
			t.Logf("%d ahead: %.2f tokens of a guess and its check", ahead, float64(stats.Kept)/float64(stats.Checked))
			if 2*stats.Checked > stats.Kept+int64(len(got)) { // a request's last guess may be of one token
				t.Errorf("%d ahead: %d tokens of %d guesses and as many checks", ahead, stats.Kept, stats.Checked)
			}
		}
	})
}

// TestAnyOrderCommits lets the network guess what is left as soon as it is sure enough. If
// it need not be sure, everything behind the first token comes in the first guess. If it
// never is, tokens are those of one by one. Between them it commits in the middle.
func TestAnyOrderCommits(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := withTargets(t)
		n := g.cells()
		generate := func(key string, slots int) []engine.Result {
			sys := must(must(system.Detect(nn.File(g.weights)))(t).Open(fmt.Appendf(nil, `{"n_head": 4, "block_size": %d%s}`, n, key), nn.File(g.weights)))(t)
			e := must(engine.New(dev, sys, nn.File(g.weights), engine.Options{Slots: slots}))(t)
			defer e.Close()
			rs := make([]engine.Request, 4)
			for i := range rs {
				rs[i] = request(sys, fmt.Sprint("c", i), system.Prompt{Class: i}, float32(i%2))
				if i == 3 {
					rs[i] = request(sys, "c3", system.Prompt{Class: i, Guidance: 2}, 1)
				}
			}
			return together(t, e, rs)
		}
		plain, never, sure, some := generate("", 2), generate(`, "commit": [1e9, 1e9, 1e9]`, 2), generate(`, "commit": [0, 0, 0]`, 8), generate(`, "commit": [1e9, 0, 0]`, 2)
		third := (n+2)/3 + 1 // tokens that are drawn one by one, the first among them
		for i := range plain {
			if !slices.Equal(never[i].Tokens, plain[i].Tokens) {
				t.Errorf("request %d: %v where the network is never sure, want %v", i, never[i].Tokens, plain[i].Tokens)
			}
			if never[i].Steps != 2*n-1 || sure[i].Steps != 2 || some[i].Steps < third || some[i].Steps > 2*third {
				t.Errorf("request %d: %d, %d and %d steps", i, never[i].Steps, some[i].Steps, sure[i].Steps)
			}
			if len(sure[i].Tokens) != n || len(some[i].Tokens) != n {
				t.Errorf("request %d: %d and %d tokens of %d", i, len(sure[i].Tokens), len(some[i].Tokens), n)
			}
		}
		if _, err := must(system.Detect(nn.File(g.weights)))(t).Open([]byte(`{"n_head": 4, "block_size": 16, "commit": [1, -1, 0]}`), nn.File(g.weights)); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("a negative threshold: %v", err)
		}
	})
}
