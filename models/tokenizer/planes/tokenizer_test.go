package planes

import (
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

func TestMain(m *testing.M) { gputest.Main(m) }

const golden = "../../systems/testdata/sar3d-image/"

// inside are the tensors of the tokenizer in the generator's file.
type inside struct{ nn.Weights }

func (w inside) Shape(name string) ([]int, bool)       { return w.Weights.Shape("vae." + name) }
func (w inside) Floats(name string) ([]float32, error) { return w.Weights.Floats("vae." + name) }

func must[T any](x T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

func file(t *testing.T, name string) nn.Weights {
	f := must(safetensors.Open(golden + name))(t)
	t.Cleanup(func() { f.Close() })
	return nn.File(f)
}

func tiny(t *testing.T) Config {
	return must(ParseConfig(must(os.ReadFile(golden + "config.json"))(t)))(t)
}

// TestDecode compares the planes of the authors' greedy run with theirs, and refuses samples
// that are none.
func TestDecode(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c, answers := tiny(t), file(t, "golden.safetensors")
		k := must(Open(dev, c, inside{file(t, "weights.safetensors")}))(t)
		defer k.Close()
		ids := must(must(safetensors.Open(golden + "golden.safetensors"))(t).Tensor("greedy.ids"))(t)
		var tokens []uint32
		for i := 0; i < len(ids.Data); i += 4 {
			tokens = append(tokens, uint32(ids.Data[i])|uint32(ids.Data[i+1])<<8)
		}
		b := must(k.Begin("a", system.Media{}, system.Extent{}))(t)
		if len(b.Notes) != 1 {
			t.Errorf("notes %q", b.Notes)
		}
		m, s, _, err := b.Finish(tokens)
		if err != nil {
			t.Fatal(err)
		}
		want, p := must(answers.Floats("greedy.fhat_after_scale4"))(t), m.Planes // [3, d, s, s]
		if p.N != 3 || p.H != 6 || p.W != 6 || p.C != 8 || len(p.X) != len(want) {
			t.Fatalf("%d planes of %d by %d by %d", p.N, p.H, p.W, p.C)
		}
		most, scale := 0.0, 0.0
		for i, x := range p.X {
			plane, place, channel := i/(36*8), i/8%36, i%8
			y := want[(plane*8+channel)*36+place]
			most, scale = max(most, math.Abs(float64(x-y))), max(scale, math.Abs(float64(y)))
		}
		if t.Logf("largest relative error %.1e", most/scale); !(most <= 1e-4*scale) {
			t.Errorf("planes are off by %.1e", most/scale)
		}
		if again, _, err := k.Decode(s); err != nil || !slices.Equal(again.Planes.X, p.X) {
			t.Errorf("the sample gives other planes: %v", err)
		}
		for name, spoil := range map[string]func(*shard.Sample){
			"kind": func(s *shard.Sample) { s.Kind = shard.KindScales }, "grid": func(s *shard.Sample) { s.Grid = s.Grid[1:] },
			"short": func(s *shard.Sample) { s.Tokens = s.Tokens[1:] }, "large": func(s *shard.Sample) { s.Tokens[5] = 96 }, "below": func(s *shard.Sample) { s.Tokens[5] = -1 },
		} {
			bad := s
			bad.Tokens = slices.Clone(s.Tokens)
			spoil(&bad)
			if _, _, err := k.Decode(bad); !errors.Is(err, shard.ErrSample) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := k.Encode("a", system.Media{}, system.Extent{}); !errors.Is(err, cnn.ErrNoEncoder) {
			t.Error(err)
		}
		if _, err := k.Begin("a", system.Media{Mesh: &mesh.Mesh{}}, system.Extent{}); !errors.Is(err, system.ErrPrompt) {
			t.Error(err)
		}
		k.Close()
		if _, _, err := k.Decode(s); !errors.Is(err, system.ErrClosed) {
			t.Error(err)
		}
		c.Dim = 16
		if _, err := Open(dev, c, inside{file(t, "weights.safetensors")}); !errors.Is(err, nn.ErrWeights) {
			t.Error(err)
		}
	})
}

// FuzzParseConfig holds that what is read is small enough to be listed.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"patch_nums":[1,2,3],"Cvae":8,"vocab_size":64}`))
	f.Add([]byte(`{"vocab_size":1e9,"patch_nums":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("error %v", err)
			}
			return
		}
		for _, p := range c.Params() {
			for _, n := range p.Shape {
				if n < 1 || n > 1<<20 {
					t.Fatalf("%s is %v", p.Name, p.Shape)
				}
			}
		}
	})
}
