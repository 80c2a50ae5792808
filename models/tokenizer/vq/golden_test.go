package vq

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
)

// bounds of the largest error of a waypoint over its largest magnitude.
const (
	waypointBound = 1e-4
	pixelBound    = 1e-3
)

// side is the pixels a side of the pictures in testdata.
const side = 16

// layerOf returns the layer that a golden value is of, by the name of its tensors.
func layerOf(golden string) string {
	switch golden {
	case "enc.quant", "dec.codes":
		return "quantize"
	case "enc.quant_conv":
		return "quant_conv"
	case "dec.post_quant_conv":
		return "post_quant_conv"
	}
	return strings.NewReplacer(
		"enc.", "encoder.", "dec.", "decoder.", "level", "conv_blocks.", "res", "res.", "attn", "attn.", "mid", "mid.", "sample", "sample.conv", "pixels", "conv_out",
	).Replace(golden)
}

// compare holds every waypoint of a golden file to what the last run kept. Most are of the first
// picture.
func compare(t *testing.T, c *Codec, golden cnntest.Tensors, picture int, worst map[string]float64) {
	t.Helper()
	for name, want := range golden {
		if strings.HasPrefix(name, "in.") || name == "enc.indices" || picture >= want.Shape[0] {
			continue
		}
		got, err := c.codec.Traced(layerOf(name))
		if err != nil || got == nil {
			t.Errorf("%s: no such waypoint (%v)", name, err)
			continue
		}
		e := cnntest.Distance(got, want.ChannelsLast(picture))
		worst[name] = max(worst[name], e)
		bound := waypointBound
		if name == "dec.pixels" {
			bound = pixelBound
		}
		if !(e <= bound) {
			t.Errorf("picture %d, %s: relative error %.3g, bound %g", picture, name, e, bound)
		}
	}
}

func logErrors(t *testing.T, worst map[string]float64) {
	t.Helper()
	var names []string
	for name := range worst {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.Logf("%-24s largest relative error %.2e", name, worst[name])
	}
}

func TestDecoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/decoder-golden.safetensors")
	if len(golden) != 13 {
		t.Fatalf("%d tensors, want 13", len(golden))
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, tiny(t), cnntest.Read(t, "testdata/decoder.safetensors"), Options{Trace: true})
		worst := map[string]float64{}
		for i := range 2 {
			comparePixels(t, c, golden, i)
			compare(t, c, golden, i, worst)
		}
		logErrors(t, worst)
	})
}

// comparePixels holds the public entries to the golden picture: as values, and as bytes.
func comparePixels(t *testing.T, c *Codec, golden cnntest.Tensors, i int) {
	t.Helper()
	tokens := golden["in.indices"].Row(i)
	want := golden["dec.pixels"].Pixels(i)
	x, err := c.DecodeFloats(tokens, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	if e := cnntest.Distance(x, want); !(e <= pixelBound) {
		t.Errorf("picture %d: relative error %.3g of the pixels", i, e)
	}
	pix, err := c.Decode(tokens, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	for j, b := range pix {
		exact := (min(max(float64(want[j]), -1), 1) + 1) * 127.5
		if math.Abs(float64(b)-exact) > 0.5+pixelBound*127.5 {
			t.Fatalf("picture %d, byte %d is %d, want %g", i, j, b, exact)
		}
	}
}

func TestEncoderGolden(t *testing.T) {
	golden := cnntest.Read(t, "testdata/encoder-golden.safetensors")
	if len(golden) != 10 {
		t.Fatalf("%d tensors, want 10", len(golden))
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, tiny(t), cnntest.Read(t, "testdata/encoder.safetensors"), Options{Trace: true})
		worst := map[string]float64{}
		for i := range 2 {
			tokens, err := c.EncodeFloats(golden["in.image"].Pixels(i), side, side)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, c, golden, i, worst)
			want := golden["enc.indices"].Row(i)
			if !slices.Equal(tokens, want) {
				t.Errorf("picture %d: tokens %v, want %v", i, tokens, want)
			}
		}
		logErrors(t, worst)
	})
}
