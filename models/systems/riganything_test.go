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
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/rigs"
	"github.com/morton-gen/morton/models/train"
)

// The sizes of a tiny network.
const (
	rigPoints, rigJoints, rigWidth, rigHeads, rigHidden, rigPairs = 32, 6, 16, 2, 24, 8
	rigBlocks, rigTaught                                          = 2, 12
)

func rigConfig() string {
	return fmt.Sprintf(`{"width": %d, "heads": %d, "hidden": %d, "blocks": %d, "points": %d, "joints": %d, "skins": %d, "pairs": %d, "head_width": 16, "head_depth": 2, "lessons": 2, "sampling_steps": "6"}`,
		rigWidth, rigHeads, rigHidden, rigBlocks, rigPoints, rigJoints, rigTaught, rigPairs)
}

// openRig opens a tiny network as a golden without answers, and without weights.
func openRig(t testing.TB) *golden {
	t.Helper()
	p := must(system.ToTrain("riganything"))(t)
	return &golden{name: "riganything", sys: must(p.Open([]byte(rigConfig()), nil))(t)}
}

// boxRig is a box on four joints: a chain of three, and a side branch of the root.
func boxRig() *rig.Rig {
	r := &rig.Rig{Mesh: mesh.QuadSphere(3), Joints: []rig.Joint{
		{At: mesh.Vec3{0, -0.8, 0}, Parent: rig.NoParent}, {At: mesh.Vec3{0, 0, 0.1}, Parent: 0}, {At: mesh.Vec3{0.6, -0.8, 0}, Parent: 0}, {At: mesh.Vec3{0, 0.7, 0}, Parent: 1},
	}}
	for _, p := range r.Mesh.Vertices {
		r.Weights = append(r.Weights, rig.NewInfluences(
			rig.Influence{Joint: 0, Weight: max(-p[1], 0)}, rig.Influence{Joint: 1, Weight: 1 - math.Abs(p[1])}, rig.Influence{Joint: 3, Weight: max(p[1], 0)}))
	}
	return r
}

