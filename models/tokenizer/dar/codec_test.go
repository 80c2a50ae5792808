package dar

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
)

func TestMain(m *testing.M) { gputest.Main(m) }

// open opens the tiny tokenizer.
func open(t *testing.T, dev *gpu.Device, o Options) *Codec {
	t.Helper()
	cfg, err := Describe([]byte(tinyText), tiny())
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(dev, cfg, tiny(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Free)
	return c
}

// TestOracle compares tokens and pixels with those in float64. A token must be the nearest code,
// or as near to rounding.
func TestOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c, o := open(t, dev, Options{}), oracle{tiny(), map[string][]float64{}}
		pix := c.Config().Noise("a picture")
		tokens, err := c.EncodeFloats(pix)
		if err != nil {
			t.Fatal(err)
		}
		for i, z := range o.encode(pix) {
			best, got := math.Inf(-1), 0.0
			for code := range tinyCodes {
				dot := 0.0
				for j, v := range o.code(code) {
					dot += v * z[j]
				}
				best = max(best, dot)
				if uint32(code) == tokens[i] {
					got = dot
				}
			}
			if !(best-got <= 1e-5*(1+math.Abs(best))) {
				t.Errorf("token %d is %d, at %g, and the nearest code at %g", i, tokens[i], got, best)
			}
		}
		if slices.Equal(tokens, make([]uint32, len(tokens))) || len(slices.Compact(slices.Clone(tokens))) == 1 {
			t.Errorf("all tokens are alike: %v", tokens)
		}
		noise := c.Config().Noise("noise")
		x, err := c.DecodeFloats(tokens, noise)
		if err != nil {
			t.Fatal(err)
		}
		worst, scale := 0.0, 0.0
		for i, want := range o.decode(tokens, noise) {
			for j, got := range patch(x, tinyPaint, i) {
				worst, scale = max(worst, math.Abs(got-want[j])), max(scale, math.Abs(want[j]))
			}
		}
		t.Logf("pixels are off by %.1e", worst/scale)
		if !(worst/scale < 1e-4) {
			t.Errorf("pixels are off by %g of %g", worst, scale)
		}
	})
}

// TestDecode holds that a picture is the same every time, and depends on tokens and on noise.
func TestDecode(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, Options{DecodeOnly: true})
		cfg := c.Config()
		draw := func(id string, token uint32) []uint8 {
			tokens := make([]uint32, tinyTokens)
			tokens[0] = token
			pix, err := c.Decode(tokens, cfg.Noise(id))
			if err != nil {
				t.Fatal(err)
			}
			return pix
		}
		first := draw("a", 0)
		if !slices.Equal(first, draw("a", 0)) || slices.Equal(first, draw("b", 0)) || slices.Equal(first, draw("a", 9)) {
			t.Error("a picture does not depend on its tokens and its noise alone")
		}
		tokens := make([]uint32, tinyTokens)
		for _, x := range []struct {
			tokens []uint32
			noise  []float32
			want   error
		}{{tokens[1:], cfg.Noise(""), ErrSize}, {tokens, nil, ErrSize}, {append(tokens[1:], tinyCodes), cfg.Noise(""), ErrToken}} {
			if _, err := c.Decode(x.tokens, x.noise); !errors.Is(err, x.want) {
				t.Errorf("%v, want %v", err, x.want)
			}
		}
		if _, err := c.Encode(make([]uint8, cfg.Pixels())); !errors.Is(err, ErrNoEncoder) {
			t.Errorf("without an encoder: %v", err)
		}
		c.Free()
		if _, err := c.Decode(tokens, cfg.Noise("")); !errors.Is(err, gpu.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

// TestMemory holds that a device with what [Bytes] says opens a tokenizer, and that one with less
// refuses.
func TestMemory(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, o := range []Options{{}, {DecodeOnly: true}} {
			cfg, err := Describe([]byte(tinyText), tiny())
			if err != nil {
				t.Fatal(err)
			}
			bytes, err := Bytes(cfg, tiny(), o)
			if err != nil {
				t.Fatal(err)
			}
			limited := func(n uint64) *gpu.Device {
				return gputest.Open(t, gpu.Options{Device: fmt.Sprint(dev.Info().Index), MemoryLimit: n})
			}
			c := open(t, limited(bytes), o)
			if _, err := c.Decode(make([]uint32, tinyTokens), cfg.Noise("")); err != nil {
				t.Error(err)
			}
			if _, err := Open(limited(bytes-1), cfg, tiny(), o); !errors.Is(err, gpu.ErrOutOfMemory) {
				t.Errorf("%+v with %d bytes: %v", o, bytes-1, err)
			}
		}
	})
}

// A picture is decoded from tokens and noise.
func Example() {
	weights := tiny() // of a checkpoint, nn.File
	cfg, err := Describe([]byte(tinyText), weights)
	if err != nil {
		panic(err)
	}
	dev, err := gpu.Open(gpu.Options{})
	if err != nil {
		panic(err)
	}
	defer dev.Close()
	c, err := Open(dev, cfg, weights, Options{DecodeOnly: true})
	if err != nil {
		panic(err)
	}
	defer c.Free()
	pix, err := c.Decode(make([]uint32, cfg.Tokens), cfg.Noise("a picture"))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d tokens are %d by %d pixels, %d bytes\n", cfg.Tokens, cfg.Side, cfg.Side, len(pix))
	// Output: 20 tokens are 16 by 16 pixels, 768 bytes
}

// TestBadDescriptions checks which descriptions are refused.
func TestBadDescriptions(t *testing.T) {
	for _, text := range []string{
		`{"num_all_queries": 25}`, `{"num_all_queries": 8, "num_query_groups": 9}`, `{"num_all_queries": 8, "queries_per_step": 9}`, `{"num_all_queries": 8, "num_denoising_steps": 0}`,
		`{"num_all_queries": 8, "sampling_resolution": 20}`, `{"num_all_queries": 8, "sampling_resolution": 16, "diff_decoder": {"mlp_head": true}}`,
		`{"num_all_queries": 8, "sampling_resolution": 16, "diff_decoder": {"data_std": 0}}`, `[`, `{"model": 3}`,
	} {
		if _, err := Describe([]byte(text), tiny()); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", text, err)
		}
	}
	w := tiny()
	delete(w, "diff_decoder.net.blocks.1.cross_attn.q.bias")
	cfg, err := Describe([]byte(tinyText), w)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Bytes(cfg, w, Options{}); !errors.Is(err, nn.ErrWeights) {
		t.Errorf("a missing tensor: %v", err)
	}
}

// FuzzDescribe reads any description. What it takes has groups of tokens that there are.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte(tinyText))
	f.Add([]byte(`{"num_all_queries": 10, "num_query_groups": 3, "queries_per_step": 5, "num_denoising_steps": 7, "sampling_resolution": 32}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Describe(text, tiny())
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Error(err)
			}
			return
		}
		for step := range c.Steps {
			if first := c.group(step); first < 0 || first+c.Each > c.Tokens {
				t.Fatalf("step %d looks at tokens %d to %d of %d", step, first, first+c.Each, c.Tokens)
			}
		}
	})
}
