package elementwise

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// narrowed is the bits of x in a float of this many bits of exponent and fraction,
// rounded by float64's arithmetic.
func narrowed(x float32, exponent, fraction int) uint16 {
	sign := uint16(math.Float32bits(x) >> 31 << 15)
	bias := 1<<(exponent-1) - 1
	infinite := uint16(1<<exponent-1) << fraction
	a := math.Abs(float64(x))
	switch {
	case a == 0:
		return sign
	case math.IsInf(a, 0):
		return sign | infinite
	}
	_, e := math.Frexp(a)
	least := max(e-1, 1-bias) - fraction // the exponent of the last place
	places := uint64(math.RoundToEven(math.Ldexp(a, -least)))
	// Subnormals, and what carries into the next power of two, come out by adding.
	bits := uint64(least+fraction+bias-1)<<fraction + places
	return sign | uint16(min(bits, uint64(infinite)))
}

// edges are floats around where narrowing turns, of both signs.
func edges() []float32 {
	var out []float32
	for _, x := range []float32{
		0, 1, 1 + 1.0/2048, 1 + 3.0/2048, 1 + 1.0/256, 1 + 3.0/256, 65504, 65519, 65520, 1e6, math.MaxFloat32,
		0x1p-14, 0x1p-15, 0x1p-24, 0x1p-25, 0x1.8p-24, 0x1.00002p-25, 0x1p-26, 0x1.ffcp-15, 0x1.ffep-15, 3e-38, 1.0 / 3,
		float32(math.Inf(1)),
	} {
		up, down := math.Nextafter32(x, math.MaxFloat32), math.Nextafter32(x, 0)
		if x < 1e-37 { // f32's own subnormals may be flushed
			up, down = x, x
		}
		out = append(out, x, -x, up, -up, down, -down)
	}
	return out
}

func TestNarrow(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := append(edges(), gputest.Normal(1, 1000)...)
		for dt, f := range map[tensor.DType][2]int{tensor.F16: {5, 10}, tensor.BF16: {8, 7}} {
			got := narrowOn(t, dev, dt, x)
			for i, v := range x {
				if want := narrowed(v, f[0], f[1]); got[i] != want {
					t.Errorf("%v of %g (%x) is %04x, want %04x", dt, v, math.Float32bits(v), got[i], want)
				}
			}
			nan := uint16(1<<f[0]-1) << f[1]
			for i, bits := range narrowOn(t, dev, dt, []float32{float32(math.NaN()), math.Float32frombits(0xff800001)}) {
				if bits&nan != nan || bits&(1<<f[1]-1) == 0 {
					t.Errorf("%v of NaN %d is %04x", dt, i, bits)
				}
			}
		}
	})
}

// TestWidenUndoesNarrow holds every normal 16-bit float to the value its bits have,
// by narrowing it again; of subnormals a device may make 0.
func TestWidenUndoesNarrow(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for dt, f := range map[tensor.DType][2]int{tensor.F16: {5, 10}, tensor.BF16: {8, 7}} {
			raw := make([]byte, 0, 2<<16)
			for bits := range 1 << 16 {
				raw = binary.LittleEndian.AppendUint16(raw, uint16(bits))
			}
			x, err := dev.NewTensor(dt, 1<<16)
			if err == nil {
				err = x.WriteBytes(raw)
			}
			if err != nil {
				t.Fatal(err)
			}
			out := gputest.F32(t, dev, make([]float32, 1<<16), 1<<16)
			gputest.Run(t, dev, func(r *gpu.Recorder) { Widen(r, WidenArgs{X: x, Out: out}) })
			got, err := out.F32()
			if err != nil {
				t.Fatal(err)
			}
			top := 1<<f[0] - 1
			for bits, v := range got {
				switch exponent := bits >> f[1] & top; {
				case exponent == top && bits&(1<<f[1]-1) != 0:
					if !math.IsNaN(float64(v)) {
						t.Fatalf("%v %04x is %g, want NaN", dt, bits, v)
					}
				case exponent == 0 && v == 0:
				case narrowed(v, f[0], f[1]) != uint16(bits):
					t.Fatalf("%v %04x is %g, whose bits are %04x", dt, bits, v, narrowed(v, f[0], f[1]))
				}
			}
		}
	})
}

func narrowOn(t *testing.T, dev *gpu.Device, dt tensor.DType, x []float32) []uint16 {
	t.Helper()
	out, err := dev.NewTensor(dt, len(x))
	if err != nil {
		t.Fatal(err)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) { Narrow(r, NarrowArgs{X: gputest.F32(t, dev, x, len(x)), Out: out}) })
	raw := make([]byte, 2*len(x))
	if err := out.ReadBytes(raw); err != nil {
		t.Fatal(err)
	}
	bits := make([]uint16, len(x))
	for i := range bits {
		bits[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return bits
}

func TestNarrowShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x := gputest.F32(t, dev, make([]float32, 6), 6)
		half, err := dev.NewTensor(tensor.F16, 6)
		if err != nil {
			t.Fatal(err)
		}
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"nil":  func(r *gpu.Recorder) { Narrow(r, NarrowArgs{X: x}) },
			"type": func(r *gpu.Recorder) { Narrow(r, NarrowArgs{X: x, Out: x}) },
			"odd":  func(r *gpu.Recorder) { Narrow(r, NarrowArgs{X: x.View(0, 5), Out: half.View(0, 5)}) },
			"size": func(r *gpu.Recorder) { Narrow(r, NarrowArgs{X: x, Out: half.View(0, 4)}) },
			"x":    func(r *gpu.Recorder) { Narrow(r, NarrowArgs{X: half, Out: half}) },
			"wide": func(r *gpu.Recorder) { Widen(r, WidenArgs{X: x, Out: x}) },
			"less": func(r *gpu.Recorder) { Widen(r, WidenArgs{X: half.View(0, 4), Out: x}) },
		})
	})
}

func BenchmarkNarrow(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const n = 4 << 20
	x := gputest.F32(b, dev, gputest.Normal(1, n), n)
	for _, dt := range []tensor.DType{tensor.F16, tensor.BF16} {
		out, err := dev.NewTensor(dt, n)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("to=%v/elements=%d", dt, n), func(b *testing.B) {
			optest.Bench(b, dev, 6*n, n, func(r *gpu.Recorder) { Narrow(r, NarrowArgs{X: x, Out: out}) })
		})
		b.Run(fmt.Sprintf("from=%v/elements=%d", dt, n), func(b *testing.B) {
			optest.Bench(b, dev, 6*n, n, func(r *gpu.Recorder) { Widen(r, WidenArgs{X: out, Out: x}) })
		})
	}
}
