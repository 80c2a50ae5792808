package systems_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/train"
)

var trained = []string{"llamagen", "par", "nar", "var", "var-sharedaln", "mar", "d-ar", "nova", "nova-rope"}

// TestFreshIsThePublished makes systems from the authors' config.json alone. They declare
// what the authors' checkpoints hold.
func TestFreshIsThePublished(t *testing.T) {
	for _, name := range append([]string{"par-n9"}, trained...) {
		g := open(t, name)
		config := must(os.ReadFile(filepath.Join("testdata", name, "config.json")))(t)
		found := must(system.Detect(nn.File(g.weights)))(t).Described(g.sys.Name)
		p := must(system.ToTrain(found.Name))(t)
		fresh := must(p.Open(config, nil))(t)
		if !reflect.DeepEqual(fresh.Params.Specs(), g.sys.Params.Specs()) || !reflect.DeepEqual(fresh.Layout, g.sys.Layout) || fresh.Dropout != 0.1 {
			t.Errorf("%s: made from its config.json it is another system", name)
		}
	}
	if _, err := system.ToTrain("infinitystar"); !errors.Is(err, system.ErrUnknown) {
		t.Errorf("infinitystar trains: %v", err)
	}
	for name, config := range map[string]string{
		"captions": `{"dim": 64, "n_layer": 1, "n_head": 4, "caption_dim": 32}`, "no size": `{}`, "dropout": `{"dim": 64, "n_layer": 1, "n_head": 4, "class_dropout_prob": 2}`,
		"multiple": `{"dim": 64, "n_layer": 1, "n_head": 4, "multiple_of": -1}`,
	} {
		if _, err := must(system.ToTrain("llamagen"))(t).Open([]byte(config), nil); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPicturesAreLaidOut lays samples of shards out.
func TestPicturesAreLaidOut(t *testing.T) {
	g := open(t, "nar") // 5 by 5 of 64 values, 10 classes
	good := func() shard.Sample {
		return shard.Sample{ID: "a", Kind: shard.KindVQ, Grid: []int32{5, 5}, Tokens: make([]int64, 25), Meta: map[string]string{"class": "7"}}
	}
	p, tokens, err := g.sys.Flatten(good())
	if err != nil || p.Class != 7 || len(tokens) != 25 {
		t.Fatalf("class %d, %d tokens, error %v", p.Class, len(tokens), err)
	}
	for name, change := range map[string]func(*shard.Sample){
		"kind":  func(s *shard.Sample) { s.Kind = shard.KindCube },
		"grid":  func(s *shard.Sample) { s.Grid = []int32{25, 1} },
		"count": func(s *shard.Sample) { s.Tokens = s.Tokens[1:] },
		"token": func(s *shard.Sample) { s.Tokens[3] = 64 },
		"minus": func(s *shard.Sample) { s.Tokens[3] = -1 },
		"class": func(s *shard.Sample) { s.Meta["class"] = "seven" },
	} {
		s := good()
		change(&s)
		if _, _, err := g.sys.Flatten(s); !errors.Is(err, shard.ErrSample) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := good()
	s.Meta["class"] = "10"
	if p, tokens, err = g.sys.Flatten(s); err != nil {
		t.Fatal(err)
	}
	if _, err := train.Flatten(g.sys, p, tokens); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("class 10 of 10: %v", err)
	}
}

// TestTrainingLowersTheAuthorsLoss moves the weights of each golden down the gradient, and
// compares the slope with the loss. The directions of NAR are joined by a mean.
func TestTrainingLowersTheAuthorsLoss(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, name := range goldens {
			g := open(t, name)
			q := must(train.Flatten(g.sys, g.prompts(t)[0], g.forcedTokens(t, 0)))(t)
			net := must(train.NewNetwork(dev, g.sys, 1, q.N, train.NetworkOptions{}))(t)
			if err := net.Store().Load(g.weights, false); err != nil {
				t.Fatal(err)
			}
			must(net.SetBatch([]train.Window{{Seq: q, To: q.N}}))(t)
			must(net.Backward())(t)
			p, grad := must(net.Store().P.F32())(t), must(net.Store().G.F32())(t)
			slope := 0.0
			for _, x := range grad {
				slope += float64(x) * float64(x)
			}
			at := func(e float64) float64 {
				moved := make([]float32, len(p))
				for i := range p {
					moved[i] = p[i] - float32(e*float64(grad[i]))
				}
				if err := net.Store().P.WriteF32(moved); err != nil {
					t.Fatal(err)
				}
				return must(net.Forward())(t)
			}
			e := 1e-2 / max(slope, 1e-3) // the loss falls by a hundredth
			fall := (8*(at(-e)-at(e)) - (at(-2*e) - at(2*e))) / (12 * e)
			if d := fall/slope - 1; d > 5e-3 || d < -5e-3 {
				t.Errorf("%s: along the gradient the loss falls by %g, its square is %g", name, fall, slope)
			}
			net.Free()
		}
	})
}
