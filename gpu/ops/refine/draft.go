package refine

import (
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Draft keeps what one network proposes for tokens, for the check by another. Both draw with
// the same random numbers up to the last pass that adds noise. Given those, a token has a
// normal distribution behind that pass: q of the draft and p of the check. The proposal x
// stays with probability
//
//	min(1, p(x)/q(x))^(1/Temperature²)
//
// Else the token is drawn from max(p - q, 0), by trying tokens from p until one is
// accepted. At temperature 1 tokens are distributed as those of the check's network, but
// for 2.3·10⁻⁵ in total variation, since there are 16,384 tries at most. Above 1 more
// proposals stay, and the distance in total variation is the share of those that stay
// beyond the share at temperature 1. The passes behind are those of the check's network.
//
// Source: Wang et al., "Continuous Speculative Decoding for Autoregressive Image
// Generation", 2024, arXiv:2411.11925. There the ratio is also multiplied by those of the
// deviations of all passes. Then tokens are not distributed as p: given the random numbers
// of the passes before, only the last ratio makes them so.
type Draft struct {
	Proposals   *gpu.Tensor // f32 [slots, l, 5, c]: numbers, means and logs of variances of the draft, and those of the check
	Kept        *gpu.Tensor // u32 [slots, l]: 1 where a check kept the proposal
	Checks      bool        // else it proposes
	Temperature float32     // of the check; 0 means 1
}

// NewDraft allocates the proposals of tokens of c numbers.
func NewDraft(dev *gpu.Device, slots, l, c int) (d Draft, err error) {
	if d.Proposals, err = dev.NewTensor(tensor.F32, slots, l, 5, c); err == nil {
		d.Kept, err = dev.NewTensor(tensor.U32, slots, l)
	}
	return d, err
}

// DraftBytes is the memory of the proposals of n tokens of c numbers.
func DraftBytes(n, c int) uint64 { return 4 * uint64(n) * uint64(5*c+1) }

// Free gives the memory back.
func (d *Draft) Free() {
	d.Proposals.Free()
	d.Kept.Free()
}

// params returns what the kernel reads of a draft, nil for none: the positions, and the
// power of the ratio.
func (d *Draft) params(where string, c int) (mode, l uint32, share float32, err error) {
	if d == nil {
		return 0, 0, 0, nil
	}
	if d.Proposals == nil || len(d.Proposals.Shape) != 4 || d.Proposals.Dim(2) != 5 || d.Proposals.Dim(3) != c || d.Temperature < 0 || math.IsNaN(float64(d.Temperature)) {
		return 0, 0, 0, launch.Error(where, "proposals that are not of %d numbers, or checked at temperature %g", c, d.Temperature)
	}
	mode, share = 1, 1
	if d.Checks {
		mode = 2
	}
	if d.Temperature > 0 {
		share = 1 / (d.Temperature * d.Temperature)
	}
	n := d.Proposals.Elems()
	return mode, uint32(d.Proposals.Dim(1)), share, launch.Check(where, launch.F32("Proposals", d.Proposals, n), launch.U32("Kept", d.Kept, n/5/c))
}
