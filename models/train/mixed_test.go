package train

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/systems"
)

// mixed are the precisions of 16 bits that training is tested in.
func mixed() []nn.Precision { return gputest.Pick(1, []nn.Precision{nn.BF16, nn.F16}) }

// roundoff is half the distance of 1 to the next value of a precision.
func roundoff(p nn.Precision) float64 {
	return map[nn.Precision]float64{nn.BF16: 0x1p-8, nn.F16: 0x1p-11}[p]
}

// rounded rounds the matrices of a network, which then are what H holds.
func rounded(t *testing.T, net *Network, p nn.Precision) []float32 {
	t.Helper()
	x := must(net.Store().P.F32())(t)
	matrices := x[:net.Store().H.Elems()]
	for i, v := range matrices {
		matrices[i] = safetensors.F16ToFloat32(safetensors.Float32ToF16(v))
		if p == nn.BF16 {
			matrices[i] = safetensors.BF16ToFloat32(safetensors.Float32ToBF16(v))
		}
	}
	check(t, net.Store().P.WriteF32(x))
	check(t, net.Store().Round())
	return x
}

// TestMixedGradientMatchesFloat64 holds the gradients of bf16 and f16 to those that
// float64 has at the same rounded weights. A pass rounds in n = 10·layers + 3 places,
// six activations and four gradients a block, and each changes the gradient by at
// most some u of its length. They are independent, so their squares add up, and the
// cosine is at least 1 - n·u²/2 (seen: a tenth to a quarter of that).
func TestMixedGradientMatchesFloat64(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range tiny() {
			c.Width, c.Heads, c.Hidden, c.RopePairs = 8, 2, 8, []int{1, 1}
			if c.Bits = min(c.Bits, 12); c.Chain && c.Bits > 0 {
				c.Bits = 64
			}
			if name == "softmax" {
				c.Vocab = 10 // rows of which products cannot read by fours
			}
			for _, p := range mixed() {
				t.Run(fmt.Sprintf("%s/%s", name, p), func(t *testing.T) { mixedGradient(t, dev, c, p) })
			}
		}
	})
}

func mixedGradient(t *testing.T, dev *gpu.Device, c systems.Decoder, p nn.Precision) {
	var grad []float64
	var want float64
	// 16 rows take low tiles, whose kernels compile in a quarter of the time.
	const length, short = 8, 4
	for _, recompute := range []bool{false, true} {
		net := must(NewNetwork(dev, c.System(), 2, length, NetworkOptions{Precision: p, Recompute: recompute}))(t)
		check(t, net.Store().Init(3))
		x := must(net.Store().P.F32())(t)
		for i := range x {
			x[i] *= 4
		}
		check(t, net.Store().P.WriteF32(x))
		x = rounded(t, net, p)
		must(net.SetBatch([]Window{{Seq: chain(c, length, 1), To: length}, {Seq: chain(c, length, 2), To: short}}))(t)
		loss := must(net.Backward())(t)
		if grad == nil {
			want, grad = slopes(&oracle{net, c, wide(x)})
		}
		n, u := float64(10*c.Layers+3), roundoff(p)
		if !(math.Abs(loss-want) < math.Sqrt(n)*u*want) {
			t.Errorf("loss %g, in float64 %g", loss, want)
		}
		got := must(net.Store().G.F32())(t)
		if cos := cosine(got, grad); !(cos > 1-n*u*u/2) {
			t.Errorf("recompute %v: cosine with the float64 gradient is 1 - %g, bound %g", recompute, 1-cos, n*u*u/2)
		}
		net.Free()
	}
}

func cosine(got []float32, want []float64) float64 {
	var dot, gg, ww float64
	for i, w := range want {
		g := float64(got[i])
		dot, gg, ww = dot+g*w, gg+g*g, ww+w*w
	}
	return dot / math.Sqrt(gg*ww)
}

// TestMixedRecomputeChangesNoBit trains a step both ways, and with a loss scale,
// which in bf16 only moves exponents.
func TestMixedRecomputeChangesNoBit(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range tiny() {
			for _, p := range mixed() {
				var want []float32
				for _, o := range []struct {
					recompute bool
					scale     float32
				}{{false, 1}, {true, 1}, {false, 1024}} {
					if p == nn.F16 && o.scale != 1 {
						continue // subnormal gradients gain bits
					}
					net := must(NewNetwork(dev, c.System(), 2, 24, NetworkOptions{Precision: p, Recompute: o.recompute}))(t)
					check(t, net.Store().Init(3))
					net.Store().Scale = o.scale
					must(net.SetBatch([]Window{{Seq: chain(c, 24, 1), To: 24}, {Seq: chain(c, 20, 2), To: 16}}))(t)
					must(net.Backward())(t)
					got := must(net.Store().G.F32())(t)
					if want == nil {
						want = got
					}
					for i := range want {
						if math.Float32bits(got[i]) != math.Float32bits(o.scale*want[i]) {
							t.Fatalf("%s, %s, %+v: gradient %d is %g, want %g", name, p, o, i, got[i], o.scale*want[i])
						}
					}
					net.Free()
				}
			}
		}
	})
}

// TestMixedTakesLessMemory plans a step of the benchmark's small network.
func TestMixedTakesLessMemory(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := sizes[0].cfg
		var arena [2]uint64
		for i, p := range []nn.Precision{nn.F32, nn.BF16} {
			net := must(NewNetwork(dev, c.System(), 4, 128, NetworkOptions{Precision: p}))(t)
			arena[i] = net.both.Stats().ArenaBytes
			if bytes := net.Store().Bytes(); i == 1 && bytes != uint64(16*net.Store().P.Elems()+2*net.Store().H.Elems()) {
				t.Errorf("parameters take %d bytes", bytes)
			}
			net.Free()
		}
		if arena[1] >= arena[0]*3/4 {
			t.Errorf("%d bytes of temporaries, in bf16 %d", arena[0], arena[1])
		}
	})
}

func TestTrainPrecisionErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := tiny()["softmax"]
		if _, err := NewNetwork(dev, c.System(), 1, 4, NetworkOptions{Precision: nn.Int8}); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("int8: %v", err)
		}
		c.Hidden = 46
		if _, err := NewNetwork(dev, c.System(), 1, 4, NetworkOptions{Precision: nn.BF16}); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("rows of 46 in bf16: %v", err)
		}
		if got := must(NewNetwork(dev, c.System(), 1, 4, NetworkOptions{}))(t).Store().Precision(); got != tensor.F32.String() {
			t.Errorf("the zero value trains in %s", got)
		}
	})
}
