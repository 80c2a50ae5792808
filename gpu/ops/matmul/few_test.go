package matmul

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// TestKernelsForGPUsAgree holds the kernels that a GPU chooses from by the number of
// rows to the same bits: few at each of its tiles, and tile.
func TestKernelsForGPUsAgree(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		subgroups := uint32(256 / dev.SubgroupWidth())
		kernels := []kernel{few(subgroups, 8, 8), few(subgroups, 8, 32), few(subgroups, 32, 32), tile(subgroups, 64), tile(subgroups, 128)}
		for _, dt := range weightTypes {
			k := 1314 // three passes of few, the last of them short, and steps that fill no chunk
			if dt == tensor.I8 || dt == tensor.I4x2 {
				k = 1312
			}
			plain, gated := layer{m: 37, n: 70, k: k, dtype: dt}, layer{m: 5, n: 35, k: k, dtype: dt, gated: true, eps: 1e-5}
			// Each type compiles five kernels for 3 to 8 s each way.
			cases := []layer{plain, gated}
			if !gputest.Exhaustive() {
				cases = map[tensor.DType][]layer{tensor.BF16: {plain}, tensor.I8: {gated}}[dt]
			}
			for _, l := range cases {
				t.Run(l.String(), func(t *testing.T) { l.testKernels(t, dev, kernels) })
			}
		}
	})
}

func (l layer) testKernels(t *testing.T, dev *gpu.Device, kernels []kernel) {
	w, bias := gputest.Normal(2, l.columns()*l.k), gputest.Normal(3, l.columns())
	lda := up4(l.k)
	b, scale := upload(t, dev, l.dtype, spaced(w, l.columns(), l.k, lda), l.columns(), lda)
	a := gputest.F32(t, dev, spaced(gputest.Normal(1, l.m*l.k), l.m, l.k, lda), l.m, lda)
	var first []float32
	for _, k := range kernels {
		args := Args{
			A: a, B: b, Scale: scale, C: gputest.F32(t, dev, gputest.Normal(4, l.m*l.n), l.m, l.n), Bias: gputest.F32(t, dev, bias, l.columns()),
			Alpha: alpha, Add: true, Gated: l.gated, NormEps: l.eps, K: l.k,
		}
		args.defaults()
		if err := args.check(); err != nil {
			t.Fatal(err)
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) { dispatch(r, &args, k, 0) })
		got := gputest.Read(t, args.C)
		if first == nil {
			first = got
			continue
		}
		differ := 0
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(first[i]) {
				if differ++; differ < 8 {
					t.Errorf("%v: element %d is %x, by the first %x", k, i, math.Float32bits(got[i]), math.Float32bits(first[i]))
				}
			}
		}
		if differ > 0 {
			t.Fatalf("%v: %d of %d differ", k, differ, len(got))
		}
	}
}

// spaced moves rows of k numbers to a stride of ld, with NaN between them.
func spaced(x []float32, rows, k, ld int) []float32 {
	out := make([]float32, 0, rows*ld)
	for i := range rows {
		out = append(out, x[i*k:][:k]...)
		for range ld - k {
			out = append(out, float32(math.NaN()))
		}
	}
	return out
}
