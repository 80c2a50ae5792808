package attention

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// work is that of a pass which does some products of dh multiplications and additions
// for each pair of a query and a key that it sees, and moves so many elements and what
// else is named.
func (a *Args) work(products, queries, keys int, more ...*gpu.Tensor) gpu.Work {
	w := launch.Work(2*products*a.HeadDim*a.Heads*a.B*a.pairs(), append(more, a.KeyQ, a.KeyK)...)
	w.Bytes += int64(4 * (queries + keys))
	return w
}

// pairs is what one sequence sees of itself at least, half of all pairs; of a window,
// or of keys with integers of their own, at most.
func (a *Args) pairs() int {
	if a.Spans != nil { // most rows are in full windows
		return a.N * min(a.Most, a.N)
	}
	pairs := a.N * a.NK
	if a.KeyK == a.KeyQ {
		pairs = a.N * (a.N + 1) / 2
	}
	if a.Window > 0 {
		pairs = min(pairs, a.N*a.Window)
	}
	return pairs
}

// rows and keys are the elements of so many matrices of queries' and of keys' shape.
func (a *Args) rows(matrices int) int { return matrices * a.B * a.N * a.width() }
func (a *Args) keys(matrices int) int { return matrices * a.B * a.NK * a.kvWidth() }

// work of the rows' queries and keys in place, and of their keys and values in the cache;
// the norm and the turn are some 8 operations an element.
func (a *PrepareArgs) work() gpu.Work {
	turned, copied := a.Rows*(a.Heads+a.KVHeads)*a.HeadDim, a.Rows*2*a.KVHeads*a.HeadDim
	w := launch.Work(8*turned, a.Seq, a.Slot, a.Pos, a.Freq, a.Axis, a.QGain, a.KGain)
	w.Bytes += int64(4*a.Rows*(2*a.Heads+2*a.KVHeads)*a.HeadDim + a.Cache.K.DType.Bytes()*copied)
	return w
}

// tally counts a row's slots by its Len: each is a key and a value, a product
// with either for every head, and at most what the cache has.
func (a *CachedArgs) tally() *gpu.Tally {
	rest := launch.Work(0, a.Seq, a.Len, a.Ranges)
	rest.Bytes += int64(2 * 4 * a.Rows * a.Heads * a.HeadDim)
	most := a.Cache.slots()
	if a.Window > 0 {
		most = min(most, a.Window)
	}
	return &gpu.Tally{
		Of: a.Len, Most: most, Rest: rest,
		Each: gpu.Work{Flops: int64(4 * a.Heads * a.HeadDim), Bytes: int64(2 * a.Cache.K.DType.Bytes() * a.KVHeads * a.HeadDim)},
	}
}
