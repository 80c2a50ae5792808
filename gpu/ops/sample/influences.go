package sample

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// InfluencesArgs are the operands of [Influences].
type InfluencesArgs struct {
	Logits     *gpu.Tensor // f32 [m, c, k]: of c candidates, k kinds side by side
	Draw       *gpu.Tensor // u32 [m, 8], as for Softmax: lo and hi bound the candidates
	Out        *gpu.Tensor // u32 [m, MostInfluences]: the bits of f32 numbers, see PackInfluence
	Kind       int
	Candidates int // c
}

// MostInfluences is the number of candidates that a row keeps.
const MostInfluences = 4

// influenceScale is what a candidate's number is multiplied by. It is more than any share.
const influenceScale = 1 << 12

// maxCandidates keeps candidate times scale exact in f32.
const maxCandidates = 1 << 11

// PackInfluence returns a candidate and its share, 0 to 1, as one number that f32 holds
// exactly; 0 for a share that rounds to 0.
func PackInfluence(candidate int, share float64) float32 {
	part := int(share*(influenceScale-1) + 0.5)
	if part <= 0 {
		return 0
	}
	return float32(candidate*influenceScale + min(part, influenceScale-1))
}

// UnpackInfluence returns the candidate and the share of a number. It reports false for 0, and for
// a number that [PackInfluence] does not make.
func UnpackInfluence(x float32) (candidate int, share float64, ok bool) {
	if !(x >= 1 && x < maxCandidates*influenceScale) || x != float32(int(x)) || int(x)%influenceScale == 0 {
		return 0, 0, false
	}
	return int(x) / influenceScale, float64(int(x)%influenceScale) / (influenceScale - 1), true
}

// Influences keeps of every row of logits the [MostInfluences] largest, the largest first, with their
// shares of a softmax among these. Shares are rounded to parts of 4095, and the largest takes what
// rounding leaves. It draws nothing at random. Rows that draw nothing write nothing. Errors wrap
// [gpu.ErrShape].
func Influences(r *gpu.Recorder, a InfluencesArgs) {
	const where = "sample.Influences"
	if a.Logits == nil || a.Draw == nil || a.Candidates < 1 || a.Candidates > maxCandidates {
		r.Fail(launch.Error(where, "%d candidates, from 1 to %d, or an operand is nil", a.Candidates, maxCandidates))
		return
	}
	m := a.Draw.Elems() / DrawWords
	k := a.Logits.Elems() / max(m*a.Candidates, 1)
	if a.Kind < 0 || a.Kind >= k {
		r.Fail(launch.Error(where, "kind %d of %d", a.Kind, k))
		return
	}
	if err := launch.Check(where, launch.F32("Logits", a.Logits, m*a.Candidates*k), launch.U32("Draw", a.Draw, m*DrawWords), launch.U32("Out", a.Out, m*MostInfluences)); err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "sample", "influences"), Grid: gpu.Linear(launch.Ceil(m, r.Device().SubgroupWidth())),
		In: []*gpu.Tensor{a.Logits, a.Draw}, Out: []*gpu.Tensor{a.Out},
		Params: []uint32{uint32(m), uint32(a.Candidates), uint32(k), uint32(a.Kind)},
		Work:   launch.Work(8*m*a.Candidates, a.Logits, a.Draw, a.Out),
	})
}
