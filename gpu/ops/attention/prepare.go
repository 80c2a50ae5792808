package attention

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// PrepareArgs are the operands of [Prepare].
type PrepareArgs struct {
	// QKV is f32, rows of (h + 2g)·dh columns LD apart (even; 0 means no gap): heads
	// of queries, of keys, of values. It must start at an even element.
	QKV                     *gpu.Tensor
	LD                      int
	Rows                    int // 0 means as many as Seq has
	Heads, KVHeads, HeadDim int // KVHeads 0 means Heads; Heads 0 means that there are no queries
	Cache                   Cache
	Seq, Slot               *gpu.Tensor // i32 [rows]: the sequence and the slot a row goes to

	QGain, KGain *gpu.Tensor // f32 [dh]: the gains of a norm of each head; nil is no norm
	Eps          float32     // 0 means 1e-6

	// Pos is i32 [rows, axes], and Freq and Axis are as for rope.Apply: a table, or
	// learned frequencies [axes, heads, dh/2] where Axis is nil, one head of them
	// for each of keys or one for all. A nil Freq is no rotation.
	Pos, Freq, Axis *gpu.Tensor
	Half            bool
	Coarse          bool // sines and cosines by a table of frequencies are rounded to bf16
}

// Prepare adds to a program the steps between a layer's projection and its attention over
// a cache, in one dispatch. It normalises the heads of queries and keys (as norm.RMS) and
// rotates them (as rope.Apply), in place for the queries. It copies keys and values to
// slot Slot[i] of sequence Seq[i].
//
// Halves are rounded as the device rounds; floats are exact. A row whose sequence or slot lies
// outside the cache, or has no page, is not copied; two rows must not name the
// same slot. The columns of keys and values stay as they are. A row's bits depend
// on the row alone. Errors wrap [gpu.ErrShape].
//
// Source: the norm, Dehghani et al., "Scaling Vision Transformers to 22 Billion
// Parameters", 2023, arXiv:2302.05442, section 2.
func Prepare(r *gpu.Recorder, a PrepareArgs) {
	if err := a.complete("attention.Prepare"); err != nil {
		r.Fail(err)
		return
	}
	turn, axes, fh := uint32(0), 1, 1
	if a.Freq != nil {
		turn, axes = 1, a.Pos.Dim(-1)
		if a.Axis == nil {
			turn, fh = 2, a.Freq.Dim(1)
		}
	}
	// A workgroup costs lavapipe as much as a head or two; a GPU wants many.
	units, each := a.Heads+2*a.KVHeads, 1
	if r.Device().OnCPU() {
		each = min(units, 12)
	}
	kernel := "prepare"
	if a.Cache.floats() {
		kernel = "prepare_cache32"
	}
	params := append([]uint32{uint32(a.Rows), uint32(a.Heads), uint32(a.KVHeads), uint32(a.LD)}, a.Cache.paging()...)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", kernel, uint32(a.HeadDim), turn, launch.Flag(a.Half), uint32(axes), uint32(each), launch.Flag(a.Coarse)),
		Grid:   gpu.Linear(a.Rows * launch.Ceil(units, each)),
		In:     []*gpu.Tensor{a.Seq, a.Slot, a.Cache.Table, a.Pos, a.Freq, a.Axis, a.QGain, a.KGain},
		Out:    []*gpu.Tensor{a.QKV, a.Cache.K, a.Cache.V},
		Params: append(params, uint32(fh), gpu.F32Param(a.Eps)),
		Work:   a.work(),
	})
}

// complete fills in what is 0 and checks the rest.
func (a *PrepareArgs) complete(where string) error {
	orDefault(&a.KVHeads, a.Heads)
	queries := a.Heads
	if queries == 0 {
		queries = a.KVHeads
	}
	if err := heads(where, queries, a.KVHeads, a.HeadDim); err != nil {
		return err
	}
	if err := a.Cache.check(where, a.KVHeads*a.HeadDim); err != nil {
		return err
	}
	if a.Seq == nil {
		return launch.Error(where, "Seq is missing")
	}
	cols := (a.Heads + 2*a.KVHeads) * a.HeadDim
	orDefault(&a.Rows, a.Seq.Elems())
	orDefault(&a.LD, cols)
	if a.Eps == 0 {
		a.Eps = 1e-6
	}
	return first(
		matrix(where, "QKV", a.QKV, a.Rows, cols, a.LD),
		launch.Check(where, launch.I32("Seq", a.Seq, a.Rows), launch.I32("Slot", a.Slot, a.Rows),
			launch.Optional(launch.F32("QGain", a.QGain, a.HeadDim)), launch.Optional(launch.F32("KGain", a.KGain, a.HeadDim))),
		a.rotary(where),
	)
}

func (a *PrepareArgs) rotary(where string) error {
	switch {
	case a.Freq == nil:
		return nil
	case a.Pos == nil || len(a.Pos.Shape) < 2:
		return launch.Error(where, "Pos must be i32 [rows, axes]")
	}
	axes, freqs := a.Pos.Dim(-1), a.HeadDim/2
	if a.Axis == nil {
		if len(a.Freq.Shape) != 3 || a.Freq.Dim(1) != 1 && a.Freq.Dim(1) != a.KVHeads {
			return launch.Error(where, "learned Freq is %v, want [axes, 1 or %d, dh/2]", a.Freq.Shape, a.KVHeads)
		}
		freqs *= axes * a.Freq.Dim(1)
	}
	return launch.Check(where, launch.I32("Pos", a.Pos, a.Rows*axes), launch.F32("Freq", a.Freq, freqs), launch.Optional(launch.I32("Axis", a.Axis, a.HeadDim/2)))
}
