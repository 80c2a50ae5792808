package matmul

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/tensor"
)

var weightTypes = []tensor.DType{tensor.F32, tensor.F16, tensor.BF16, tensor.I8, tensor.I4x2}

// stored writes w as the type keeps it and returns the bytes, the scales and
// the values they stand for.
func stored(tb testing.TB, dt tensor.DType, w []float32, n, k int) (data []byte, scales, exact []float32) {
	tb.Helper()
	exact = make([]float32, len(w))
	switch dt {
	case tensor.I8, tensor.I4x2:
		p, err := Quantize(dt, w, n, k)
		if err != nil {
			tb.Fatal(err)
		}
		for i := range w {
			exact[i] = p.Weight(i/k, i%k)
		}
		return p.Data, p.Scales, exact
	case tensor.F16:
		for i, x := range w {
			h, value := truncatedF16(x)
			data, exact[i] = binary.LittleEndian.AppendUint16(data, h), value
		}
	case tensor.BF16:
		for i, x := range w {
			h := math.Float32bits(x) >> 16
			data, exact[i] = binary.LittleEndian.AppendUint16(data, uint16(h)), math.Float32frombits(h<<16)
		}
	default:
		for i, x := range w {
			data, exact[i] = binary.LittleEndian.AppendUint32(data, math.Float32bits(x)), x
		}
	}
	return data, nil, exact
}

// upload puts w, [n, k], on the device in the type's form.
func upload(tb testing.TB, dev *gpu.Device, dt tensor.DType, w []float32, n, k int) (b, scale *gpu.Tensor) {
	tb.Helper()
	data, scales, _ := stored(tb, dt, w, n, k)
	if scales != nil {
		p := Packed{dt, n, k, data, scales}
		b, scale, err := p.Upload(dev)
		if err != nil {
			tb.Fatal(err)
		}
		return b, scale
	}
	b, err := dev.NewTensor(dt, n, k)
	if err == nil {
		err = b.WriteBytes(data)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return b, nil
}

// layer is a product of NT with everything that may surround it.
type layer struct {
	m, n, k int
	dtype   tensor.DType
	act     Act
	gated   bool
	eps     float32
	onCPU   bool
	coop    Coop
}

func (l layer) String() string {
	return fmt.Sprintf("%v/m=%d/n=%d/k=%d/act=%d/gated=%v/eps=%g/cpu=%v/coop=%d", l.dtype, l.m, l.n, l.k, l.act, l.gated, l.eps, l.onCPU, l.coop)
}

func (l layer) columns() int {
	if l.gated {
		return 2 * l.n
	}
	return l.n
}

const alpha = 0.25

// run computes c + act(alpha·…).
func (l layer) run(tb testing.TB, dev *gpu.Device, x, w, bias, c []float32) []float32 {
	tb.Helper()
	b, scale := upload(tb, dev, l.dtype, w, l.columns(), l.k)
	out := gputest.F32(tb, dev, c, l.m, l.n)
	gputest.Run(tb, dev, func(r *gpu.Recorder) {
		record(r, Args{
			A: gputest.F32(tb, dev, x, l.m, l.k), B: b, Scale: scale, C: out, Bias: gputest.F32(tb, dev, bias, l.columns()),
			Alpha: alpha, Add: true, Act: l.act, Gated: l.gated, NormEps: l.eps, Coop: l.coop,
		}, l.onCPU)
	})
	return gputest.Read(tb, out)
}

// want is run in float64, with a bound on run's error.
func (l layer) want(tb testing.TB, x, w, bias, c []float32) (want, bound []float64) {
	tb.Helper()
	_, _, exact := stored(tb, l.dtype, w, l.columns(), l.k)
	a, adds := x, l.k+4
	if l.coop != NoCoop {
		a, adds = roundRows(x, l.m, l.k, l.k, 1), 3*l.k+8
		if l.dtype == tensor.F32 {
			exact = roundRows(exact, l.columns(), l.k, l.k, 1)
		}
	}
	sum, mag := oracle(NT, l.m, l.columns(), l.k, a, exact, l.k, l.k)
	scaled := func(i, j int) (v, e float64) {
		at := i*l.columns() + j
		v, e = alpha*sum[at], alpha*mag[at]*float64(adds)
		if l.eps > 0 {
			r := rstd(x[i*l.k:][:l.k], l.eps)
			v, e = v*r, 2*r*e // rstd's own error is as large
		}
		return v + float64(bias[j]), gputest.Eps * (e + 2*math.Abs(float64(bias[j])) + 2*math.Abs(v))
	}
	for i := range l.m {
		for j := range l.n {
			v, e := scaled(i, j)
			v, e = activated(l.act, v, e)
			if l.gated {
				u, ue := scaled(i, j+l.n)
				v, e = activated(SiLU, v, e)
				v, e = v*u, e*math.Abs(u)+ue*math.Abs(v)+e*ue+2*gputest.Eps*math.Abs(v*u)
			}
			at := i*l.n + j
			want = append(want, v+float64(c[at]))
			bound = append(bound, e+2*gputest.Eps*(math.Abs(v)+math.Abs(float64(c[at]))))
		}
	}
	return want, bound
}

func rstd(x []float32, eps float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return 1 / math.Sqrt(s/float64(len(x))+float64(eps))
}

// activated is the function of v, whose error is e: no slope exceeds 1.13.
func activated(a Act, v, e float64) (float64, float64) {
	switch a {
	case SiLU:
		y := v / (1 + math.Exp(-v))
		return y, 1.13*e + math.Abs(y)*(5+2*math.Abs(v))*2*gputest.Eps
	case GELUTanh:
		return v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v))) / 2, 1.13*e + 1e-6*math.Abs(v)
	case GELU:
		return v * math.Erfc(-v/math.Sqrt2) / 2, 1.13*e + 3e-7*math.Abs(v)
	}
	return v, e
}

