package matmul

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// roundRows rounds to f16 as coop.comp does: each of the rows, of n elements that
// are step apart, by its own power of two.
func roundRows(x []float32, rows, n, ld, step int) []float32 {
	out := slices.Clone(x)
	for i := range rows {
		top := 0.0
		for j := range n {
			if v := math.Abs(float64(x[i*ld+j*step])); !math.IsInf(v, 0) && v > top {
				top = v
			}
		}
		shift := 126
		if top >= 0x1p-126 {
			shift = max(-113, min(126, 14-math.Ilogb(top)))
		}
		for j := range n {
			y := math.Ldexp(float64(x[i*ld+j*step]), shift)
			if y == 0 || math.IsNaN(y) || math.IsInf(y, 0) {
				continue
			}
			unit := max(math.Ilogb(y), -14) - 10
			out[i*ld+j*step] = float32(math.Ldexp(math.RoundToEven(math.Ldexp(y, -unit)), unit-shift))
		}
	}
	return out
}

// roundOperands rounds both operands of a product in f32.
func roundOperands(l Layout, s shape, a, b []float32) (ra, rb []float32) {
	as, bs := operandShapes(l, s)
	switch l {
	case NT:
		return roundRows(a, s.m, s.k, as[1], 1), roundRows(b, s.n, s.k, bs[1], 1)
	case NN:
		return roundRows(a, s.m, s.k, as[1], 1), roundRows(b, s.n, s.k, 1, bs[1])
	}
	return roundRows(a, s.m, s.k, 1, as[1]), roundRows(b, s.n, s.k, 1, bs[1])
}

// coopProduct is product by cooperative matrices.
func coopProduct(t *testing.T, dev *gpu.Device, l Layout, s shape, a, b, bias, c0 []float32) []float32 {
	t.Helper()
	return product(t, dev, Args{Layout: l, Coop: MustCoop}, s, a, b, bias, c0, dev.OnCPU())
}

// TestCoopMatchesOracle holds every layout to float64, of operands rounded to f16.
// The last shapes cross tiles; TN cuts the longest k.
func TestCoopMatchesOracle(t *testing.T) {
	gputest.EachCoop(t, func(t *testing.T, dev *gpu.Device) {
		for _, l := range []Layout{NT, NN, TN} {
			for _, s := range append(shapes, shape{65, 129, 33}, shape{130, 66, 96}) {
				if l == NT {
					s.k += s.k % 2
				}
				as, bs := operandShapes(l, s)
				a, b := gputest.Normal(1, as[0]*as[1]), gputest.Normal(2, bs[0]*bs[1])
				bias, c0 := gputest.Normal(3, s.n), gputest.Normal(4, s.m*s.n)
				ra, rb := roundOperands(l, s, a, b)
				want, bound := oracle(l, s.m, s.n, s.k, ra, rb, as[1], bs[1])
				for i := range want {
					rest := math.Abs(float64(bias[i%s.n])) + math.Abs(float64(c0[i]))
					want[i] = 0.5*want[i] + float64(bias[i%s.n]) + float64(c0[i])
					bound[i] = float64(3*s.k+8) * gputest.Eps * (0.5*bound[i] + rest)
				}
				gputest.Close(t, fmt.Sprintf("%v/m=%d/n=%d/k=%d", l, s.m, s.n, s.k), coopProduct(t, dev, l, s, a, b, bias, c0), want, bound)
			}
		}
	})
}

// TestCoopWeightsAndEpilogues covers weights of f16 and f32, with each epilogue.
func TestCoopWeightsAndEpilogues(t *testing.T) {
	gputest.EachCoop(t, func(t *testing.T, dev *gpu.Device) {
		for _, l := range []layer{
			{m: 3, n: 37, k: 96, dtype: tensor.F16},
			{m: 66, n: 70, k: 64, dtype: tensor.F16, gated: true, eps: 1e-5},
			{m: 5, n: 9, k: 44, dtype: tensor.F16, gated: true},
			{m: 40, n: 9, k: 34, act: SiLU, eps: 1e-6},
			{m: 9, n: 40, k: 34, act: GELUTanh},
			{m: 9, n: 130, k: 34, act: GELU, eps: 1},
			{m: 2, n: 70, k: 64, gated: true, eps: 1e-5},
		} {
			l.coop = MustCoop
			t.Run(l.String(), func(t *testing.T) { l.test(t, dev) })
		}
	})
}

