package attention

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// CachedArgs are the operands of Cached.
type CachedArgs struct {
	Q, Out   *gpu.Tensor // [rows, d], row strides LDQ and LDO, even; 0 means d
	LDQ, LDO int
	// CacheK and CacheV are f32 [b, s, d].
	CacheK, CacheV *gpu.Tensor
	Rows           int // 0 means all rows of Q
	Heads, HeadDim int // HeadDim is even and at most MaxHeadDim
	// Seq and Len are i32 [rows]: a row sees keys 0 to Len-1 of its sequence.
	Seq, Len *gpu.Tensor
	Scale    float32 // 0 means 1/√dh
	// Run hints that rows come in runs of at least this many from one sequence,
	// as when a prefix is read or a group of positions predicted together. Rows
	// of a run then share the loads of keys and values. It changes speed alone,
	// never a bit; 0 and 1 suit a batch of one row a sequence.
	Run int
}

// tile is the number of rows one workgroup takes.
func (a *CachedArgs) tile() int {
	if a.Run >= 4 && a.HeadDim <= 128 {
		return 4
	}
	return 1
}

// Cached adds attention over a cache to a program:
//
//	Out[i] = Σ_k softmax_k(scale · Q[i]·K[k]) V[k],   k < Len[i], of sequence Seq[i]
//
// A row with Len <= 0, or whose sequence lies outside the cache, gets zeros; a
// Len over s counts as s. Slots past the
// largest Len of a sequence's rows are not read. The work grows with
// Len, not with s. Keys are summed in an order that depends on their slot alone,
// so a row's bits depend on its query, its keys and values and Len, not on other
// rows or on how the cache was filled. Out must not overlap Q. Errors wrap
// [gpu.ErrShape].
//
// Source: one pass with a running maximum, Milakov and Gimelshein, "Online
// normalizer calculation for softmax", 2018, arXiv:1805.02867.
func Cached(r *gpu.Recorder, a CachedArgs) {
	if err := a.check("attention.Cached"); err != nil {
		r.Fail(err)
		return
	}
	tile := a.tile()
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", fmt.Sprint("cached_", tile), uint32(a.HeadDim)),
		Grid:   gpu.Linear((a.Rows + tile - 1) / tile * a.Heads),
		In:     []*gpu.Tensor{a.Q, a.CacheK, a.CacheV, a.Seq, a.Len},
		Out:    []*gpu.Tensor{a.Out},
		Params: []uint32{
			uint32(a.Rows), uint32(a.Heads), uint32(a.LDQ), uint32(a.LDO),
			uint32(a.CacheK.Dim(0)), uint32(a.CacheK.Dim(1)), gpu.F32Param(a.Scale),
		},
	})
}

func (a *CachedArgs) check(where string) error {
	if err := first(caches(where, a.CacheK, a.CacheV), present(where, "Q", a.Q)); err != nil {
		return err
	}
	d := a.Heads * a.HeadDim
	orDefault(&a.Rows, a.Q.Rows())
	orDefault(&a.LDQ, d)
	orDefault(&a.LDO, d)
	a.Scale = scaleOr(a.Scale, a.HeadDim)
	if a.Rows < 1 || a.Heads < 1 || a.HeadDim < 2 || a.HeadDim > MaxHeadDim || a.HeadDim%2 != 0 || d != a.CacheK.Dim(2) {
		return launch.Error(where, "rows=%d heads=%d dh=%d (even, at most %d), the cache's d is %d", a.Rows, a.Heads, a.HeadDim, MaxHeadDim, a.CacheK.Dim(2))
	}
	return first(
		matrix(where, "Q", a.Q, a.Rows, d, a.LDQ),
		matrix(where, "Out", a.Out, a.Rows, d, a.LDO),
		launch.Check(where, launch.I32("Seq", a.Seq, a.Rows), launch.I32("Len", a.Len, a.Rows)),
	)
}
