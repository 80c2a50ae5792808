package embed

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// ChainArgs are the operands of [Chain].
type ChainArgs struct {
	Tokens *gpu.Tensor // i32 [n, s]: sub-tokens of a token
	IDs    *gpu.Tensor // i32 [n·s, s-1]
	Values int         // v of a sub-token
	Lo, Hi int         // sub-tokens that later ones are told of
}

// ChainRows is the number of rows of the table of [Chain]: one for each pair of sub-tokens and
// each value of the first.
func ChainRows(subs, values int) int { return subs * (subs - 1) / 2 * values }

// Chain adds to a program the rows of a table that tell a sub-token of those before it:
//
//	ids[r·s + j, i] = (j·(j-1)/2 + i)·v + tokens[r, i]   for Lo <= i < min(j, Hi), else -1
//
// [Sum] with these ids adds them to the logits of the sub-tokens, [n·s, v]. A token outside
// 0..v-1 tells nothing. Shape errors wrap [gpu.ErrShape] and come out of Finish.
func Chain(r *gpu.Recorder, a ChainArgs) {
	const where = "embed.Chain"
	var err error
	n, s := 0, 0
	switch {
	case a.Tokens == nil || a.IDs == nil:
		err = launch.Error(where, "an operand is nil")
	case a.Values < 1 || a.Tokens.Dim(-1) < 2 || ChainRows(a.Tokens.Dim(-1), a.Values) >= 1<<31:
		err = launch.Error(where, "%d sub-tokens of %d values", a.Tokens.Dim(-1), a.Values)
	case a.Lo < 0 || a.Hi < a.Lo:
		err = launch.Error(where, "sub-tokens %d to %d", a.Lo, a.Hi)
	default:
		n, s = a.Tokens.Rows(), a.Tokens.Dim(-1)
		err = launch.Check(where, launch.I32("Tokens", a.Tokens, n*s), launch.I32("IDs", a.IDs, n*s*(s-1)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "embed", "chain"),
		Grid:   gpu.Linear(launch.Ceil(n*s, r.Device().SubgroupWidth())),
		In:     []*gpu.Tensor{a.Tokens},
		Out:    []*gpu.Tensor{a.IDs},
		Params: []uint32{uint32(n * s), uint32(s), uint32(a.Lo), uint32(a.Hi), uint32(a.Values)},
		Work:   launch.Work(n*s*s, a.Tokens, a.IDs),
	})
}

// ChainIDs writes on the host what [Chain] writes with Lo 0 and all sub-tokens: ids of tokens
// [n, subs], [n·subs, subs-1].
func ChainIDs(tokens []int32, subs, values int, ids []int32) {
	for at := range tokens {
		s, first := at%subs, at/subs*subs
		for i := range subs - 1 {
			id := int32(-1)
			if i < s && inside(tokens[first+i], values) {
				id = int32((s*(s-1)/2+i)*values) + tokens[first+i]
			}
			ids[at*(subs-1)+i] = id
		}
	}
}