func rigSample(t testing.TB) shard.Sample {
	t.Helper()
	s, _, err := rigs.Tokenizer{Config: rigs.Config{Points: rigPoints, Joints: rigJoints}}.Encode("box", system.Media{Rig: boxRig()}, system.Extent{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lessonRuns are the runs of the sample's only lesson.
func lessonRuns(t testing.TB, s *system.System, tokens []uint32) (runs []system.Run) {
	t.Helper()
	lesson := must(s.Practice(system.Prompt{}, func(i uint32) uint32 { return 2654435761 * i }))(t)
	for range 5 {
		runs = append(runs, must(lesson.Next(tokens))(t))
	}
	return runs
}

// TestRigAnythingLearns holds the network that trains, and the one that draws, to a float64 oracle of
// their states, conditions and scores, and the gradient to the slope of the loss.
func TestRigAnythingLearns(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := openRig(t)
		p, tokens, err := g.sys.Flatten(rigSample(t))
		if err != nil {
			t.Fatal(err)
		}
		runs := lessonRuns(t, g.sys, tokens)
		g.sys.Practice = func(q system.Prompt, _ func(uint32) uint32) (system.Schedule, error) {
			return order.Fixed(runs...), nil
		}
		l := g.learn(t, dev, p, tokens)
		loss := must(l.Forward())(t)
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := l.Store().Save(path, safetensors.F32, false, nil); err != nil {
			t.Fatal(err)
		}
		w := must(safetensors.Open(path))(t)
		defer w.Close()
		o := newRigOracle(t, nn.File(w), tokens, runs)
		kept := func(name string) []float32 { return must(l.kept[name].F32())(t) }
		check := func(what string, got []float32, want []float64) {
			t.Helper()
			if e := distance64(got[:len(want)], want); !(e < 2e-5) {
				t.Errorf("%s is off by %.1e", what, e)
			}
		}
		const candidates = 1 + rigJoints
		check("trained states", kept("states"), o.states)
		check("trained fused rows", kept("fused"), o.fused)
		for i := range o.scores {
			check(fmt.Sprint("trained scores of row ", i), kept("scores")[i*2*candidates:], o.scores[i])
		}
		if want := o.loss(g.sys, must(train.Flatten(g.sys, p, tokens))(t), kept("said")); !(math.Abs(loss/want-1) < 1e-5) {
			t.Errorf("the loss is %g, want %g", loss, want)
		}

		d := must(engine.NewDecoder(dev, g.sys, nn.File(w), engine.DecoderOptions{Slots: 1, Precision: nn.F32, Cache: nn.F32, Trace: true}))(t)
		defer d.Free()
		at, row := 0, 0
		for i, r := range runs {
			if err := d.SetTokens(0, 0, tokens); err != nil { // the run before has drawn others
				t.Fatal(err)
			}
			s := steps(t, d, 0, r)[0]
			traced := func(name string) []float32 { return must(d.Traced(s, name))(t) }
			rows := runs[i].N
			if runs[i].Stage == order.RigRead {
				check("drawn states", traced("states"), o.states[at*rigWidth:(at+rows)*rigWidth])
				at += rows
				continue
			}
			check("drawn fused rows", traced("fused"), o.fused[row*rigWidth:(row+rows)*rigWidth])
			for k := 0; k < rows && runs[i].Stage != order.RigPlace; k++ {
				check(fmt.Sprint("drawn scores of row ", row+k), traced("scores")[k*2*candidates:], o.scores[row+k])
			}
			row += rows
		}
		l.slope(t, "riganything")
	})
}

// TestRigAnythingDraws draws rigs alone and in company, and of other points another one. Each is
// a rig: parents stand before their joints, weights sum to 1, and its sample can be learned.
func TestRigAnythingDraws(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		g := openRig(t)
		k := must(g.sys.Tokenizer(dev, nil))(t)
		p, tokens, err := g.sys.Flatten(rigSample(t))
		if err != nil {
			t.Fatal(err)
		}
		l := g.learn(t, dev, p, tokens)
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := l.Store().Save(path, safetensors.F32, false, nil); err != nil {
			t.Fatal(err)
		}
		w := must(safetensors.Open(path))(t)
		defer w.Close()
		var prompts []system.Prompt
		var begun []*system.Beginning
		for _, m := range []*mesh.Mesh{boxRig().Mesh, mesh.Transformed(boxRig().Mesh, mesh.Matrix{0: 1, 5: 3, 10: 1, 15: 1}), boxRig().Mesh} {
			b := must(k.Begin("r", system.Media{Mesh: m}, system.Extent{}))(t)
			begun, prompts = append(begun, b), append(prompts, b.Prompt)
		}
		drawn := inCompany(t, dev, g.sys, nn.File(w), "r", prompts, 1, []engine.Options{{Slots: 3}, {Slots: 2, Pages: 1}, {Slots: 4, Apart: true, Steps: 1}})
		for i, tokens := range drawn {
			media, s, measures, err := begun[i].Finish(tokens)
			if err != nil {
				t.Fatalf("rig %d: %v", i, err)
			}
			if err := media.Rig.Validate(); err != nil || int(measures["joints"]) != len(media.Rig.Joints) {
				t.Errorf("rig %d: %v, %v", i, measures, err)
			}
			_, again, err := g.sys.Flatten(s)
			if err != nil {
				t.Errorf("rig %d: its sample: %v", i, err)
			} else if _, err := train.Flatten(g.sys, prompts[i], again); err != nil {
				t.Errorf("rig %d: its lesson: %v", i, err)
			}
			decoded, _, err := k.Decode(s)
			if err != nil || len(decoded.Rig.Joints) != len(media.Rig.Joints) || decoded.Rig.Joints[0].At.Sub(media.Rig.Joints[0].At).Len() > 1e-6 {
				t.Errorf("rig %d came back as %+v, %v", i, decoded.Rig, err)
			}
		}
		if slices.Equal(drawn[0], drawn[1]) || slices.Equal(drawn[0], drawn[2]) {
			t.Error("other points or another id change nothing")
		}
	})
}

// TestRigAnythingInIntegers draws with matrices in integers, but for those of tokens, whose rows are
// shorter than a group.
func TestRigAnythingInIntegers(t *testing.T) {
	p := must(system.ToTrain("riganything"))(t)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		config := fmt.Sprintf(`{"width": 64, "heads": 2, "hidden": 96, "blocks": 1, "points": %d, "joints": %d, "pairs": 32, "head_width": 64, "head_depth": 1, "sampling_steps": "4"}`, rigPoints, rigJoints)
		g := &golden{name: "riganything", sys: must(p.Open([]byte(config), nil))(t)}
		q, tokens, err := g.sys.Flatten(rigSample(t))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := g.learn(t, dev, q, tokens).Store().Save(path, safetensors.F32, false, nil); err != nil {
			t.Fatal(err)
		}
		w := must(safetensors.Open(path))(t)
		defer w.Close()
		b := must(must(g.sys.Tokenizer(dev, nil))(t).Begin("r", system.Media{Mesh: boxRig().Mesh}, system.Extent{}))(t)
		last, bytes := []uint32(nil), engine.Bytes(g.sys, engine.DecoderOptions{Slots: 1})
		for _, precision := range []nn.Precision{nn.Int8, nn.Int4} {
			e := must(engine.New(dev, g.sys, nn.File(w), engine.Options{Slots: 1, Precision: precision}))(t)
			drawn := must(e.Generate(t.Context(), request(g.sys, "r", b.Prompt, 1)))(t).Tokens
			e.Close()
			if _, _, _, err := b.Finish(drawn); err != nil || slices.Equal(drawn, last) {
				t.Errorf("%s: the tokens of int8, or %v", precision, err)
			}
			n := engine.Bytes(g.sys, engine.DecoderOptions{Slots: 1, Precision: precision})
			if n >= bytes {
				t.Errorf("%s takes %d bytes, the wider precision %d", precision, n, bytes)
			}
			last, bytes = drawn, n
		}
	})
}

