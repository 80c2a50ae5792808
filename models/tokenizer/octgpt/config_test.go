package octgpt

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
	"github.com/morton-gen/morton/octree/dual"
)

// zeros are weights of given shapes that are 0.
type zeros map[string][]int

func (z zeros) Names() []string { return slices.Sorted(maps.Keys(z)) }

func (z zeros) Shape(name string) ([]int, bool) { x, ok := z[name]; return x, ok }

func (z zeros) Floats(name string) ([]float32, error) {
	return make([]float32, tensor.Elems(z[name])), nil
}

// published has the names and shapes of a released tokenizer: those of the network, the heads
// that only training looks at, and a table that nobody does.
func published(c Config) zeros {
	z := zeros{"quantizer.basis": {c.Bits}}
	l := append(c.encoder(), c.decoder()...)
	for i := range c.Depth - c.Code + 1 {
		channels := c.Up[c.Code-c.Top+i].Channels
		c.head(&l, fmt.Sprintf("decoder.predict.%d", i), channels, 2)
		c.head(&l, fmt.Sprintf("decoder.regress.%d", i), channels, 4)
	}
	for _, p := range l {
		z[p.Name] = p.Shape
	}
	return z
}

func stages(blocks []int, channels ...int) (out []Stage) {
	for i, c := range channels {
		out = append(out, Stage{c, blocks[i]})
	}
	return out
}

// released are the four classes of upstream's code, of which it released the large one's weights.
// The hash is that of all names with their shapes.
var released = []struct {
	name       string
	parameters int
	hash       string
	Config
}{
	{"vqvae_large", 33_802_450, "2d2052a019a298f58df496874c439754910deb48f68f505cf8f88441fd87c551", Config{
		Depth: 8, Narrow: 1, Encoder: stages([]int{2, 2, 2}, 32, 32, 64), Down: stages([]int{2, 4, 8, 2}, 64, 128, 256, 512), Up: stages([]int{2, 4, 8, 2, 2, 2}, 512, 256, 128, 64, 32, 32),
	}},
	{"vqvae_big", 7_963_698, "9ff339016f6c746231d4e0a7b9588b56c96981cd5a1d12c3bf03dee30914d303", Config{
		Depth: 8, Narrow: 1, Encoder: stages([]int{2, 2, 2}, 32, 32, 64), Down: stages([]int{2, 4, 4, 2}, 32, 64, 128, 256), Up: stages([]int{2, 4, 4, 2, 2, 2}, 256, 128, 64, 32, 32, 32),
	}},
	{"vqvae", 4_211_954, "900bd91964a990cbbfbad8ff813928adec56212cc92ce015463a4d55bd295c21", Config{
		Depth: 8, Narrow: 2, Encoder: stages([]int{1, 1, 1}, 32, 32, 64), Down: stages([]int{1, 2, 4, 2}, 32, 64, 128, 256), Up: stages([]int{2, 4, 2, 2, 1, 1}, 256, 128, 64, 32, 32, 32),
	}},
	{"vqvae_huge", 185_583_704, "ccb0ef9eddc3c39a4db5c997dbc72cb984a1fe5c11b8441b4941c496d95fcdc8", Config{
		Depth: 9, Narrow: 1, Encoder: stages([]int{2, 2, 2, 2}, 32, 64, 128, 256), Down: stages([]int{2, 4, 4, 4}, 256, 256, 512, 1024), Up: stages([]int{4, 4, 4, 2, 2, 2, 2}, 1024, 512, 256, 256, 128, 64, 32),
	}},
}

