package vq

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
)

// scaled multiplies the tensors whose name contains one of the words.
func scaled(f cnntest.Tensors, by float32, words ...string) cnntest.Tensors {
	out := maps.Clone(f)
	for name, x := range f {
		if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) }) {
			continue
		}
		x.Data = slices.Clone(x.Data)
		for i := range x.Data {
			x.Data[i] *= by
		}
		out[name] = x
	}
	return out
}

// linear are the tensors by which all feature maps scale: what leads into the sums of
// residual blocks and attention, and the biases on the way.
var linear = []string{"conv_in.", ".conv2.", ".proj_out.", ".nin_shortcut.bias", "sample.conv.bias"}

// TestNormEps makes feature maps so small that what a norm adds to their variance
// counts, and computes the last norm of either network in float64.
func TestNormEps(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := scaled(both(t), 1e-3, linear...)
		c := open(t, dev, tiny(t), w, Options{Trace: true})
		for _, n := range []struct {
			encodes    bool
			last, name string
		}{{false, "decoder.conv_blocks.2.res.2", "decoder.norm_out"}, {true, "encoder.mid.2", "encoder.norm_out"}} {
			var err error
			if n.encodes {
				_, err = c.EncodeFloats(gputest.Normal(1, side*side*cnn.Colours), side, side)
			} else {
				_, err = c.DecodeFloats(make([]uint32, 16), 4, 4)
			}
			if err != nil {
				t.Fatal(err)
			}
			x, err := c.codec.Traced(n.last)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.codec.Traced(n.name)
			if err != nil {
				t.Fatal(err)
			}
			want := groupNorm64(x, w[n.name+".weight"].Data, w[n.name+".bias"].Data)
			e := cnntest.Distance(got, want)
			t.Logf("%s: relative error %.2e", n.name, e)
			if !(e <= waypointBound) {
				t.Errorf("%s: relative error %g", n.name, e)
			}
		}
	})
}

// groupNorm64 is the published norm of x [rows, c]: 32 groups, 1e-6 added to variances.
func groupNorm64(x, gain, bias []float32) []float32 {
	c := len(gain)
	out := make([]float32, len(x))
	per := c / 32
	for g := range 32 {
		sum, square, n := 0.0, 0.0, 0.0
		each := func(body func(i, channel int)) {
			for i := range x {
				if i%c/per == g {
					body(i, i%c)
				}
			}
		}
		each(func(i, _ int) { sum += float64(x[i]); n++ })
		each(func(i, _ int) { square += math.Pow(float64(x[i])-sum/n, 2) })
		each(func(i, k int) {
			out[i] = float32((float64(x[i])-sum/n)/math.Sqrt(square/n+1e-6)*float64(gain[k]) + float64(bias[k]))
		})
	}
	return out
}

// TestSizeOfCodes holds that only the direction of what is quantised counts.
func TestSizeOfCodes(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const h, w = 32, 64
		var want []uint32
		for _, by := range []float32{1, 1. / (1 << 24), 1 << 24} {
			c := open(t, dev, tiny(t), scaled(both(t), by, "quant_conv."), Options{})
			got, err := c.Encode(cnntest.Picture(3, h, w), h, w)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("times %g the tokens are %v, want %v", by, got, want)
			}
		}
	})
}