// TestCoopKeepsTheRangeOfF32 multiplies rows and columns far outside of f16's range.
func TestCoopKeepsTheRangeOfF32(t *testing.T) {
	gputest.EachCoop(t, func(t *testing.T, dev *gpu.Device) {
		s := shape{9, 11, 66}
		rows, columns := []int{0, 17, 60, 90, -30, -100, -113}, []int{0, 16, 26, -20, 5}
		for _, l := range []Layout{NT, NN, TN} {
			as, bs := operandShapes(l, s)
			a, b := gputest.Normal(1, as[0]*as[1]), gputest.Normal(2, bs[0]*bs[1])
			for i := range a {
				row := i / as[1]
				if l == TN {
					row = i % as[1]
				}
				a[i] = float32(math.Ldexp(float64(a[i]), rows[row%len(rows)]))
			}
			for i := range b {
				column := i % bs[1]
				if l == NT {
					column = i / bs[1]
				}
				b[i] = float32(math.Ldexp(float64(b[i]), columns[column%len(columns)]))
			}
			ra, rb := roundOperands(l, s, a, b)
			want, bound := oracle(l, s.m, s.n, s.k, ra, rb, as[1], bs[1])
			for i := range want {
				want[i] *= 0.5
				bound[i] = float64(3*s.k+8)*gputest.Eps*0.5*bound[i] + 0x1p-126 // what is below may be taken for zero
			}
			gputest.Close(t, l.String(), coopProduct(t, dev, l, s, a, b, make([]float32, s.n), make([]float32, s.m*s.n)), want, bound)
		}
	})
}

// TestCoopKeepsNaNInItsRow puts what is not finite into a row of A and a column of
// B: only their products may feel it, and those must.
func TestCoopKeepsNaNInItsRow(t *testing.T) {
	gputest.EachCoop(t, func(t *testing.T, dev *gpu.Device) {
		s := shape{7, 6, 34}
		bias, c0 := make([]float32, s.n), make([]float32, s.m*s.n)
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, l := range []Layout{NT, NN, TN} {
				as, bs := operandShapes(l, s)
				a, b := gputest.Normal(1, as[0]*as[1]), gputest.Normal(2, bs[0]*bs[1])
				clean := coopProduct(t, dev, l, s, a, b, bias, c0)
				ai, bi := 3*as[1]+5, 5*bs[1]+2 // A(3, 5), B(5, 2)
				if l == TN {
					ai = 5*as[1] + 3
				}
				if l == NT {
					bi = 2*bs[1] + 5
				}
				a[ai], b[bi] = float32(bad), float32(bad)
				for i, x := range coopProduct(t, dev, l, s, a, b, bias, c0) {
					touched := i/s.n == 3 || i%s.n == 2
					finite := !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0)
					if touched == finite || !touched && x != clean[i] {
						t.Errorf("%v with %g: c[%d, %d] = %g, without it %g", l, bad, i/s.n, i%s.n, x, clean[i])
					}
				}
			}
		}
	})
}

// TestCoopRowsDoNotDependOnTheirCompany is the contract of
// TestRowsDoNotDependOnTheirCompany for cooperative matrices, over two tiles.
func TestCoopRowsDoNotDependOnTheirCompany(t *testing.T) {
	gputest.EachCoop(t, func(t *testing.T, dev *gpu.Device) {
		const most = 70
		for _, l := range []layer{
			{n: 50, k: 96, coop: MustCoop},
			{n: 50, k: 96, dtype: tensor.F16, coop: MustCoop},
			{n: 30, k: 36, dtype: tensor.F16, eps: 1e-6, gated: true, coop: MustCoop},
		} {
			t.Run(l.String(), func(t *testing.T) { l.testRows(t, dev, most) })
		}
	})
}