// layers are by default one row and eight rows of each type, and tile.comp for two types;
// in exhaustive tests every tile height, tile.comp for each type, and epilogues in both.
func layers() (out []layer) {
	heights, few, tiled, gated := []int{1, 8}, 1, []tensor.DType{tensor.I8}, []tensor.DType{tensor.F16}
	acts := map[int][]Act{few: {SiLU, GELUTanh, GELU}}
	if gputest.Exhaustive() {
		heights, few, tiled, gated = []int{1, 3, 8, 13, 40}, 9, weightTypes, weightTypes
		acts = map[int][]Act{few: {SiLU, GELUTanh, GELU}, 33: {SiLU, GELUTanh, GELU}}
	}
	for _, dt := range weightTypes {
		for _, m := range heights {
			out = append(out, layer{m: m, n: 37, k: 96, dtype: dt, onCPU: true})
		}
		out = append(out, layer{m: 2, n: 70, k: 64, dtype: dt, gated: true, eps: 1e-5, onCPU: true})
		if slices.Contains(tiled, dt) {
			out = append(out, layer{m: 40, n: 37, k: 96, dtype: dt})
		}
		if slices.Contains(gated, dt) {
			out = append(out, layer{m: 66, n: 70, k: 64, dtype: dt, gated: true, eps: 1e-5})
		}
	}
	for m, list := range acts {
		for _, act := range list {
			out = append(out, layer{m: m, n: 40, k: 34, act: act, eps: 1e-6, onCPU: m == few})
		}
	}
	out = append(out, layer{m: 5, n: 9, k: 44, dtype: tensor.F16, gated: true, onCPU: true})
	return append(out, gputest.Pick(0, []layer{{m: 40, n: 9, k: 44, dtype: tensor.BF16, eps: 1}})...)
}

// TestWeightsAndEpiloguesMatchOracle covers every type of B with bias, scale and
// addition, every epilogue and the norm, in the kernels of both device classes.
func TestWeightsAndEpiloguesMatchOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, l := range layers() {
			t.Run(l.String(), func(t *testing.T) { l.test(t, dev) })
		}
	})
}

// test holds a layer to float64.
func (l layer) test(t *testing.T, dev *gpu.Device) {
	x, w := gputest.Normal(1, l.m*l.k), gputest.Normal(2, l.columns()*l.k)
	bias, c := gputest.Normal(3, l.columns()), gputest.Normal(4, l.m*l.n)
	want, bound := l.want(t, x, w, bias, c)
	gputest.Close(t, "c", l.run(t, dev, x, w, bias, c), want, bound)
}

