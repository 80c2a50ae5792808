package systems_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/params"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

// forced is one pass of the network over all rows of a schedule, with given tokens.
type forced struct {
	rows   system.Rows
	draws  []draw
	values map[string][]float32 // by the name they are marked with, a row each
}

// draw is a token's position, and the rows that it comes from, by direction.
type draw struct {
	at   int32
	from []int32
}

// teacherForced records the network as training does, in f32 and without a cache.
func (g *golden) teacherForced(t *testing.T, dev *gpu.Device, p system.Prompt, tokens []int32) *forced {
	t.Helper()
	f := &forced{values: map[string][]float32{}}
	schedule := must(g.sys.Schedule(p))(t)
	for {
		run, err := schedule.Next(nil)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		f.add(&run, max(g.sys.Layout.Directions, 1))
	}
	store := must(params.New(dev, g.sys.Params.Specs(), true))(t)
	defer store.Free()
	if err := store.Load(g.weights, false); err != nil {
		t.Fatal(err)
	}
	rope := must(nn.NewRotaries(dev, g.sys.Params))(t)
	defer rope.Free()
	r := dev.NewRecorder()
	kept := map[string]*gpu.Tensor{}
	n := f.rows.N
	net := nn.Training{
		Tape: tape.New(r, false), Store: store, B: 1, N: n, Tables: rope,
		Axes: gputest.I32(t, dev, f.rows.Axes, n, g.sys.Layout.Axes), Key: gputest.I32(t, dev, f.rows.Sees, 1, n),
		IDs: gputest.I32(t, dev, g.ids(f, tokens), n, g.sys.Dims(1).IDColumns()),
		Marked: func(name string, x *gpu.Tensor) {
			kept[name] = must(dev.NewTensor(tensor.F32, x.Shape...))(t)
			r.Copy(kept[name], x)
		},
	}
	if g.sys.Layout.Features > 0 {
		all := make([]float32, n*g.sys.Layout.Features)
		copy(all, p.Text)
		net.Vectors = gputest.F32(t, dev, all, n, g.sys.Layout.Features)
	}
	g.sys.Head.Logits(net, g.sys.Trunk.Forward(net, g.sys.Input.Record(net, system.AllStages)))
	program := must(r.Finish())(t)
	defer program.Free()
	if err := program.Run(1); err != nil {
		t.Fatal(err)
	}
	for name, x := range kept {
		f.values[name] = must(x.F32())(t)
		x.Free()
	}
	return f
}

// add appends a run.
func (f *forced) add(r *system.Run, directions int) {
	for i, at := range r.Draws.At {
		d := draw{at: at}
		for j := range directions {
			from := int32(i % r.Ask)
			if r.Draws.From != nil {
				from = r.Draws.From[i*directions+j]
			}
			if from >= 0 {
				from += int32(f.rows.N + i/r.Ask*r.Group)
			}
			d.from = append(d.from, from)
		}
		f.draws = append(f.draws, d)
	}
	f.rows.N += r.N
	f.rows.Fixed, f.rows.Fed = append(f.rows.Fixed, r.Fixed...), append(f.rows.Fed, r.Fed...)
	f.rows.Axes, f.rows.Sees = append(f.rows.Axes, r.Axes...), append(f.rows.Sees, r.Sees...)
}

// ids are the rows of the embedding table that each row sums.
func (g *golden) ids(f *forced, tokens []int32) (out []int32) {
	k, d := g.sys.Layout.Fixed, g.sys.Dims(1)
	for i := range f.rows.N {
		out = append(out, f.rows.Fixed[i*k:(i+1)*k]...)
		if from := f.rows.Fed[i]; from >= 0 {
			out = append(out, d.FedID(0, 0, int64(tokens[from])))
		} else {
			out = append(out, -1)
		}
	}
	return out
}

// goldenRow returns the row of upstream's sequence for a row of ours.
func (g *golden) goldenRow(f *forced, i, rows int) int {
	if g.name == "par" || g.name == "par-n9" {
		return i // the same order
	}
	if from := f.rows.Fed[i]; from >= 0 { // raster order behind the condition
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
	return slices.IndexFunc(f.rows.Fed, func(from int32) bool { return from >= 0 })
}

// forcedTokens are the tokens that upstream's pass was given, by cell.
func (g *golden) forcedTokens(t *testing.T, sample int) []int32 {
	t.Helper()
	out := make([]int32, g.cells())
	if slices.Contains(g.answers.Names(), "in.idx_grouped") {
		given, order := g.ints(t, "in.idx_grouped"), g.ints(t, "order")
		for i := range len(given) / 2 {
			out[order[i]] = given[sample*len(given)/2+i]
		}
		return out
	}
	given := g.ints(t, "in.idx")
	copy(out, given[sample*len(given)/2:(sample+1)*len(given)/2])
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
				d := g.compareLogits(t, f, sample)
				worst = max(worst, d)
				if d > bound {
					t.Errorf("%s: sample %d: the logits are off by %.1e", name, sample, d)
				}
			}
			t.Logf("%s: largest relative error at any waypoint %.1e", name, worst)
		}
	})
}

// compare compares our rows with upstream's, [2, rows, d].
func (g *golden) compare(t *testing.T, f *forced, sample int, got, all []float32) float64 {
	t.Helper()
	d := len(got) / f.rows.N
	rows := len(all) / 2 / d
	want := make([]float32, len(got))
	for i := range f.rows.N {
		copy(want[i*d:(i+1)*d], all[(sample*rows+g.goldenRow(f, i, rows))*d:])
	}
	return distance(got, want)
}

// compareLogits compares the mean logits over directions with upstream's.
func (g *golden) compareLogits(t *testing.T, f *forced, sample int) float64 {
	t.Helper()
	heads := map[string][]string{
		"nar": {"output.weight", "medusa_output.weight"}, "nar-video": {"output_R.weight", "output_D.weight", "output_B.weight"},
	}[g.name]
	if heads == nil {
		heads = []string{"output.weight"}
	}
	v := g.sys.Token.Values
	var got, want []float32
	all, byRow := g.floats(t, g.logitsName()), g.logitsName() == "tf.logits"
	for i, d := range f.draws {
		row := make([]float32, v)
		n := 0
		for j, from := range d.from {
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
		at := int(d.at)
		switch {
		case g.name == "par" || g.name == "par-n9":
			at = i // in the order of generation
		case byRow:
			at = len(all)/2/v - g.cells() + i
		}
		want = append(want, all[(sample*len(all)/2/v+at)*v:][:v]...)
	}
	return distance(got, want)
}

func (g *golden) logitsName() string {
	if strings.HasPrefix(g.name, "llamagen") {
		return "tf.logits"
	}
	return "tf.logits_targets"
}
