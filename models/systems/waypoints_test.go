package systems_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/train"
)

// forced is one pass of the network that trains over a sample with given tokens.
type forced struct {
	*train.Sequence
	loss   float64
	values map[string][]float32 // by the name they are marked with, a row each
}

// teacherForced runs the network as training does, in f32 and without a cache.
func (g *golden) teacherForced(t *testing.T, dev *gpu.Device, p system.Prompt, tokens []uint32) *forced {
	t.Helper()
	f := &forced{Sequence: must(train.Flatten(g.sys, p, tokens))(t), values: map[string][]float32{}}
	kept := map[string]*gpu.Tensor{}
	net := must(train.NewNetwork(dev, g.sys, 1, f.N, train.NetworkOptions{Marked: func(r *gpu.Recorder, name string, x *gpu.Tensor) {
		kept[name] = must(dev.NewTensor(tensor.F32, x.Shape...))(t)
		r.Copy(kept[name], x)
	}}))(t)
	defer net.Free()
	if err := net.Store().Load(g.weights, false); err != nil {
		t.Fatal(err)
	}
	if n := must(net.SetBatch([]train.Window{{Seq: f.Sequence, To: f.N}}))(t); n != g.cells() {
		t.Fatalf("%s: %d tokens of %d are predicted", g.name, n, g.cells())
	}
	f.loss = must(net.Forward())(t)
	for name, x := range kept {
		f.values[name] = must(x.F32())(t)
		x.Free()
	}
	return f
}

// goldenRow returns the row of upstream's sequence for a row of ours.
func (g *golden) goldenRow(f *forced, i, rows int) int {
	if g.name == "par" || g.name == "par-n9" {
		return i // the same order
	}
	if from := f.Inputs[i]; from >= 0 { // raster order behind the condition
		return rows - g.given() + int(from)
	}
	return rows - g.given() - f.conditions() + i
}

// given returns the number of tokens in upstream's sequence.
func (g *golden) given() int {
	if strings.HasPrefix(g.name, "nar") {
		return g.cells() // the last token too
	}
	return g.cells() - 1
}

func (f *forced) conditions() int {
	return slices.IndexFunc(f.Inputs, func(from int32) bool { return from >= 0 })
}

// forcedTokens are the tokens that upstream's pass was given, by cell.
func (g *golden) forcedTokens(t *testing.T, sample int) []uint32 {
	t.Helper()
	out := make([]uint32, g.cells())
	name, cell := "in.idx", func(i int) int { return i }
	if slices.Contains(g.answers.Names(), "in.idx_grouped") {
		order := g.ints(t, "order")
		name, cell = "in.idx_grouped", func(i int) int { return int(order[i]) }
	}
	given := g.ints(t, name)
	for i, x := range given[sample*len(given)/2 : (sample+1)*len(given)/2] {
		out[cell(i)] = uint32(x)
	}
	return out
}

// bound is the largest relative error of a waypoint.
const bound = 1e-4

// TestWaypoints compares values inside the network with those of the authors' code.
// They are the embedding, every block, and the logits of every token.
func TestWaypoints(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, name := range goldens {
			g := open(t, name)
			worst := 0.0
			for sample, p := range g.prompts(t) {
				f := g.teacherForced(t, dev, p, g.forcedTokens(t, sample))
				points := map[string]string{"embed": "tf.embed"}
				if name == "nar-video" {
					points["embed"] = "tf.embed_plus_pos"
				}
				blocks := 0
				for mark := range f.values {
					if strings.HasPrefix(mark, "block") {
						points[mark] = "tf." + mark
						blocks++
					}
				}
				if blocks < 3 {
					t.Fatalf("%s: %d blocks are compared", name, blocks)
				}
				for mark, want := range points {
					d := g.compare(t, f, sample, f.values[mark], g.floats(t, want))
					worst = max(worst, d)
					if d > bound {
						t.Errorf("%s: sample %d: %s is off by %.1e", name, sample, mark, d)
					}
				}
				got, want := g.logits(t, f, sample)
				d := distance(got, want)
				worst = max(worst, d)
				if d > bound {
					t.Errorf("%s: sample %d: the logits are off by %.1e", name, sample, d)
				}
				if loss := g.crossEntropy(f, want); math.Abs(f.loss-loss) > bound*loss {
					t.Errorf("%s: sample %d: the loss is %g, of the authors' logits %g", name, sample, f.loss, loss)
				}
			}
			t.Logf("%s: largest relative error at any waypoint %.1e", name, worst)
		}
	})
}

// compare compares our rows with upstream's, [2, rows, d].
func (g *golden) compare(t *testing.T, f *forced, sample int, got, all []float32) float64 {
	t.Helper()
	d := len(got) / f.N
	rows := len(all) / 2 / d
	want := make([]float32, len(got))
	for i := range f.N {
		copy(want[i*d:(i+1)*d], all[(sample*rows+g.goldenRow(f, i, rows))*d:])
	}
	return distance(got, want)
}

// logits returns the mean logits over directions of every draw, and upstream's.
func (g *golden) logits(t *testing.T, f *forced, sample int) (got, want []float32) {
	t.Helper()
	heads := map[string][]string{
		"nar": {"output.weight", "medusa_output.weight"}, "nar-video": {"output_R.weight", "output_D.weight", "output_B.weight"},
	}[g.name]
	if heads == nil {
		heads = []string{"output.weight"}
	}
	v := g.sys.Token.Values
	all, byRow := g.floats(t, g.logitsName()), g.logitsName() == "tf.logits"
	for i, at := range f.Draws.At {
		row := make([]float32, v)
		n := 0
		for j, from := range f.Draws.From[i*len(heads) : (i+1)*len(heads)] {
			if from < 0 {
				continue
			}
			n++
			for k, x := range f.values[heads[j]][int(from)*v : (int(from)+1)*v] {
				row[k] += x
			}
		}
		for k := range row {
			row[k] /= float32(n)
		}
		got = append(got, row...)
		at := int(at)
		switch {
		case g.name == "par" || g.name == "par-n9":
			at = i // in the order of generation
		case byRow:
			at = len(all)/2/v - g.cells() + i
		}
		want = append(want, all[(sample*len(all)/2/v+at)*v:][:v]...)
	}
	return got, want
}

// crossEntropy is the mean loss of logits, in nats a token.
func (g *golden) crossEntropy(f *forced, logits []float32) (sum float64) {
	v := g.sys.Token.Values
	for i, at := range f.Draws.At {
		total := 0.0
		row := logits[i*v : (i+1)*v]
		for _, x := range row {
			total += math.Exp(float64(x))
		}
		sum += math.Log(total) - float64(row[f.Tokens[at]])
	}
	return sum / float64(f.Draws.N)
}

func (g *golden) logitsName() string {
	if strings.HasPrefix(g.name, "llamagen") || g.name == "d-ar" {
		return "tf.logits"
	}
	return "tf.logits_targets"
}