// TestRowsDoNotDependOnTheirCompany is the contract that lets requests share a
// batch: the bits of a row are those it has alone, in every tile height and in
// the kernel for GPUs, which takes the last heights here.
func TestRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		most := 9 // three tile heights
		if gputest.Exhaustive() {
			most = 35
		}
		ls := []layer{{n: 50, k: 96, dtype: tensor.I8, eps: 1e-6, gated: true}}
		for _, dt := range gputest.Pick(2, weightTypes) {
			ls = append(ls, layer{n: 50, k: 96, dtype: dt})
		}
		for _, l := range ls {
			t.Run(l.String(), func(t *testing.T) { l.testRows(t, dev, most) })
		}
	})
}

// testRows holds the bits of up to so many rows to those that each has alone.
func (l layer) testRows(t *testing.T, dev *gpu.Device, most int) {
	x, w := gputest.Normal(1, most*l.k), gputest.Normal(2, l.columns()*l.k)
	bias, c := gputest.Normal(3, l.columns()), gputest.Normal(4, most*l.n)
	optest.SameRows(t, most, l.n, func(m int) []float32 {
		l.m = m
		return l.run(t, dev, x[:m*l.k], w, bias, c[:m*l.n])
	})
}

func TestQuantizeKeepsItsBound(t *testing.T) {
	const n, k = 37, 96
	w := gputest.Normal(1, n*k)
	for i := range Group {
		w[i] = 0                            // a group without a magnitude
		w[Group+i] *= 1e-44                 // one below every scale
		w[2*Group+i] = float32(1 - 2*(i%2)) // one of extremes
	}
	w[2*Group+1] = 0x1p127
	for dt, limit := range map[tensor.DType]float64{tensor.I8: 127, tensor.I4x2: 7} {
		p, err := Quantize(dt, w, n, k)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range w {
			var most float64
			for _, y := range w[i/Group*Group:][:Group] {
				most = max(most, math.Abs(float64(y)))
			}
			bound := most/limit*(0.5+0x1p-15) + gputest.Eps*math.Abs(float64(x)) // Weight rounds s·q
			if most/limit < 0x1p-126 {
				bound = most
			}
			if d := math.Abs(float64(p.Weight(i/k, i%k)) - float64(x)); !(d <= bound) {
				t.Fatalf("%v: weight %d is %g, packed %g: off by %g, bound %g", dt, i, x, p.Weight(i/k, i%k), d, bound)
			}
		}
	}
}

func TestQuantizeErrors(t *testing.T) {
	w := make([]float32, 64)
	for name, err := range map[string]error{
		"half a group": quantizeError(tensor.I8, w[:48], 3, 16),
		"length":       quantizeError(tensor.I8, w, 1, 32),
		"type":         quantizeError(tensor.F16, w, 2, 32),
	} {
		if !errors.Is(err, gpu.ErrShape) {
			t.Errorf("%s: error %v, want one of shape", name, err)
		}
	}
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		w[33] = float32(x)
		if err := quantizeError(tensor.I4x2, w, 2, 32); !errors.Is(err, ErrWeight) {
			t.Errorf("%g: error %v, want ErrWeight", x, err)
		}
	}
}

func quantizeError(dt tensor.DType, w []float32, n, k int) error {
	_, err := Quantize(dt, w, n, k)
	return err
}

// truncatedF16 cuts x, below 2^16 in magnitude, to the f16 towards zero, and
// returns its bits and value.
func truncatedF16(x float32) (uint16, float32) {
	b := math.Float32bits(x)
	sign, e := uint16(b>>16)&0x8000, int(b>>23&0xff)-127
	if e < -14 { // subnormal
		m := uint16(math.Abs(float64(x)) * 0x1p24)
		return sign | m, float32(math.Copysign(float64(m)*0x1p-24, float64(x)))
	}
	return sign | uint16(e+15)<<10 | uint16(b>>13)&0x3ff, math.Float32frombits(b &^ 0x1fff)
}

// Weight returns the value that stands for w[row, k].
func (p *Packed) Weight(row, k int) float32 {
	word, j := p.at(row, k)
	var q int8
	if p.Type == tensor.I8 {
		q = int8(p.Data[8*word+j] - 128)
	} else {
		q = int8(p.Data[8*word+j/2]>>(j%2*4)<<4) >> 4
	}
	return p.Scales[p.scaleAt(row, k/Group)] * float32(q)
}