// TestCoopOfHalves is TestHalvesGiveTheBitsOfTheirValues for cooperative matrices:
// their products and sums in f32 are the same but for a power of two.
func TestCoopOfHalves(t *testing.T) {
	gputest.EachCoop(t, func(t *testing.T, dev *gpu.Device) {
		for _, l := range []Layout{NT, NN, TN} {
			for _, s := range []shape{{3, 34, 50}, {67, 130, 131}, {5, 12, 2050}} {
				if l == NT {
					s.k += s.k % 2
				}
				for _, h := range []halfCase{{Layout: l, s: s}, {Layout: l, s: s, a: true}, {Layout: l, s: s, a: true, c: l != TN}} {
					h.dtype, h.onCPU, h.coop = tensor.F16, true, MustCoop
					t.Run(h.String(), func(t *testing.T) { h.test(t, dev) })
				}
			}
		}
	})
}

// TestCoopTilesAndRunsAgree holds that neither the tile nor another run changes a bit.
func TestCoopTilesAndRunsAgree(t *testing.T) {
	gputest.EachCoop(t, func(t *testing.T, dev *gpu.Device) {
		shape, err := dev.CoopMatrix()
		if err != nil {
			t.Fatal(err)
		}
		const m, n, k = 67, 70, 130
		a := Args{
			A: gputest.F32(t, dev, gputest.Normal(1, m*k), m, k), B: gputest.F32(t, dev, gputest.Normal(2, n*k), n, k), C: gputest.F32(t, dev, make([]float32, m*n), m, n),
		}
		a.defaults()
		var first []float32
		for _, side := range []int{64, 64, 128, 64, 32} {
			for range 10 {
				gputest.Run(t, dev, func(r *gpu.Recorder) {
					r.Fill(a.C, 0)
					dispatch(r, &a, coopKernel(shape, side), 0)
				})
				got := gputest.Read(t, a.C)
				if first == nil {
					first = got
				}
				if !slices.Equal(got, first) {
					t.Fatalf("another run on tiles of %d gives other bits", side)
				}
			}
		}
	})
}

// TestCoopOfHeads multiplies slices of [t, heads·dh] matrices.
func TestCoopOfHeads(t *testing.T) {
	gputest.EachCoop(t, func(t *testing.T, dev *gpu.Device) {
		testHeads(t, dev, MustCoop, 3*headDim+8, func(x []float32) []float32 { return roundRows(x, headRows, headDim, heads*headDim, 1) })
	})
}

// TestCoopWhereThereIsNone asks for what the device or the kernel lacks: an error
// that names it if it must be, the bits of the other kernels if it may.
func TestCoopWhereThereIsNone(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		_, lacks := dev.CoopMatrix()
		x, w := gputest.Normal(1, 5*64), gputest.Normal(2, 40*64)
		bias, c := gputest.Normal(3, 40), gputest.Normal(4, 5*40)
		for _, dt := range gputest.Pick(3, weightTypes) {
			feature := fmt.Sprintf("cooperative matrices for B of %v", dt)
			var u *gpu.UnsupportedError
			switch {
			case errors.As(lacks, &u):
				feature = u.Feature
			case dt == tensor.F32 || dt == tensor.F16:
				continue
			}
			l := layer{m: 5, n: 40, k: 64, dtype: dt}
			b, scale := upload(t, dev, dt, w, l.n, l.k)
			r := dev.NewRecorder()
			Record(r, Args{A: gputest.F32(t, dev, x, l.m, l.k), B: b, Scale: scale, C: gputest.F32(t, dev, c, l.m, l.n), Coop: MustCoop})
			if _, err := r.Finish(); !errors.Is(err, gpu.ErrUnsupported) || !strings.Contains(err.Error(), feature) {
				t.Errorf("B of %v: error %v does not name %s", dt, err, feature)
			}
			without := l.run(t, dev, x, w, bias, c)
			l.coop = MayCoop
			if !slices.Equal(l.run(t, dev, x, w, bias, c), without) {
				t.Errorf("B of %v: other bits where cooperative matrices may be used and are not", dt)
			}
		}
	})
}
