package attention

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
)

// wideBytes bounds the temporary that a block of rows' scores take.
const wideBytes = 8 << 20

// WideArgs are the operands of [Wide]. Rows lie without gaps.
type WideArgs struct {
	Q     *gpu.Tensor // f32 [b·n, dh]
	K, V  *gpu.Tensor // f32 [b·nk, dh]
	Out   *gpu.Tensor // f32 [b·n, dh]
	B     int         // sequences; 0 means 1
	Scale float32     // multiplies the dot products; 0 means 1/√dh
}

// Wide adds attention of one head of any even width to a program, where every query
// sees every key of its sequence:
//
//	Out[q] = Σ_k softmax_k(scale · Q[q]·K[k]) V[k]
//
// It is for heads over [MaxHeadDim], as image tokenizers have; [Forward] is for the
// others. Scores are made for blocks of rows, in 8 MiB (or 32 rows, if those are
// more), so [n, nk] never stands in memory. A row's bits do not depend on the other
// rows. Out must not overlap the others. All must start at an even element of their
// allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762,
// equation 1.
func Wide(r *gpu.Recorder, a WideArgs) {
	n, nk, dh, err := a.check("attention.Wide")
	if err != nil {
		r.Fail(err)
		return
	}
	ld := (nk + 1) &^ 1
	height := min(max(wideBytes/(4*ld)&^31, 32), n)
	scores := r.Temp(tensor.F32, height, ld)
	for b := range a.B {
		k, v := a.K.View(b*nk*dh, nk, dh), a.V.View(b*nk*dh, nk, dh)
		for first := 0; first < n; first += height {
			rows, at := min(height, n-first), (b*n+first)*dh
			s := scores.View(0, rows, ld)
			matmul.Record(r, matmul.Args{Layout: matmul.NT, A: a.Q.View(at, rows, dh), B: k, C: s, N: nk, Alpha: a.Scale})
			softmax(r, s, nk)
			matmul.Record(r, matmul.Args{Layout: matmul.NN, A: s, B: v, C: a.Out.View(at, rows, dh), K: nk})
		}
	}
}

// check fills in the defaults and returns the rows of a sequence and their width.
func (a *WideArgs) check(where string) (n, nk, dh int, err error) {
	a.B = max(a.B, 1)
	rows, dh, err := launch.Matrix(where, "Q", a.Q)
	if err != nil {
		return 0, 0, 0, err
	}
	keys, _, err := launch.Matrix(where, "K", a.K)
	if err != nil {
		return 0, 0, 0, err
	}
	if dh%2 != 0 || rows%a.B != 0 || keys%a.B != 0 {
		return 0, 0, 0, launch.Error(where, "%d sequences of %d queries and %d keys, %d wide (even)", a.B, rows, keys, dh)
	}
	a.Scale = scaleOr(a.Scale, dh)
	return rows / a.B, keys / a.B, dh, launch.Check(where, launch.F32("K", a.K, keys*dh), launch.F32("V", a.V, keys*dh), launch.F32("Out", a.Out, rows*dh))
}

// softmax brings the first n elements of every row to a sum of one.
func softmax(r *gpu.Recorder, x *gpu.Tensor, n int) {
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", "softmax"),
		Grid:   gpu.Linear(x.Rows()),
		Out:    []*gpu.Tensor{x},
		Params: []uint32{uint32(x.Rows()), uint32(n), uint32(x.Dim(-1))},
		Work:   launch.Work(5*x.Rows()*n, x, x),
	})
}
