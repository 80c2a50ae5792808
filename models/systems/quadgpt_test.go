package systems_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/faces"
	"github.com/morton-gen/morton/models/train"
)

// quadConfig describes a tiny network with a window of so many faces.
func quadConfig(window int) string {
	return fmt.Sprintf(`{"width": 32, "heads": 2, "hidden": 48, "encoder": 1, "blocks": [[1, 1], [1, 1], [2, 0]], "window": %d, "length": 361, "levels": 64, "points": 14, "rope_theta": 1e4}`, 12*window)
}

// openQuad opens a tiny network as a golden without answers, and without weights.
func openQuad(t testing.TB, window int) *golden {
	t.Helper()
	p := must(system.ToTrain("quadgpt"))(t)
	return &golden{name: "quadgpt", sys: must(p.Open([]byte(quadConfig(window)), nil))(t)}
}

// quadSample is a box as a sample, of 6 quads or of 12 triangles.
func quadSample(t testing.TB, triangles bool) shard.Sample {
	t.Helper()
	m := mesh.QuadSphere(1)
	if triangles {
		m, _ = mesh.Triangulate(m)
	}
	s, _, err := faces.Tokenizer{Config: faces.Config{Levels: 64, Points: 14}}.Encode("box", system.Media{Mesh: m}, system.Extent{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestQuadGPTLearns holds the network that trains to the one that draws, and its gradient to
// the slope of its loss: of a whole mesh, and of windows of one that is longer.
func TestQuadGPTLearns(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for window, triangles := range map[int]bool{8: false, 4: true} {
			g := openQuad(t, window)
			p, tokens, err := g.sys.Flatten(quadSample(t, triangles))
			if err != nil {
				t.Fatal(err)
			}
			l := g.learn(t, dev, p, tokens)
			loss := must(l.Forward())(t)
			logits := must(l.kept["head.weight"].F32())(t)
			if window == 8 { // 6 faces and the end
				path := filepath.Join(t.TempDir(), "w.safetensors")
				if err := l.Store().Save(path, safetensors.F32, false, nil); err != nil {
					t.Fatal(err)
				}
				w := must(safetensors.Open(path))(t)
				drawn := g.drawnLogits(t, dev, nn.File(w), p, tokens)
				w.Close()
				if e := distance(logits[:len(drawn)], drawn); !(e <= 1e-5) || len(drawn) != 73*66 {
					t.Errorf("%d logits of the network that draws are off by %.1e", len(drawn), e)
				}
				if want := crossEntropy(drawn, tokens[14:]); loss < want*(1-1e-5) || loss > want*(1+1e-5) {
					t.Errorf("the loss is %g, of the logits %g", loss, want)
				}
			}
			l.slope(t, fmt.Sprintf("a window of %d faces", window))
		}
	})
}

// drawnLogits are the logits of a mesh's tokens as the network draws them, read at once.
func (g *golden) drawnLogits(t testing.TB, dev *gpu.Device, w nn.Weights, p system.Prompt, tokens []uint32) (out []float32) {
	t.Helper()
	d := must(engine.NewDecoder(dev, g.sys, w, engine.DecoderOptions{Slots: 1, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
	defer d.Free()
	if ok, err := d.Reserve(0, g.sys.Layout.Context); !ok || err != nil {
		t.Fatal("no pages", err)
	}
	if err := errors.Join(d.SetTokens(0, 0, tokens), d.SetConstraintData(0, nil)); err != nil {
		t.Fatal(err)
	}
	p.Given = tokens
	for _, r := range readWhole(t, g.sys, p, 14) {
		out = append(out, logitsOf(t, d, 0, r)...)
	}
	return out
}

// TestQuadGPTLessons looks at windows of a mesh of 12 triangles: they begin at faces, the first
// one oftener than others, and every token is learned.
func TestQuadGPTLessons(t *testing.T) {
	g := openQuad(t, 4)
	p, tokens, err := g.sys.Flatten(quadSample(t, true))
	if err != nil {
		t.Fatal(err)
	}
	if p.Faces != 12 || !(p.Quads > 0 && p.Quads < 1e-3) {
		t.Fatalf("%d faces, %g of them quads", p.Faces, p.Quads)
	}
	begins, learned := map[int32]int{}, map[int32]bool{}
	for seed := range uint32(200) {
		q := must((&train.Sequence{Prompt: p, Tokens: tokens}).Lesson(g.sys, func(i uint32) uint32 { return (seed*2654435761 + i*40503) }))(t)
		first := q.Draws.At[0] - 14
		if first%sequence.FaceTokens != 0 || q.N > 48 || q.N != q.Draws.N || len(q.Before) != 5 || q.Before[0].N != 16 || q.Before[3].N != (q.N+11)/12 {
			t.Fatalf("a lesson from token %d on, of %d rows", first, q.N)
		}
		if begins[first]++; first == 0 != (q.Inputs[0] == system.Start) || first > 0 && q.Inputs[0] != first+13 {
			t.Fatalf("token %d is fed token %d", first, q.Inputs[0])
		}
		if q.First != int(q.Draws.At[0]) {
			t.Fatalf("the first token of a lesson is %d, not %d", q.First, q.Draws.At[0])
		}
		for _, at := range q.Draws.At {
			learned[at-14] = true
		}
	}
	if len(learned) != 12*12+1 || len(begins) != 10 || begins[0] < 30 {
		t.Errorf("%d tokens of 145 are learned in lessons that begin at %v", len(learned), begins)
	}
}

// TestQuadGPTRolls draws meshes that are longer than the window, alone and in company, with few
// pages, and behind given faces. What is drawn is faces.
func TestQuadGPTRolls(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := openQuad(t, 2)
		l := g.learn(t, dev, system.Prompt{Points: make([]int64, 14), Faces: 2}, make([]uint32, 14+25))
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := l.Store().Save(path, safetensors.F32, false, nil); err != nil {
			t.Fatal(err)
		}
		w := must(safetensors.Open(path))(t)
		defer w.Close()
		_, box, err := g.sys.Flatten(quadSample(t, false))
		if err != nil {
			t.Fatal(err)
		}
		p := system.Prompt{Points: make([]int64, 14), Faces: 9, Given: make([]uint32, 14)}
		other, behind, long := p, p, p
		other.Quads, behind.Given, long.Given = 0.25, box[:14+17], box[:14+60]
		prompts := []system.Prompt{p, other, behind, long, {Points: p.Points, Faces: 3, Given: p.Given}}
		drawn := inCompany(t, dev, g.sys, nn.File(w), "q", prompts, 1, []engine.Options{{Slots: 5}, {Slots: 3, Pages: 1}, {Slots: 4, Apart: true, Steps: 1}})
		for i, tokens := range drawn {
			if !slices.Equal(tokens[:len(prompts[i].Given)], prompts[i].Given) {
				t.Errorf("mesh %d: given tokens changed", i)
			}
			_, report, err := faces.Config{Levels: 64, Points: 14}.Mesh(tokens)
			all := (len(tokens) - 14) / sequence.FaceTokens // what is behind an end is not looked at
			if err != nil || report.Faces != all && !report.Ended || report.BadFaces+report.DegenerateFaces+report.DuplicateFaces+report.OutOfOrder > 0 {
				t.Errorf("mesh %d: %+v of %d faces, %v", i, report, all, err)
			}
		}
		if slices.Equal(drawn[0], drawn[1]) {
			t.Error("the share of quads changes nothing")
		}
	})
}

// TestQuadGPTRefuses opens what is no network, and prompts that are none.
func TestQuadGPTRefuses(t *testing.T) {
	p := must(system.ToTrain("quadgpt"))(t)
	for _, config := range []string{`{"window": 100}`, `{"blocks": [[1, 1]]}`, `{"blocks": [[1, 0], [1, 1], [1, 0]]}`, `{"width": 7}`, `{"levels": 1}`, `{"quads": 2}`, `{"encoder": 0}`, `{"points": 0}`, `{"rope_theta": 0}`, `{"widht": 16}`, `[]`} {
		if _, err := p.Open([]byte(config), nil); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%s: %v", config, err)
		}
	}
	s := openQuad(t, 2).sys
	points := make([]int64, 14)
	for name, q := range map[string]system.Prompt{
		"points": {Faces: 1, Given: make([]uint32, 14)}, "no faces": {Points: points, Given: make([]uint32, 14)}, "faces": {Points: points, Faces: 31, Given: make([]uint32, 14)},
		"share": {Points: points, Faces: 1, Quads: 2, Given: make([]uint32, 14)}, "nothing given": {Points: points, Faces: 1}, "too much": {Points: points, Faces: 1, Given: make([]uint32, 28)},
		"a point": {Points: append(make([]int64, 13), 1<<24), Faces: 1, Given: make([]uint32, 14)},
	} {
		if _, err := s.Schedule(q); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*shard.Sample){
		"kind": func(x *shard.Sample) { x.Kind = shard.KindVQ }, "short": func(x *shard.Sample) { x.Tokens, x.Grid[1] = x.Tokens[:len(x.Tokens)-2], x.Grid[1]-2 },
		"coding": func(x *shard.Sample) { x.Meta = map[string]string{faces.CodingKey: "bpt"} },
	} {
		x := quadSample(t, false)
		change(&x)
		if _, _, err := s.Flatten(x); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// The sizes that the paper states or that are as large: 1.1 billion parameters.
	full := must(p.Open(nil, nil))(t)
	t.Logf("%d parameters, %d MB for a mesh in f16", full.Params.Count(), engine.Bytes(full, engine.DecoderOptions{Slots: 1})>>20)
}

// pairs are laid-out samples, of which two each are a pair.
type pairs []*train.Sequence

func (p pairs) Rows() []int { return make([]int, len(p)) }

func (p pairs) Sequence(i int) (*train.Sequence, error) { return p[i], nil }

// TestQuadGPTPreferences trains on windows of pairs. Without a difference from the frozen network
// the loss is log 2, the gradient is the slope of the loss, and the preferred mesh becomes likelier.
func TestQuadGPTPreferences(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := openQuad(t, 4)
		p, quads, err := g.sys.Flatten(quadSample(t, false))
		if err != nil {
			t.Fatal(err)
		}
		_, triangles, err := g.sys.Flatten(quadSample(t, true))
		if err != nil {
			t.Fatal(err)
		}
		worse := p // of the same points
		worse.Faces = 12
		of := pairs{must(train.Flatten(g.sys, p, quads))(t), must(train.Flatten(g.sys, worse, triangles))(t)}
		const beta = 0.3
		net, frozen := g.preferring(t, dev, 4), g.preferring(t, dev, 4)
		task := must(train.NewPreferences(net, frozen, beta, 1, of, of))(t)
		if loss := must(task.Heldout())(t); math.Abs(loss-math.Ln2) > 1e-6 {
			t.Errorf("the loss of a network beside itself is %g", loss)
		}
		at := func(x []float32) float64 {
			if err := net.Store().P.WriteF32(x); err != nil {
				t.Fatal(err)
			}
			if _, _, err := task.Batch(3); err != nil {
				t.Fatal(err)
			}
			return task.Loss(nil)
		}
		start := must(net.Store().P.F32())(t)
		for i, x := range gputest.Normal(5, len(start)) { // away from where both are equal
			start[i] += 0.01 * x
		}
		if loss := at(start); math.Abs(loss-math.Ln2) < 1e-3 {
			t.Fatalf("the loss is %g where networks differ", loss)
		}
		must(net.Backward())(t)
		grad := must(net.Store().G.F32())(t)
		square := 0.0
		for _, x := range grad {
			square += float64(x) * float64(x)
		}
		moved := func(e float64) []float32 {
			out := slices.Clone(start)
			for i, x := range grad {
				out[i] -= float32(e * float64(x))
			}
			return out
		}
		e := 1e-2 / square
		fall := (8*(at(moved(-e))-at(moved(e))) - (at(moved(-2*e)) - at(moved(2*e)))) / (12 * e)
		if math.Abs(fall/square-1) > 5e-3 {
			t.Errorf("along the gradient the loss falls by %g, its square is %g", fall, square)
		}
		if before, after := at(start), at(moved(0.2/square)); !(after < before) {
			t.Errorf("the loss was %g and is %g", before, after)
		}
		for name, err := range map[string]error{
			"an odd batch": second(train.NewPreferences(g.preferring(t, dev, 3), g.preferring(t, dev, 3), beta, 1, of, of)),
			"two sizes":    second(train.NewPreferences(net, g.preferring(t, dev, 2), beta, 1, of, of)),
			"half a pair":  second(train.NewPreferences(net, frozen, beta, 1, of[:1], of)),
			"beta":         second(train.NewPreferences(net, frozen, 0, 1, of, of)),
		} {
			if !errors.Is(err, train.ErrOptions) {
				t.Errorf("%s: %v", name, err)
			}
		}
		other := *of[1]
		other.Prompt.Points = make([]int64, 14)
		stranger := must(train.NewPreferences(net, frozen, beta, 1, pairs{of[0], &other}, of))(t)
		if _, _, err := stranger.Batch(0); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("a pair of two prompts: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// preferring returns a network that trains on b sequences, always with the same weights.
func (g *golden) preferring(t *testing.T, dev *gpu.Device, b int) *train.Network {
	t.Helper()
	l := &learner{Network: must(train.NewNetwork(dev, g.sys, b, g.sys.Window(), train.NetworkOptions{}))(t)}
	t.Cleanup(l.Free)
	if err := l.fill(g); err != nil {
		t.Fatal(err)
	}
	return l.Network
}

// TestQuadGPTSharesConditions draws several meshes from the same points at once. The condition is
// read once, and its pages are shared.
func TestQuadGPTSharesConditions(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		p := must(system.ToTrain("quadgpt"))(t)
		g := &golden{name: "quadgpt", sys: must(p.Open([]byte(strings.Replace(quadConfig(2), `"points": 14`, `"points": 78`, 1)), nil))(t)}
		l := g.learn(t, dev, system.Prompt{Points: make([]int64, 78), Faces: 1}, make([]uint32, 78+13))
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := l.Store().Save(path, safetensors.F32, false, nil); err != nil {
			t.Fatal(err)
		}
		w := must(safetensors.Open(path))(t)
		defer w.Close()
		var requests []engine.Request
		for i := range 3 {
			requests = append(requests, request(g.sys, fmt.Sprint(i), system.Prompt{Points: make([]int64, 78), Faces: 4, Given: make([]uint32, 78)}, 1))
		}
		var drawn [2][]engine.Result
		for i, apart := range []bool{true, false} {
			e := must(engine.New(dev, g.sys, nn.File(w), engine.Options{Slots: 3, Apart: apart}))(t)
			drawn[i] = together(t, e, requests)
			if s := e.Stats(); apart != (s.Shared == 0) || s.Pages != 0 {
				t.Errorf("apart %v: %d rows are shared, %d pages are still lent", apart, s.Shared, s.Pages)
			}
			e.Close()
		}
		for i := range requests {
			if !slices.Equal(drawn[0][i].Tokens, drawn[1][i].Tokens) {
				t.Errorf("mesh %d is another one where the condition is shared", i)
			}
		}
	})
}
