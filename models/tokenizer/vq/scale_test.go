package vq

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// scaled multiplies the tensors whose name contains one of the words.
func (f fake) scaled(by float32, words ...string) fake {
	out := maps.Clone(f)
	for name, x := range f {
		if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) }) {
			continue
		}
		x.data = slices.Clone(x.data)
		for i := range x.data {
			x.data[i] *= by
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
		w := both(t).scaled(1e-3, linear...)
		c := open(t, dev, tiny(t), w, Options{})
		for _, n := range []struct {
			encodes          bool
			last, mark, name string
		}{{false, "dec.level2.res2", "dec.norm_out", "decoder.norm_out"}, {true, "enc.mid2", "enc.norm_out", "encoder.norm_out"}} {
			saw := waypoints{}
			p, err := c.record(n.encodes, side, side, saw.marker(t, dev))
			if err != nil {
				t.Fatal(err)
			}
			defer p.free()
			if err := p.pixels.WriteF32(gputest.Normal(1, p.pixels.Elems())); err != nil {
				t.Fatal(err)
			}
			if !n.encodes {
				if err := p.ids.WriteI32(make([]int32, p.ids.Elems())); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.run.Run(1); err != nil {
				t.Fatal(err)
			}
			x := gputest.Read(t, saw[n.last])
			want := groupNorm64(x, w[n.name+".weight"].data, w[n.name+".bias"].data)
			e := relative(gputest.Read(t, saw[n.mark]), want)
			t.Logf("%s: relative error %.2e", n.mark, e)
			if !(e <= waypointBound) {
				t.Errorf("%s: relative error %g", n.mark, e)
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
			c := open(t, dev, tiny(t), both(t).scaled(by, "quant_conv."), Options{})
			got, err := c.Encode(picture(3, h, w), h, w)
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
