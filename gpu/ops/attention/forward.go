package attention

import (
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// Forward adds masked multi-head attention to a program. For every sequence and
// head, over the keys k that query q sees,
//
//	P[q, k] = softmax_k(scale · Q[q]·K[k]),   Out[q] = Σ_k P[q, k] V[k]
//	LSE[q] = log Σ_k exp(scale · Q[q]·K[k])
//
// A row that sees nothing becomes 0, and its LSE -10³⁸; NaN in a visible
// score reaches its row of Out. Memory grows with n, not with n·nk: a tile of
// scores lives in registers. A sequence's bits do not depend on the other
// sequences. Errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762,
// equation 1; in tiles, Dao, "FlashAttention-2", 2023, arXiv:2307.08691,
// algorithm 1; grouped heads, Ainslie et al., "GQA", 2023, arXiv:2305.13245. The
// mask is "block-causal" when positions share a key.
func Forward(r *gpu.Recorder, a Args) {
	a.defaults()
	if err := a.check("attention.Forward"); err != nil {
		r.Fail(err)
		return
	}
	tile := a.tile()
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", "forward", a.tiles(r.Device(), tile)...),
		Grid:   a.grid(tile, a.N, a.Heads),
		In:     []*gpu.Tensor{a.Q, a.K, a.V, a.KeyQ, a.keysOrSpans()},
		Out:    []*gpu.Tensor{a.Out, a.LSE},
		Params: append(a.extents(), uint32(a.LDO), uint32(a.Window), gpu.F32Param(a.Scale*math.Log2E)),
		Work:   a.work(2, a.rows(2), a.keys(2), a.LSE),
	})
}

// tile is how many rows a workgroup takes: fewer where wide heads would overflow
// the registers (on a CPU, the first-level cache). On lavapipe, width 8, at dh=64,
// 32 rows made 38 GFLOP/s, 16 35, 64 34; for keys and values 32 were 4 % above 16.
func (a *Args) tile() int { return a.atMost(32) }

// backTile is tile for the gradients. With few registers 16 rows are 2 % above 32, and
// are compiled in a fifth of the time.
func (a *Args) backTile(dev *gpu.Device) int {
	if dev.FewRegisters() {
		return a.atMost(16)
	}
	return a.tile()
}

func (a *Args) atMost(tile int) int {
	for tile > 8 && tile*a.HeadDim > 2048 {
		tile /= 2
	}
	return tile
}

// tiles are the constants of kernels with tiles of so many rows: after them the elements
// of a head that are loaded before they are multiplied, and the rows that take what add
// loads together. Few registers hold the sums of one row, and there loads are long
// code: a body must fit the cache of decoded instructions.
func (a *Args) tiles(dev *gpu.Device, rows int) []uint32 {
	chunk, together := uint32(8), uint32(4)
	if dev.FewRegisters() {
		chunk, together = 4, 1
	}
	return []uint32{uint32(a.HeadDim), uint32(rows), chunk, together, launch.Flag(a.Spans != nil)}
}

// extents are the parameters all kernels begin with.
func (a *Args) extents() []uint32 {
	return []uint32{uint32(a.N), uint32(a.NK), uint32(a.Heads / a.KVHeads), uint32(a.LDQ), uint32(a.LDK), uint32(a.LDV)}
}
