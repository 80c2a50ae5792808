package msvq

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
)

func TestMain(m *testing.M) { gputest.Main(m) }

const (
	waypointBound = 1e-4
	pixelBound    = 1e-3
)

func tiny(tb testing.TB) Config {
	tb.Helper()
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		tb.Fatal(err)
	}
	cfg, err := ParseConfig(data)
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

func open(tb testing.TB, dev *gpu.Device, w nn.Weights, o Options) *Codec {
	tb.Helper()
	c, err := Open(dev, tiny(tb), w, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Free)
	return c
}

// layerOf returns the layer that a golden value is of, by the name of its tensors.
func layerOf(golden string) string {
	switch {
	case golden == "enc.quant_conv" || golden == "dec.post_quant_conv":
		return golden[4:]
	case strings.HasPrefix(golden, "enc.f_hat_"):
		return golden[len("enc.f_hat_"):]
	case golden == "in.f_hat":
		return "scale5"
	case golden == "enc.out":
		return "encoder.conv_out"
	}
	return strings.NewReplacer(
		"enc.", "encoder.", "dec.", "decoder.", "downsample", "downsample.conv", "upsample", "upsample.conv", "down", "down.", "up", "up.",
		"block_", "block_", "block", "block.", "attn_", "attn_", "attn", "attn.",
	).Replace(golden)
}

// compare holds every waypoint of a picture to what the last run kept. Those inside of the network
// are of the first picture.
func compare(t *testing.T, c *Codec, golden cnntest.Tensors, picture int) {
	t.Helper()
	names := 0
	for name, want := range golden {
		if name == "in.image" || name == "in.tokens" || strings.Contains(name, "idx") || name == "dec.pixels_clamped" || picture >= want.Shape[0] {
			continue
		}
		got, err := c.codec.Traced(layerOf(name))
		if err != nil || got == nil {
			t.Errorf("%s: no such waypoint as %s (%v)", name, layerOf(name), err)
			continue
		}
		names++
		bound := waypointBound
		if name == "dec.conv_out" {
			bound = pixelBound
		}
		e := cnntest.Distance(got, want.ChannelsLast(picture))
		t.Logf("picture %d: %-20s relative error %.2e", picture, name, e)
		if !(e <= bound) {
			t.Errorf("picture %d: %s: relative error %.3g, bound %g", picture, name, e, bound)
		}
	}
	if picture == 0 && names < 11 {
		t.Errorf("only %d waypoints are compared", names)
	}
}

func TestEncoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/encoder-golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/encoder.safetensors"), Options{Trace: true})
		tokens, err := c.EncodeFloats(golden["in.image"].Pixels(0), 24, 24)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, c, golden, 0)
		var want []uint32
		for k := range 6 {
			want = append(want, golden[fmt.Sprint("enc.idx_scale", k)].Row(0)...)
		}
		if !slices.Equal(tokens, want) || len(want) != 91 {
			t.Errorf("tokens %v, want %v", tokens, want)
		}
	})
}

func TestDecoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/decoder-golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/decoder.safetensors"), Options{Trace: true})
		for i := range 3 {
			x, err := c.DecodeFloats(golden["in.tokens"].Row(i))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, c, golden, i)
			for j := range x {
				x[j] = min(max(x[j], -1), 1)
			}
			if e := cnntest.Distance(x, golden["dec.pixels_clamped"].Pixels(i)); !(e <= pixelBound) {
				t.Errorf("picture %d: relative error %.3g of the pixels", i, e)
			}
		}
	})
}

// TestRefinerOf compares the shared convolutions of the scales with upstream's choice.
func TestRefinerOf(t *testing.T) {
	for _, c := range []struct {
		scales, shared int
		want           []int
	}{
		{6, 4, []int{0, 0, 1, 2, 3, 3}},
		{10, 4, []int{0, 0, 1, 1, 1, 2, 2, 3, 3, 3}},
		{4, 1, []int{0, 0, 0, 0}},
		{1, 4, []int{0}},
		{4, 2, []int{0, 0, 1, 1}},
	} {
		cfg := Config{Sides: make([]int, c.scales), Shared: c.shared}
		var got []int
		for k := range c.scales {
			got = append(got, cfg.RefinerOf(k))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d scales, %d convolutions: %v, want %v", c.scales, c.shared, got, c.want)
		}
	}
}

