package vq

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
)

// both are the weights of the tiny tokenizer's two halves.
func both(tb testing.TB) cnntest.Tensors {
	tb.Helper()
	w := cnntest.Read(tb, "testdata/encoder.safetensors")
	maps.Copy(w, cnntest.Read(tb, "testdata/decoder.safetensors"))
	return w
}

// random draws weights for a configuration, of a size that keeps values near one.
func random(cfg Config) cnntest.Tensors {
	f := cnntest.Tensors{}
	params := cfg.model().Params()
	for i, p := range params {
		n := tensor.Elems(p.Shape)
		x := gputest.Normal(uint64(i+1), n)
		scale := float32(0.1)
		if len(p.Shape) == 4 {
			scale = float32(1 / math.Sqrt(float64(n/p.Shape[0])))
		}
		for j := range x {
			x[j] *= scale
			if strings.HasSuffix(p.Name, ".weight") && len(p.Shape) == 1 {
				x[j]++
			}
		}
		f[p.Name] = cnntest.Tensor{Shape: p.Shape, Data: x}
	}
	return f
}

// TestNames holds that the network has exactly the tensors of the published layout.
func TestNames(t *testing.T) {
	cfg := tiny(t)
	want := both(t)
	got := cnntest.Tensors{}
	for _, p := range cfg.model().Params() {
		if _, twice := got[p.Name]; twice {
			t.Errorf("%s is there twice", p.Name)
		}
		got[p.Name] = cnntest.Tensor{Shape: p.Shape}
		if !slices.Equal(want[p.Name].Shape, p.Shape) {
			t.Errorf("%s is %v, the file has %v", p.Name, p.Shape, want[p.Name].Shape)
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
		for _, p := range cfg.model().Params() {
			n += tensor.Elems(p.Shape)
		}
		t.Logf("%s: %d parameters", name, n)
		if n/1e6 != want && (n+5e5)/1e6 != want {
			t.Errorf("%s has %d parameters, want %d million", name, n, want)
		}
	}
}

// TestOpenRefuses holds that weights which do not fit are refused by name.
func TestOpenRefuses(t *testing.T) {
	cfg := tiny(t)
	good := both(t)
	deep, few := cfg, cfg
	deep.NumResBlocks, few.NumResBlocks = 3, 1
	broken := func(name string, value float32) cnntest.Tensors {
		w := maps.Clone(good)
		x := w[name]
		x.Data = slices.Clone(x.Data)
		x.Data[len(x.Data)-1] = value
		w[name] = x
		return w
	}
	without := func(names ...string) cnntest.Tensors {
		w := maps.Clone(good)
		for _, n := range names {
			delete(w, n)
		}
		return w
	}
	shaped := func(name string, shape ...int) cnntest.Tensors {
		w := maps.Clone(good)
		w[name] = cnntest.Tensor{Shape: shape, Data: good[name].Data}
		return w
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range map[string]struct {
			cfg   Config
			w     cnntest.Tensors
			kind  error
			words []string
		}{
			"empty":       {cfg, cnntest.Tensors{}, nn.ErrWeights, []string{"encoder"}},
			"codes alone": {cfg, cnntest.Tensors{codesName: good[codesName]}, nn.ErrWeights, []string{"encoder"}},
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