// TestRigAnythingTeachesAllPoints trains on the influences of all points, as by default where there
// are few. A lesson then has more rows than the trunk has positions.
func TestRigAnythingTeachesAllPoints(t *testing.T) {
	p := must(system.ToTrain("riganything"))(t)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, skins := range []string{"", fmt.Sprintf(`"skins": %d, `, rigPoints)} {
			config := fmt.Sprintf(`{%s"points": %d, "joints": %d, "width": 16, "heads": 2, "hidden": 24, "blocks": 1, "pairs": 8, "head_width": 16, "head_depth": 1}`, skins, rigPoints, rigJoints)
			g := &golden{name: "riganything", sys: must(p.Open([]byte(config), nil))(t)}
			if w, most := g.sys.Window(), g.sys.Layout.Context; w != 1+2*rigJoints+rigPoints || w <= most {
				t.Fatalf("%s: %d rows of a lesson, %d of the trunk", config, w, most)
			}
			q, tokens, err := g.sys.Flatten(rigSample(t))
			if err != nil {
				t.Fatal(err)
			}
			g.learn(t, dev, q, tokens).slope(t, "riganything")
		}
	})
}

// TestRigAnythingRefuses opens what is no network, and prompts and samples that are none.
func TestRigAnythingRefuses(t *testing.T) {
	p := must(system.ToTrain("riganything"))(t)
	for config, rule := range map[string]string{
		`{"points": 100}`: "points is 100, want 16 to 16384 in multiples of 16", `{"joints": 1}`: "joints is 1, want 2 to 512", `{"skins": 0}`: "skins is 0, want 1 to 1024 with 1024 points",
		`{"points": 16, "skins": 17}`: "skins is 17, want 1 to 16 with 16 points", `{"skins": -1}`: "skins is -1", `{"width": 0}`: "width is 0", `{"heads": 0}`: "heads is 0", `{"heads": 1}`: "width is 1024, want 8 to 256",
		`{"width": 30, "heads": 4}`: "width is 30, want 8 to 1024 in multiples of 8 with 4 heads", `{"hidden": 3}`: "hidden is 3", `{"blocks": 0}`: "blocks is 0, want 1 to 256", `{"pairs": 3}`: "pairs is 3",
		`{"head_width": 3}`: "head_width is 3", `{"head_depth": 0}`: "head_depth is 0", `{"lessons": 0}`: "lessons is 0", `{"sampling_steps": "no"}`: `sampling_steps: head: bad network configuration: "no"`,
		`{"temperature": -1}`: "temperature is -1", `{"widht": 16}`: `unknown field "widht"`, `[]`: "array",
	} {
		if _, err := p.Open([]byte(config), nil); !errors.Is(err, nn.ErrConfig) || !strings.Contains(err.Error(), rule) {
			t.Errorf("%s: %v, want %q", config, err, rule)
		}
	}
	s := openRig(t).sys
	if _, err := s.Schedule(system.Prompt{Given: make([]uint32, 8)}); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("a point: %v", err)
	}
	for name, change := range map[string]func(*shard.Sample){
		"kind": func(x *shard.Sample) { x.Kind = shard.KindVQ }, "short": func(x *shard.Sample) { x.Tokens = x.Tokens[1:] },
		"points": func(x *shard.Sample) { x.Grid[0]++ }, "no joints": func(x *shard.Sample) { x.Grid[1] = 0 }, "joints": func(x *shard.Sample) { x.Grid[1] = 7 },
		"infinite": func(x *shard.Sample) { x.Tokens[0] = 0x7f800000 }, "no word": func(x *shard.Sample) { x.Tokens[0] = -1 },
		"a later parent": func(x *shard.Sample) { x.Tokens[8*rigPoints+12] = int64(math.Float32bits(4096*5 + 4095)) },
		"no influences":  func(x *shard.Sample) { clear(x.Tokens[len(x.Tokens)-4:]) },
		"the start":      func(x *shard.Sample) { x.Tokens[len(x.Tokens)-4] = int64(math.Float32bits(4095)) },
	} {
		x := rigSample(t)
		x.Tokens, x.Grid = slices.Clone(x.Tokens), slices.Clone(x.Grid)
		change(&x)
		if _, _, err := s.Flatten(x); !errors.Is(err, rigs.ErrSample) {
			t.Errorf("%s: %v", name, err)
		}
	}
	full := must(p.Open(nil, nil))(t)
	t.Logf("%d parameters, %d MB for a mesh in f16", full.Params.Count(), engine.Bytes(full, engine.DecoderOptions{Slots: 1})>>20)
}