// TestReleased describes the released tokenizers by the names and shapes of their tensors, and
// tells their memory. The large one, and with MORTON_TEST=all every one, is opened with weights
// that are 0 and takes a shape: no node splits but the first, and the field is 0.
func TestReleased(t *testing.T) {
	for i, x := range released {
		want := x.Config
		want.Top, want.Code, want.Bits, want.Hidden, want.Faces, want.Resolution, want.Level = 3, 6, 32, 64, Triangles, 256, 0.002
		w := published(want)
		var text strings.Builder
		n := 0
		for _, name := range w.Names() {
			fmt.Fprintln(&text, name, w[name])
			n += tensor.Elems(w[name])
		}
		if hash := fmt.Sprintf("%x", sha256.Sum256([]byte(text.String()))); hash != x.hash || n != x.parameters {
			t.Errorf("%s: %d parameters, names and shapes with the hash %s", x.name, n, hash)
		}
		c, err := Describe(nil, w)
		if err != nil || fmt.Sprintf("%+v", c) != fmt.Sprintf("%+v", want) {
			t.Fatalf("%s: read %+v, %v, want %+v", x.name, c, err, want)
		}
		bytes, err := Bytes(c, w)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d parameters, %d MB", x.name, n, bytes>>20)
		if i > 0 && !gputest.Exhaustive() {
			continue
		}
		gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
			codec, err := Open(dev, c, w)
			if err != nil {
				t.Fatal(err)
			}
			defer codec.Free()
			tree, codes, err := codec.Encode(ball(500))
			if err != nil || slices.Max(codes) != 0 || len(codes) != len(tree.Keys(6)) {
				t.Fatalf("%d codes, %v", len(codes), err)
			}
			fine, values, err := codec.decode(tree, codes)
			if err != nil || slices.Min(values) != 0 || slices.Max(values) != 0 || len(fine.Keys(c.Depth)) != 8 {
				t.Errorf("%d values, %v", len(values), err)
			}
		})
	}
}

// tinyConfig is the description of testdata.
func tinyConfig(tb testing.TB) json.RawMessage {
	tb.Helper()
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestDescribe(t *testing.T) {
	w := weights(t).(cnntest.Tensors)
	for text, want := range map[string]error{
		`[]`: ErrConfig, `{"feature": "L"}`: ErrConfig, `{"quantizer_type": "vq"}`: ErrConfig, `{"faces": "pentagons"}`: ErrConfig, `{"resolution": 7}`: ErrConfig, `{"resolution": 4096}`: ErrConfig,
		`{"level": 2}`: ErrConfig, string(make([]byte, 1<<20+1)): ErrConfig, `{}`: nil, `{"faces": "quads", "resolution": 64}`: nil,
	} {
		if _, err := Describe(json.RawMessage(text), w); !errors.Is(err, want) {
			t.Errorf("%.60s: %v", text, err)
		}
	}
	for _, name := range []string{"post_proj.weight", "decoder.encoder.0.resblks.0.conva.conv.weights", "decoder.regress.2.conv2.linear.weight", "encoder.conv1.conv.weights", "encoder.downsample.1.conv.weights"} {
		spoiled := maps.Clone(w)
		delete(spoiled, name)
		if _, err := Describe(tinyConfig(t), spoiled); !errors.Is(err, nn.ErrWeights) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if _, err := Describe(nil, cnntest.Tensors{"post_proj.weight": w["post_proj.weight"]}); !errors.Is(err, nn.ErrWeights) {
		t.Errorf("one tensor: %v", err)
	}
	for name, change := range map[string]func(c *Config){
		"levels": func(c *Config) { c.Code = 9 }, "stages": func(c *Config) { c.Up = c.Up[1:] }, "skips": func(c *Config) { c.Up[0].Channels = 64 }, "odd bits": func(c *Config) { c.Bits = 31 },
		"channels": func(c *Config) { c.Up[5].Channels = 6 }, "no blocks": func(c *Config) { c.Down[0].Blocks = 0 }, "narrow": func(c *Config) { c.Narrow = 0 },
	} {
		c, err := Describe(nil, w)
		if err != nil {
			t.Fatal(err)
		}
		if change(&c); !errors.Is(c.Validate(), ErrConfig) {
			t.Errorf("%s: %v", name, c.Validate())
		}
	}
}

// FuzzDescribe holds that no shapes make a panic, nor a network that its own bounds do not allow.
func FuzzDescribe(f *testing.F) {
	full := weights(f).(cnntest.Tensors)
	names := full.Names()
	f.Add([]byte(tinyConfig(f)), uint16(0), 0, 0)
	f.Add([]byte(`{"faces":"quads"}`), uint16(5), 1, 1<<40)
	f.Fuzz(func(t *testing.T, config []byte, at uint16, axis, extent int) {
		w := zeros{}
		for _, n := range names {
			w[n], _ = full.Shape(n)
		}
		n := names[int(at)%len(names)]
		w[n] = slices.Clone(w[n])
		w[n][max(axis, 0)%len(w[n])] = extent
		c, err := Describe(config, w)
		if err == nil {
			_, err = Bytes(c, w)
		}
		if err != nil && !errors.Is(err, ErrConfig) && !errors.Is(err, nn.ErrWeights) {
			t.Fatal(err)
		}
		if err == nil && (c.Validate() != nil || c.Depth > 10 || c.Top > dual.MaxTop) {
			t.Fatalf("%+v", c)
		}
	})
}
