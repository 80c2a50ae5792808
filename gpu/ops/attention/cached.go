package attention

import (
	"cmp"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// CachedArgs are the operands of [Cached].
type CachedArgs struct {
	Q, Out                  *gpu.Tensor // f32 [rows, h·dh], row strides LDQ and LDO, even; 0 means no gap
	LDQ, LDO                int
	Cache                   Cache
	Rows                    int // 0 means as many as Seq has
	Heads, KVHeads, HeadDim int // KVHeads 0 means Heads; HeadDim is even and at most MaxHeadDim
	// Seq and Len are i32 [rows]: a row sees slots 0 to Len-1 of its sequence; with
	// a Window, the last Window of them.
	Seq, Len *gpu.Tensor
	Window   int
	// Ranges is i32 [rows, n, 2], nil for everything: of the slots above a row sees
	// those in its ranges [lo, hi), one range after the other. Ranges of a row must
	// not overlap; an empty one counts for nothing.
	Ranges *gpu.Tensor
	// Pattern, if not nil, has ranges in place of Ranges. At is then i32 [rows]: the slot that
	// a row has itself.
	Pattern *Pattern
	At      *gpu.Tensor
	Scale   float32 // 0 means 1/√dh
	// Run hints that rows come in runs of at least this many from one sequence, with
	// the same ranges, as when a prefix is read or a group of positions predicted
	// together. Rows of a run then share the loads of keys and values. It changes
	// speed alone, never a bit; 0 and 1 suit a batch of one row a sequence.
	Run int
}

// tile is the number of entries, heads of a group times rows, that a workgroup
// takes: up to 4 that most likely see the same slots.
func (a *CachedArgs) tile() int {
	run, tile := max(a.Run, 1)*(a.Heads/a.KVHeads), 1
	for tile < 4 && a.HeadDim <= 128 && (run%(2*tile) == 0 || a.Run >= 2*tile) {
		tile *= 2
	}
	return tile
}

// CachedKernel names the kernel that attention over a cache of halves takes on a
// device.
func CachedKernel(d gpu.Info) string { return launch.Types16(d, "cached") }

// Cached adds attention over a cache to a program:
//
//	Out[i] = Σ_k softmax_k(scale · Q[i]·K[k]) V[k],   over the slots k that row i sees
//
// with keys and values as the cache has them, and everything else in f32. A row that sees
// nothing, or whose sequence lies outside the cache, gets zeros; a Len over what a
// sequence can have counts as that. Slots that no row sees are not read. The work grows
// with what is seen, not with the cache. The order of the sum depends only on the slots
// and the ranges. So a row's bits depend on its query, its keys and values and its ranges.
// They do not depend on other rows, on pages or on how the cache was filled. Out must not
// overlap Q. Errors wrap [gpu.ErrShape].
//
// Source: one pass with a running maximum, Milakov and Gimelshein, "Online
// normalizer calculation for softmax", 2018, arXiv:1805.02867; pages, Kwon et al.,
// "PagedAttention", 2023, arXiv:2309.06180.
func Cached(r *gpu.Recorder, a CachedArgs) {
	ranges, err := a.complete("attention.Cached")
	if err != nil {
		r.Fail(err)
		return
	}
	tile, group := a.tile(), a.Heads/a.KVHeads
	kernel := CachedKernel(r.Device().Info())
	if a.Cache.floats() {
		kernel = "cached_cache32"
	}
	table, block, blocks := a.Ranges, 1, 1
	if a.Pattern != nil {
		table, block, blocks = a.Pattern.Ranges, a.Pattern.Block, a.Pattern.blocks()
	}
	params := append([]uint32{uint32(a.Rows), uint32(a.KVHeads), uint32(group), uint32(a.LDQ), uint32(a.LDO)}, a.Cache.paging()...)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", kernel, uint32(a.HeadDim), uint32(tile), launch.Flag(a.Pattern != nil)),
		Grid:   gpu.Linear(launch.Ceil(a.Rows*group, tile) * a.KVHeads),
		In:     []*gpu.Tensor{a.Q, a.Cache.K, a.Cache.V, a.Cache.Table, a.Seq, a.Len, table, a.At},
		Out:    []*gpu.Tensor{a.Out},
		Params: append(params, uint32(a.Window), uint32(ranges), gpu.F32Param(a.Scale), uint32(block), uint32(blocks)),
		Tally:  a.tally(),
	})
}

// complete fills in what is 0, checks the rest, and returns the ranges a row has.
func (a *CachedArgs) complete(where string) (ranges int, err error) {
	orDefault(&a.KVHeads, a.Heads)
	if err := heads(where, a.Heads, a.KVHeads, a.HeadDim); err != nil {
		return 0, err
	}
	if err := a.Cache.check(where, a.KVHeads*a.HeadDim); err != nil {
		return 0, err
	}
	if a.Seq == nil || a.Window < 0 || a.Cache.slots() > math.MaxInt32 || a.Window > math.MaxInt32 {
		return 0, launch.Error(where, "no Seq, window %d, or %d slots", a.Window, a.Cache.slots())
	}
	d := a.Heads * a.HeadDim
	orDefault(&a.Rows, a.Seq.Elems())
	orDefault(&a.LDQ, d)
	orDefault(&a.LDO, d)
	a.Scale = scaleOr(a.Scale, a.HeadDim)
	if a.Ranges != nil {
		if len(a.Ranges.Shape) != 3 || a.Ranges.Dim(2) != 2 {
			return 0, launch.Error(where, "Ranges must be i32 [rows, n, 2]")
		}
		ranges = a.Ranges.Dim(1)
	}
	if a.Pattern != nil {
		if err := a.Pattern.check(where, a.Cache.Table.Dim(0), a.KVHeads); err != nil || a.Ranges != nil || a.At == nil {
			return 0, cmp.Or(err, launch.Error(where, "a pattern with ranges, or without the rows' slots"))
		}
		ranges = a.Pattern.Ranges.Dim(3)
	}
	return ranges, first(
		matrix(where, "Q", a.Q, a.Rows, d, a.LDQ),
		matrix(where, "Out", a.Out, a.Rows, d, a.LDO),
		launch.Check(where, launch.I32("Seq", a.Seq, a.Rows), launch.I32("Len", a.Len, a.Rows), launch.Optional(launch.I32("Ranges", a.Ranges, a.Rows*ranges*2)), launch.Optional(launch.I32("At", a.At, a.Rows))),
	)
}
