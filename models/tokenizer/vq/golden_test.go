package vq

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
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

// channelsLast returns picture i of a batch [b, c, h, w] as [h·w, c], with an even c.
func (x fakeTensor) channelsLast(i int) []float32 {
	c, n := x.shape[1], x.shape[2]*x.shape[3]
	out := make([]float32, n*(c+c%2))
	for j := range n {
		for k := range c {
			out[j*(c+c%2)+k] = x.data[(i*c+k)*n+j]
		}
	}
	return out
}

// relative is the largest difference over the largest magnitude.
func relative(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	diff, mag := 0.0, 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		diff, mag = max(diff, d), max(mag, math.Abs(float64(w)))
	}
	return diff / mag
}

// compare holds every waypoint of a golden file to what the last run kept.
func compare(t *testing.T, c *Codec, golden fake, picture int, worst map[string]float64) {
	t.Helper()
	for name, want := range golden {
		if strings.HasPrefix(name, "in.") || name == "enc.indices" {
			continue
		}
		got, err := c.codec.Traced(layerOf(name))
		if err != nil || got == nil {
			t.Errorf("%s: no such waypoint (%v)", name, err)
			continue
		}
		e := relative(got, want.channelsLast(picture))
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

// row returns row i of a golden's integers.
func (x fakeTensor) row(i int) []int32 {
	n := len(x.data) / x.shape[0]
	out := make([]int32, n)
	for j, v := range x.data[i*n:][:n] {
		out[j] = int32(v)
	}
	return out
}

func TestDecoderGolden(t *testing.T) {
	golden := fake{}.read(t, "testdata/decoder-golden.safetensors")
	if len(golden) != 13 {
		t.Fatalf("%d tensors, want 13", len(golden))
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, tiny(t), fake{}.read(t, "testdata/decoder.safetensors"), Options{Trace: true})
		worst := map[string]float64{}
		for i := range 2 {
			comparePixels(t, c, golden, i)
			compare(t, c, golden, i, worst)
		}
		logErrors(t, worst)
	})
}

// narrow takes the fourth value of every pixel away.
func narrow(x []float32) (out []float32) {
	for i := 0; i < len(x); i += 4 {
		out = append(out, x[i:i+cnn.Colours]...)
	}
	return out
}

// comparePixels holds the public entries to the golden picture: as values, and as bytes.
func comparePixels(t *testing.T, c *Codec, golden fake, i int) {
	t.Helper()
	var tokens []uint32
	for _, id := range golden["in.indices"].row(i) {
		tokens = append(tokens, uint32(id))
	}
	want := narrow(golden["dec.pixels"].channelsLast(i))
	x, err := c.DecodeFloats(tokens, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	if e := relative(x, want); !(e <= pixelBound) {
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
	golden := fake{}.read(t, "testdata/encoder-golden.safetensors")
	if len(golden) != 10 {
		t.Fatalf("%d tensors, want 10", len(golden))
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := open(t, dev, tiny(t), fake{}.read(t, "testdata/encoder.safetensors"), Options{Trace: true})
		worst := map[string]float64{}
		for i := range 2 {
			tokens, err := c.EncodeFloats(narrow(golden["in.image"].channelsLast(i)), side, side)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, c, golden, i, worst)
			want := golden["enc.indices"].row(i)
			if len(tokens) != len(want) {
				t.Fatalf("%d tokens, want %d", len(tokens), len(want))
			}
			for j := range tokens {
				if int32(tokens[j]) != want[j] {
					t.Errorf("picture %d, token %d is %d, want %d", i, j, tokens[j], want[j])
				}
			}
		}
		logErrors(t, worst)
	})
}
