package systems_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

const varScales = 6

// varTokens are the tokens of a sample by position, of results that lie scale by scale.
func (g *golden) varTokens(t testing.TB, run string, sample int) (out []int32) {
	t.Helper()
	for k := range varScales {
		all := g.ints(t, fmt.Sprintf("%s.idx_scale%d", run, k))
		out = append(out, all[sample*len(all)/2:(sample+1)*len(all)/2]...)
	}
	return out
}

// scalesForced records the network as training does, in f32 and without a cache, over both
// samples and all scales at once.
func (g *golden) scalesForced(t *testing.T, dev *gpu.Device, classes []int32) map[string][]float32 {
	t.Helper()
	var axes, sees, ids, conditions []int32
	n, d, l := 0, g.sys.Dims(1), &g.sys.Layout
	for b, class := range classes {
		tokens := g.varTokens(t, "in", b)
		n = 0
		for _, r := range runsOf(t, g.sys, system.Prompt{Class: int(class)}) {
			n += r.N
			axes, sees = append(axes, r.Axes...), append(sees, r.Sees...)
			for i := range r.N {
				ids = append(ids, r.Fixed[i*l.Fixed+1:(i+1)*l.Fixed]...)
				for f, from := range r.Fed[i*l.Fed : (i+1)*l.Fed] {
					if from < 0 {
						ids = append(ids, -1)
						continue
					}
					ids = append(ids, d.FedID(f, 0, int64(tokens[from])))
				}
			}
			if n == r.N {
				conditions = append(conditions, r.Fixed[0])
			}
		}
	}
	store := must(params.New(dev, g.sys.Params.Specs(), true))(t)
	defer store.Free()
	if err := g.fill(store); err != nil {
		t.Fatal(err)
	}
	constants := must(nn.NewConstants(dev, g.sys.Params))(t)
	defer constants.Free()
	r := dev.NewRecorder()
	kept := map[string]*gpu.Tensor{}
	net := nn.Training{
		Tape: tape.New(r, false), Store: store, B: len(classes), N: n, Constants: constants,
		Axes: gputest.I32(t, dev, axes, len(classes)*n, l.Axes), Key: gputest.I32(t, dev, sees, len(classes), n),
		IDs: gputest.I32(t, dev, ids, len(classes)*n, len(ids)/n/len(classes)), Conditions: nn.Index{IDs: gputest.I32(t, dev, conditions, len(classes))},
		Marked: func(name string, x *gpu.Tensor) {
			kept[name] = must(dev.NewTensor(tensor.F32, x.Shape...))(t)
			r.Copy(kept[name], x)
		},
	}
	g.sys.Head.Logits(net, g.sys.Trunk.Forward(net, g.sys.Input.Record(net, system.AllStages)))
	program := must(r.Finish())(t)
	defer program.Free()
	if err := program.Run(1); err != nil {
		t.Fatal(err)
	}
	out := map[string][]float32{}
	for name, x := range kept {
		out[name] = must(x.F32())(t)
		x.Free()
	}
	return out
}

// fill writes the parameters, whatever the extents of one that some have in front.
func (g *golden) fill(store *params.Store) error {
	for _, s := range g.sys.Params.Specs() {
		x, err := nn.File(g.weights).Floats(s.Name)
		if err == nil {
			err = store.Param(s.Name).WriteF32(x)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// channelsFirst reorders [b, side², c] to upstream's [b, c, side²].
func channelsFirst(x []float32, b, c int) []float32 {
	out, cells := make([]float32, len(x)), len(x)/b/c
	for i, v := range x {
		out[(i/c/cells*c+i%c)*cells+i/c%cells] = v
	}
	return out
}

// TestVARWaypoints compares values inside the network with those of the authors' code:
// what scales add up to, the inputs, each block, the modulations, the logits.
func TestVARWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, name := range []string{"var", "var-sharedaln"} {
			g := open(t, name)
			values := g.scalesForced(t, dev, g.ints(t, "in.labels"))
			worst, compared := 0.0, 0
			for mark, got := range values {
				want := "tf." + mark
				switch {
				case strings.HasPrefix(mark, "f_hat"):
					want, got = "tf.f_hat_scale"+strings.TrimPrefix(mark, "f_hat"), channelsFirst(got, 2, 8)
				case mark == "var_input": // upstream's lacks the first row
					got = append(slices.Clone(got[8:len(got)/2]), got[len(got)/2+8:]...)
				case mark == "head.weight":
					want = "tf.logits"
				}
				if !slices.Contains(g.answers.Names(), want) {
					continue
				}
				compared++
				d := distance(got, g.floats(t, want))
				worst = max(worst, d)
				if d > bound {
					t.Errorf("%s: %s is off by %.1e", name, mark, d)
				}
			}
			if least := map[string]int{"var": 17, "var-sharedaln": 11}[name]; compared < least {
				t.Errorf("%s: %d waypoints are compared, want %d", name, compared, least)
			}
			t.Logf("%s: largest relative error at any of %d waypoints %.1e", name, compared, worst)
		}
	})
}

// TestVARGreedy compares every token of greedy runs with the authors' code, without
// guidance and with a ramp. Both samples run at once.
func TestVARGreedy(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, r := range []struct {
			name, run string
			guidance  float32
		}{{"var", "greedy_cfg0", 1}, {"var", "greedy_cfg1.5", 2.5}, {"var-sharedaln", "greedy_cfg1.5", 2.5}} {
			g := open(t, r.name)
			e := must(engine.New(dev, g.sys, nn.File(g.weights), engine.Options{Slots: 4, Precision: nn.F32, Cache: nn.F32}))(t)
			labels := g.ints(t, "in.labels")
			var results [2]engine.Result
			done := make(chan error, 2)
			for b := range results {
				p := system.Prompt{Class: int(labels[b]), Guidance: r.guidance}
				go func() {
					var err error
					results[b], err = e.Generate(context.Background(), request(g.sys, fmt.Sprint(b), p, 0))
					done <- err
				}()
			}
			for range results {
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			for b, res := range results {
				want := g.varTokens(t, r.run, b)
				for i, x := range res.Tokens {
					if int32(x) != want[i] {
						t.Fatalf("%s %s: sample %d: token %d is %d, want %d", r.name, r.run, b, i, x, want[i])
					}
				}
				if len(res.Tokens) != len(want) {
					t.Errorf("%s: %d tokens, want %d", r.run, len(res.Tokens), len(want))
				}
			}
			e.Close()
		}
	})
}
