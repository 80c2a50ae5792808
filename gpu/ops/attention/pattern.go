package attention

import (
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Pattern says which blocks of keys the queries of a block see, by sequence of a cache and
// by head of keys. Block i has the slots i·Block to (i+1)·Block-1. [Select] makes it once,
// and [Cached] reads it in later steps.
//
// Source: Wang et al., "SparseD: Sparse Attention for Diffusion Language Models", 2025,
// arXiv:2509.24014.
type Pattern struct {
	Ranges *gpu.Tensor // i32 [sequences, g, blocks, n, 2]: slots lo to below hi, blocks side by side joined
	Block  int
}

// Selection says how much of a pattern is kept: of the blocks of the first Prefix slots, and
// of the others, the share Keep of those with the most attention, rounded up. The last block
// of the prefix may have other slots too.
type Selection struct {
	Keep   float64 // above 0, up to 1
	Prefix int     // slots of the condition
}

// most is the number of blocks that are kept of so many.
func (s Selection) most(blocks, block int) int {
	first := min((s.Prefix+block-1)/block, blocks)
	return s.kept(first) + s.kept(blocks-first)
}

func (s Selection) kept(n int) int { return min(int(math.Ceil(s.Keep*float64(n)-1e-9)), n) }

// NewPattern allocates the pattern of sequences of so many slots.
func NewPattern(dev *gpu.Device, sequences, kvHeads, slots, block int, s Selection) (*Pattern, error) {
	blocks := (slots + block - 1) / block
	ranges, err := dev.NewTensor(tensor.I32, sequences, kvHeads, blocks, s.most(blocks, block), 2)
	return &Pattern{ranges, block}, err
}

// PatternBytes is the memory of a pattern.
func PatternBytes(sequences, kvHeads, slots, block int, s Selection) uint64 {
	blocks := (slots + block - 1) / block
	return 8 * uint64(sequences) * uint64(kvHeads) * uint64(blocks) * uint64(s.most(blocks, block))
}

// Free gives the memory back.
func (p *Pattern) Free() { p.Ranges.Free() }

func (p *Pattern) blocks() int { return p.Ranges.Dim(2) }

func (p *Pattern) check(where string, sequences, kvHeads int) error {
	t := p.Ranges
	if p.Block < 1 || t == nil || len(t.Shape) != 5 || t.Dim(0) != sequences || t.Dim(1) != kvHeads || t.Dim(4) != 2 {
		return launch.Error(where, "a pattern that is not i32 [%d, %d, blocks, n, 2], with blocks of %d slots", sequences, kvHeads, p.Block)
	}
	return launch.Check(where, launch.I32("Pattern", t, t.Elems()))
}

// Select adds the making of a pattern to a program. The arguments are those of the [Cached]
// that stands before, where a.Pattern is the pattern that is written. The attention of a block of
// queries to a block of keys is the sum over both of
//
//	softmax_k(scale · Q[i]·K[k])
//
// and over the heads that share those keys. Of blocks with as much attention the first is
// kept. Rows of a sequence stand side by side, in the order of their slots; the rows of a
// block begin at its first slot. Each row sees its slots from 0 to Len-1. A pattern depends on the
// rows of its own sequence alone. Errors wrap [gpu.ErrShape].
func Select(r *gpu.Recorder, a CachedArgs, s Selection) {
	const where = "attention.Select"
	_, err := a.complete(where)
	if err == nil && (a.Pattern == nil || a.Window != 0 || !(s.Keep > 0 && s.Keep <= 1) || s.Prefix < 0 || a.Pattern.Ranges.Dim(3) < s.most(a.Pattern.blocks(), a.Pattern.Block)) {
		err = launch.Error(where, "no pattern, or one without room for %g of its blocks", s.Keep)
	}
	if err != nil {
		r.Fail(err)
		return
	}
	blocks, group := a.Pattern.blocks(), a.Heads/a.KVHeads
	mass := r.Temp(tensor.F32, a.Rows, a.KVHeads, 3, blocks)
	kernel := func(name string) string {
		if a.Cache.floats() {
			return name + "_cache32"
		}
		return name
	}
	params := append([]uint32{uint32(a.Rows), uint32(a.KVHeads), uint32(group), uint32(a.LDQ)}, a.Cache.paging()...)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", kernel("mass"), uint32(a.HeadDim)), Grid: gpu.Linear(a.Rows * a.KVHeads),
		In: []*gpu.Tensor{a.Q, a.Cache.K, a.Cache.Table, a.Seq, a.Len}, Out: []*gpu.Tensor{mass},
		Params: append(params, uint32(a.Pattern.Block), uint32(blocks), gpu.F32Param(a.Scale)),
		Work:   launch.Work(2*a.Rows*a.Heads*a.HeadDim*a.Pattern.Block*blocks, a.Q, mass),
	})
	first := min((s.Prefix+a.Pattern.Block-1)/a.Pattern.Block, blocks)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", "pattern"), Grid: gpu.Linear(a.Rows * a.KVHeads),
		In: []*gpu.Tensor{a.Seq, a.Len, a.At}, Out: []*gpu.Tensor{mass, a.Pattern.Ranges},
		Params: []uint32{
			uint32(a.Rows), uint32(a.KVHeads), uint32(a.Cache.Table.Dim(0)), uint32(a.Pattern.Block), uint32(blocks), uint32(first), uint32(a.Pattern.Ranges.Dim(3)),
			gpu.F32Param(float32(s.Keep)),
		},
		Work: launch.Work(a.Rows*a.KVHeads*blocks, mass, mass),
	})
}