// TestThereAndBack holds that tokens depend on the picture alone, and that a picture
// becomes the same bytes again from the same tokens.
func TestThereAndBack(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := cnntest.Read(t, "testdata/encoder.safetensors")
		maps.Copy(w, cnntest.Read(t, "testdata/decoder.safetensors"))
		c := open(t, dev, w, Options{H: 24, W: 24})
		a, b := cnntest.Picture(1, 24, 24), cnntest.Picture(2, 24, 24)
		one, err := c.Encode(a, 24, 24)
		if err != nil {
			t.Fatal(err)
		}
		two, err := c.Encode(b, 24, 24)
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.Encode(a, 24, 24)
		if err != nil || !slices.Equal(one, again) || slices.Equal(one, two) {
			t.Errorf("tokens %v, %v, %v: %v", one, again, two, err)
		}
		x, err := c.Decode(one)
		if err != nil {
			t.Fatal(err)
		}
		y, err := c.Decode(one)
		if err != nil || !slices.Equal(x, y) || len(x) != 24*24*cnn.Colours {
			t.Errorf("%d and %d bytes: %v", len(x), len(y), err)
		}
	})
}

func TestRefuses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/decoder.safetensors"), Options{})
		if _, err := c.Encode(make([]uint8, 24*24*3), 24, 24); !errors.Is(err, cnn.ErrNoEncoder) {
			t.Errorf("a decoder encodes: %v", err)
		}
		for _, tokens := range [][]uint32{nil, make([]uint32, 90), append(make([]uint32, 90), 64), append(make([]uint32, 90), math.MaxUint32)} {
			if _, err := c.Decode(tokens); !errors.Is(err, ErrToken) {
				t.Errorf("%d tokens: %v", len(tokens), err)
			}
		}
		e := open(t, dev, cnntest.Read(t, "testdata/encoder.safetensors"), Options{})
		for _, s := range [][3]int{{12, 24, 12 * 24 * 3}, {48, 48, 48 * 48 * 3}, {24, 24, 5}} {
			if _, err := e.Encode(make([]uint8, s[2]), s[0], s[1]); !errors.Is(err, cnn.ErrSize) {
				t.Errorf("%v: %v", s, err)
			}
		}
		if _, err := e.Decode(make([]uint32, 91)); !errors.Is(err, cnn.ErrNoDecoder) {
			t.Errorf("an encoder decodes: %v", err)
		}
		w := cnntest.Read(t, "testdata/encoder.safetensors")
		delete(w, "quantize.quant_resi.qresi_ls.3.bias")
		if _, err := Open(dev, tiny(t), w, Options{}); !errors.Is(err, nn.ErrWeights) || !strings.Contains(err.Error(), "qresi_ls.3.bias") {
			t.Errorf("without a bias: %v", err)
		}
	})
}

// TestParameters counts what the published tokenizer has.
func TestParameters(t *testing.T) {
	n := 0
	for _, p := range Default().model(false).Params() {
		m := 1
		for _, e := range p.Shape {
			m *= e
		}
		n += m
	}
	if c := Default(); c.Tokens() != 680 || c.Pixels() != 256 || n/1e6 != 108 {
		t.Errorf("%d tokens, %d pixels, %d parameters", c.Tokens(), c.Pixels(), n)
	}
}

func TestConfig(t *testing.T) {
	for _, text := range []string{
		"", "[]", `{"patch_nums":[]}`, `{"patch_nums":[2,1]}`, `{"patch_nums":[1,1]}`, `{"patch_nums":[1,1000000]}`, `{"Cvae":3}`, `{"vae_ch":31}`,
		`{"vae_ch_mult":[100]}`, `{"quant_conv_ks":2}`, `{"quant_resi":2}`, `{"quant_resi":-1}`, `{"share_quant_resi":0}`, `{"vocab_size":1}`, `{"vae_num_res_blocks":0}`,
	} {
		if _, err := ParseConfig([]byte(text)); !errors.Is(err, ErrConfig) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if c, err := ParseConfig([]byte("{}")); err != nil || fmt.Sprint(c) != fmt.Sprint(Default()) {
		t.Errorf("nothing is %v, %v", c, err)
	}
}

// FuzzParseConfig holds that what is read is small enough to be listed.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"patch_nums":[1,2,3],"Cvae":8}`))
	f.Add([]byte(`{"vae_ch":1e9,"vae_ch_mult":[1,-1,null],"quant_resi":1e-9}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("error %v", err)
			}
			return
		}
		for _, p := range c.model(false).Params() {
			for _, n := range p.Shape {
				if n < 1 || n > 1<<20 {
					t.Fatalf("%s is %v", p.Name, p.Shape)
				}
			}
		}
		for k := range c.Sides {
			if i := c.RefinerOf(k); i < 0 || i >= c.Shared {
				t.Fatalf("scale %d of %d has refiner %d of %d", k, len(c.Sides), i, c.Shared)
			}
		}
	})
}
