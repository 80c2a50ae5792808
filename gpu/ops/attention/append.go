package attention

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
)

// AppendArgs are the operands of Append.
type AppendArgs struct {
	K, V     *gpu.Tensor // [rows, d], row strides LDK and LDV, even; 0 means d
	LDK, LDV int
	// CacheK and CacheV are f32 [b, s, d].
	CacheK, CacheV *gpu.Tensor
	Rows, D        int // 0 means all rows of K, and the cache's d
	// Seq and Slot are i32 [rows]: the sequence and the slot a row goes to.
	Seq, Slot *gpu.Tensor
}

// Append adds to a program the copy of keys and values into a cache:
//
//	CacheK[Seq[i], Slot[i]] = K[i],   CacheV[Seq[i], Slot[i]] = V[i]
//
// A row whose slot is negative is skipped, and so is one whose sequence or slot
// lies outside the cache. Two rows must not name the same slot. Errors wrap
// [gpu.ErrShape].
func Append(r *gpu.Recorder, a AppendArgs) {
	if err := a.check("attention.Append"); err != nil {
		r.Fail(err)
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "attention", "append"),
		Grid:   gpu.Linear(a.Rows),
		In:     []*gpu.Tensor{a.K, a.V, a.Seq, a.Slot},
		Out:    []*gpu.Tensor{a.CacheK, a.CacheV},
		Params: []uint32{uint32(a.Rows), uint32(a.D), uint32(a.LDK), uint32(a.LDV), uint32(a.CacheK.Dim(0)), uint32(a.CacheK.Dim(1))},
	})
}

func (a *AppendArgs) check(where string) error {
	if err := first(caches(where, a.CacheK, a.CacheV), present(where, "K", a.K)); err != nil {
		return err
	}
	orDefault(&a.D, a.CacheK.Dim(2))
	orDefault(&a.Rows, a.K.Rows())
	orDefault(&a.LDK, a.D)
	orDefault(&a.LDV, a.D)
	if a.D != a.CacheK.Dim(2) || a.Rows < 1 {
		return launch.Error(where, "rows=%d d=%d, the cache's d is %d", a.Rows, a.D, a.CacheK.Dim(2))
	}
	return first(
		matrix(where, "K", a.K, a.Rows, a.D, a.LDK),
		matrix(where, "V", a.V, a.Rows, a.D, a.LDV),
		launch.Check(where, launch.I32("Seq", a.Seq, a.Rows), launch.I32("Slot", a.Slot, a.Rows)),
	)
}

func present(where, name string, t *gpu.Tensor) error {
	if t == nil {
		return launch.Error(where, "%s is missing", name)
	}
	return nil
}

// caches checks a pair of key and value caches, [b, s, d] with d even.
func caches(where string, k, v *gpu.Tensor) error {
	if k == nil || v == nil || len(k.Shape) != 3 || k.Dim(2)%2 != 0 {
		return launch.Error(where, "caches must be [b, s, d] with d even")
	}
	return launch.Check(where, launch.F32("CacheK", k, k.Elems()), launch.F32("CacheV", v, k.Elems()))
}
