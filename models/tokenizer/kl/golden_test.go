package kl

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

func open(tb testing.TB, dev *gpu.Device, w nn.Weights, o Options) *Codec {
	tb.Helper()
	data, err := os.ReadFile("testdata/config.json")
	if err != nil {
		tb.Fatal(err)
	}
	cfg, err := ParseConfig(data)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := Open(dev, cfg, w, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Free)
	return c
}

// layerOf returns the layer that a golden value is of, by the name of its tensors.
func layerOf(golden string) string {
	switch golden {
	case "dec.pixels":
		return "decoder.conv_out"
	case "dec.post_quant_conv":
		return "post_quant_conv"
	case "enc.out":
		return "encoder.conv_out"
	}
	return strings.NewReplacer(
		"enc.", "encoder.", "dec.", "decoder.", "downsample", "downsample.conv", "upsample", "upsample.conv", "down", "down.", "up", "up.",
		"block_", "block_", "block", "block.", "attn_", "attn_", "attn", "attn.",
	).Replace(golden)
}

// compare holds waypoints of a picture to what the last run kept.
func compare(t *testing.T, c *Codec, golden cnntest.Tensors, picture int, names ...string) {
	t.Helper()
	for _, name := range names {
		got, err := c.codec.Traced(layerOf(name))
		if err != nil || got == nil {
			t.Errorf("%s: no such waypoint as %s (%v)", name, layerOf(name), err)
			continue
		}
		bound := waypointBound
		if name == "dec.pixels" {
			bound = pixelBound
		}
		e := cnntest.Distance(got, golden[name].ChannelsLast(picture))
		t.Logf("picture %d: %-20s relative error %.2e", picture, name, e)
		if !(e <= bound) {
			t.Errorf("picture %d: %s: relative error %.3g, bound %g", picture, name, e, bound)
		}
	}
}

func TestEncoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/encoder-golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/encoder.safetensors"), Options{Trace: true})
		for i := range 2 {
			image := golden["in.image"].Pixels(i)
			means, err := c.EncodeFloats(image, 16, 16, nil)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, c, golden, i, "enc.down0.downsample", "enc.down2.attn0", "enc.out")
			noise := gputest.Normal(7, len(means))
			sampled, err := c.EncodeFloats(image, 16, 16, noise)
			if err != nil {
				t.Fatal(err)
			}
			mean, std := golden["enc.mean"].ChannelsLast(i), golden["enc.std"].ChannelsLast(i)
			drawn := make([]float32, len(mean))
			for j := range mean {
				drawn[j] = float32(0.2325 * (float64(mean[j]) + float64(std[j])*float64(noise[j])))
				mean[j] = float32(0.2325 * float64(mean[j]))
			}
			if e := cnntest.Distance(means, mean); !(e <= waypointBound) {
				t.Errorf("picture %d: the means are off by %.2e", i, e)
			}
			if e := cnntest.Distance(sampled, drawn); !(e <= waypointBound) {
				t.Errorf("picture %d: the samples are off by %.2e", i, e)
			}
		}
	})
}

func TestDecoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/decoder-golden.safetensors")
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, cnntest.Read(t, "testdata/decoder.safetensors"), Options{Trace: true})
		for i := range 2 {
			z := golden["in.z"].ChannelsLast(i)
			for j := range z {
				z[j] = float32(float64(z[j]) * 0.2325)
			}
			x, err := c.DecodeFloats(z, 4, 4)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, c, golden, i, "dec.post_quant_conv", "dec.conv_in", "dec.mid.block_1", "dec.mid.attn_1", "dec.mid.block_2",
				"dec.up2.block0", "dec.up2.upsample", "dec.up1.block0", "dec.pixels")
			if e := cnntest.Distance(x, golden["dec.pixels"].Pixels(i)); !(e <= pixelBound) {
				t.Errorf("picture %d: relative error %.3g of the pixels", i, e)
			}
		}
	})
}

// TestDeviation compares standard deviations with upstream's, at the ends of the range
// too.
func TestDeviation(t *testing.T) {
	for logvar, want := range map[float32]float64{0: 1, 2: math.E, -30: math.Exp(-15), -1000: math.Exp(-15), 20: math.Exp(10), 1e9: math.Exp(10)} {
		if got := deviation(logvar); math.Abs(got-want) > 1e-12*want {
			t.Errorf("of %g: %g, want %g", logvar, got, want)
		}
	}
}

// TestOblong takes a picture that is not square there and back, as bytes.
func TestOblong(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := cnntest.Read(t, "testdata/encoder.safetensors")
		maps.Copy(w, cnntest.Read(t, "testdata/decoder.safetensors"))
		c := open(t, dev, w, Options{H: 16, W: 24})
		z, err := c.Encode(cnntest.Picture(1, 8, 24), 8, 24, nil)
		if err != nil || len(z) != 2*6*4 {
			t.Fatalf("%d numbers: %v", len(z), err)
		}
		x, err := c.Decode(z, 2, 6)
		if err != nil || len(x) != 8*24*cnn.Colours {
			t.Fatalf("%d bytes: %v", len(x), err)
		}
		again, err := c.Decode(z, 2, 6)
		if err != nil || !slices.Equal(x, again) {
			t.Errorf("another picture the second time: %v", err)
		}
	})
}

func TestRefuses(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		d := open(t, dev, cnntest.Read(t, "testdata/decoder.safetensors"), Options{})
		if _, err := d.Encode(make([]uint8, 768), 16, 16, nil); !errors.Is(err, cnn.ErrNoEncoder) {
			t.Errorf("a decoder encodes: %v", err)
		}
		for _, z := range [][]float32{nil, make([]float32, 63), append(make([]float32, 63), float32(math.NaN())), append(make([]float32, 63), float32(math.Inf(-1)))} {
			if _, err := d.Decode(z, 4, 4); !errors.Is(err, ErrLatents) {
				t.Errorf("%d numbers: %v", len(z), err)
			}
		}
		if _, err := d.Decode(nil, 0, 4); !errors.Is(err, cnn.ErrSize) {
			t.Errorf("no rows: %v", err)
		}
		e := open(t, dev, cnntest.Read(t, "testdata/encoder.safetensors"), Options{})
		if _, err := e.Encode(make([]uint8, 768), 16, 16, make([]float32, 3)); !errors.Is(err, ErrLatents) {
			t.Errorf("little noise: %v", err)
		}
		if _, err := e.Decode(make([]float32, 64), 4, 4); !errors.Is(err, cnn.ErrNoDecoder) {
			t.Errorf("an encoder decodes: %v", err)
		}
	})
}

// TestParameters counts what the published autoencoder has.
func TestParameters(t *testing.T) {
	n := 0
	for _, p := range Default().model().Params() {
		m := 1
		for _, e := range p.Shape {
			m *= e
		}
		n += m
	}
	if n/1e6 != 66 || Default().Reduction() != 16 {
		t.Errorf("%d parameters, %d pixels a side", n, Default().Reduction())
	}
}

func TestConfig(t *testing.T) {
	for _, text := range []string{"", "[]", `{"z_channels":3}`, `{"ch":31}`, `{"ch_mult":[]}`, `{"ch_mult":[100]}`, `{"num_res_blocks":0}`, `{"scale_factor":0}`, `{"scale_factor":1e9}`} {
		if _, err := ParseConfig([]byte(text)); !errors.Is(err, ErrConfig) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if c, err := ParseConfig([]byte("{}")); err != nil || fmt.Sprint(c) != fmt.Sprint(Default()) {
		t.Errorf("nothing is %v, %v", c, err)
	}
}
