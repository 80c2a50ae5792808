package vq

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// fake are named tensors in memory.
type fake map[string]fakeTensor

type fakeTensor struct {
	shape []int
	data  []float32
}

func (f fake) Names() []string { return slices.Sorted(maps.Keys(f)) }

func (f fake) Shape(name string) ([]int, bool) {
	x, ok := f[name]
	return x.shape, ok
}

func (f fake) Floats(name string) ([]float32, error) {
	x, ok := f[name]
	if !ok {
		return nil, fmt.Errorf("%w: no %s", nn.ErrWeights, name)
	}
	return slices.Clone(x.data), nil
}

// read adds a file's tensors.
func (f fake) read(tb testing.TB, path string) fake {
	tb.Helper()
	file, err := safetensors.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	for _, name := range file.Names() {
		x, err := file.Tensor(name)
		if err != nil {
			tb.Fatal(err)
		}
		data, err := x.Float32s()
		if errors.Is(err, safetensors.ErrDType) { // integers
			data, err = integers(x), nil
		}
		if err != nil {
			tb.Fatal(err)
		}
		f[name] = fakeTensor{x.Shape, data}
	}
	return f
}

func integers(x safetensors.Tensor) []float32 {
	out := make([]float32, x.Elements())
	for i := range out {
		b := x.Data[4*i:]
		out[i] = float32(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
	}
	return out
}

// both are the weights of the tiny tokenizer's two halves.
func both(tb testing.TB) fake {
	return fake{}.read(tb, "testdata/encoder.safetensors").read(tb, "testdata/decoder.safetensors")
}

// random draws weights for a configuration, of a size that keeps values near one.
func random(cfg Config) fake {
	f := fake{}
	params := append(append(cfg.encoderHalf().params(), cfg.decoderHalf().params()...), cfg.codes())
	for i, p := range params {
		n := tensor.Elems(p.shape)
		x := gputest.Normal(uint64(i+1), n)
		scale := float32(0.1)
		if len(p.shape) == 4 {
			scale = float32(1 / math.Sqrt(float64(n/p.shape[0])))
		}
		for j := range x {
			x[j] *= scale
			if strings.HasSuffix(p.name, ".weight") && len(p.shape) == 1 {
				x[j]++
			}
		}
		f[p.name] = fakeTensor{p.shape, x}
	}
	return f
}

// TestNames holds that the network has exactly the tensors of the published layout.
func TestNames(t *testing.T) {
	cfg := tiny(t)
	want := both(t)
	got := fake{}
	for _, p := range append(append(cfg.encoderHalf().params(), cfg.decoderHalf().params()...), cfg.codes()) {
		if _, twice := got[p.name]; twice {
			t.Errorf("%s is there twice", p.name)
		}
		got[p.name] = fakeTensor{shape: p.shape}
		if !slices.Equal(want[p.name].shape, p.shape) {
			t.Errorf("%s is %v, the file has %v", p.name, p.shape, want[p.name].shape)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d tensors, the file has %d", len(got), len(want))
	}
}

// TestParameters counts what the published tokenizers have.
func TestParameters(t *testing.T) {
	for name, want := range map[string]int{"VQ-8": 70, "VQ-16": 72} {
		cfg, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range append(append(cfg.encoderHalf().params(), cfg.decoderHalf().params()...), cfg.codes()) {
			n += tensor.Elems(p.shape)
		}
		enc, dec := cfg.encoderHalf(), cfg.decoderHalf()
		t.Logf("%s: %d parameters, %d MB of weights on the device to encode and %d to decode, %d and %d MB for 256 by 256 pixels", name, n,
			weightBytes(enc.params())/1e6, weightBytes(dec.params())/1e6, cfg.programBytes(enc, 256, 256)/1e6, cfg.programBytes(dec, 256, 256)/1e6)
		if n/1e6 != want && (n+5e5)/1e6 != want {
			t.Errorf("%s has %d parameters, want %d million", name, n, want)
		}
	}
}

func TestToDevice(t *testing.T) {
	p := param{name: "conv", shape: []int{3, 3, 2, 2}} // channels out and in get a fourth
	x := make([]float32, 36)
	for i := range x {
		x[i] = float32(i + 1)
	}
	y := p.toDevice(x)
	if len(y) != 4*4*4 {
		t.Fatalf("%d elements", len(y))
	}
	for o := range 4 {
		for tap := range 4 {
			for c := range 4 {
				want := float32(0)
				if o < 3 && c < 3 {
					want = x[(o*3+c)*4+tap]
				}
				if got := y[(o*4+tap)*4+c]; got != want {
					t.Errorf("out %d, tap %d, in %d: %g, want %g", o, tap, c, got, want)
				}
			}
		}
	}
	if bias := (param{name: "bias", shape: []int{3}}).toDevice([]float32{1, 2, 3}); !slices.Equal(bias, []float32{1, 2, 3, 0}) {
		t.Errorf("bias %v", bias)
	}
}

func TestNormalize(t *testing.T) {
	x := []float32{3, 4, 0, 0, 1e-20, 0, -1e20, 0}
	normalize(x, 2)
	want := []float32{0.6, 0.8, 0, 0, 1e-8, 0, -1, 0}
	if !slices.Equal(x, want) {
		t.Errorf("%v, want %v", x, want)
	}
}

// TestOpenRefuses holds that weights which do not fit are refused by name.
func TestOpenRefuses(t *testing.T) {
	cfg := tiny(t)
	good := both(t)
	deep, few := cfg, cfg
	deep.NumResBlocks, few.NumResBlocks = 3, 1
	broken := func(name string, value float32) fake {
		w := maps.Clone(good)
		x := w[name]
		x.data = slices.Clone(x.data)
		x.data[len(x.data)-1] = value
		w[name] = x
		return w
	}
	without := func(names ...string) fake {
		w := maps.Clone(good)
		for _, n := range names {
			delete(w, n)
		}
		return w
	}
	shaped := func(name string, shape ...int) fake {
		w := maps.Clone(good)
		w[name] = fakeTensor{shape, good[name].data}
		return w
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range map[string]struct {
			cfg   Config
			w     fake
			kind  error
			words []string
		}{
			"empty":       {cfg, fake{}, nn.ErrWeights, []string{"encoder"}},
			"codes alone": {cfg, fake{codesName: good[codesName]}, nn.ErrWeights, []string{"encoder"}},
			"no codes":    {cfg, without(codesName), nn.ErrWeights, []string{codesName, "[64 8]"}},
			"no bias":     {cfg, without("decoder.mid.1.q.bias"), nn.ErrWeights, []string{"decoder.mid.1.q.bias", "[64]"}},
			"shape":       {cfg, shaped("quant_conv.weight", 16, 8, 1, 1), nn.ErrWeights, []string{"quant_conv.weight", "[16 8 1 1]", "[8 16 1 1]"}},
			"deeper":      {deep, good, nn.ErrWeights, []string{"encoder.conv_blocks.0.res.2", "missing"}},
			"shallower":   {few, good, nn.ErrWeights, []string{"not in the network", ".1."}},
			"NaN":         {cfg, broken("decoder.conv_out.bias", float32(math.NaN())), nn.ErrWeights, []string{"decoder.conv_out.bias", "finite"}},
			"infinite":    {cfg, broken(codesName, float32(math.Inf(1))), nn.ErrWeights, []string{codesName, "finite"}},
			"config":      {Config{}, good, ErrConfig, []string{"codebook_size"}},
		} {
			k, err := Open(dev, c.cfg, c.w, Options{})
			if !errors.Is(err, c.kind) {
				t.Errorf("%s: %v, want %v", name, err, c.kind)
			}
			for _, word := range c.words {
				if err != nil && !strings.Contains(err.Error(), word) {
					t.Errorf("%s: %q lacks %q", name, err, word)
				}
			}
			if k != nil {
				t.Errorf("%s: opened", name)
			}
		}
	})
}
