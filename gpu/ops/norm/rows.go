package norm

import (
	"embed"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

const defaultEps = 1e-6

// rows says where the rows of an operation lie: n rows of d columns in groups of
// inner rows that touch, ldx or ldo elements from group to group.
type rows struct{ n, d, inner, ldx, ldo int }

// layout fills in what is 0: d from gain or x, n from x.
func layout(where string, x, gain *gpu.Tensor, n, inner, ldx, ldo int) (rows, error) {
	if x == nil {
		return rows{}, launch.Error(where, "X is nil")
	}
	v := rows{n: n, d: x.Dim(-1), inner: max(inner, 1), ldx: ldx, ldo: ldo}
	if gain != nil {
		v.d = gain.Elems()
	}
	if v.ldx == 0 {
		v.ldx = v.inner * v.d
	}
	if v.ldo == 0 {
		v.ldo = v.inner * v.d
	}
	if v.ldx < v.inner*v.d || v.ldo < v.inner*v.d || inner < 0 || n < 0 {
		return v, launch.Error(where, "strides %d and %d for %d rows of %d columns", v.ldx, v.ldo, v.inner, v.d)
	}
	if v.n == 0 {
		v.n = launch.Ceil(x.Elems(), v.ldx) * v.inner
	}
	if v.n%v.inner != 0 {
		return v, launch.Error(where, "%d rows in groups of %d", v.n, v.inner)
	}
	return v, nil
}

// at demands a tensor with these rows; one without gaps must fit exactly.
func (v rows) at(name string, t *gpu.Tensor, ld int) launch.Want {
	if ld == v.inner*v.d {
		return launch.F32(name, t, v.n*v.d)
	}
	return launch.Rows(name, t, v.n/v.inner, v.inner*v.d, ld)
}

// spec are a kernel's constants: PAIRS, FLAT and its own flags.
func (v rows) spec(flags ...bool) []uint32 {
	out := []uint32{launch.Flag(launch.Even(v.d, v.ldx, v.ldo)), launch.Flag(v.inner == 1)}
	for _, f := range flags {
		out = append(out, launch.Flag(f))
	}
	return out
}

func (v rows) params(more ...uint32) []uint32 {
	return append([]uint32{uint32(v.n), uint32(v.d), uint32(v.inner), uint32(v.ldx), uint32(v.ldo)}, more...)
}

// forward are the operands of either forward pass.
type forward struct {
	x, gain, bias, out, mean, rstd *gpu.Tensor
	eps                            float32
}

func (f forward) record(r *gpu.Recorder, kernel string, v rows) {
	if f.eps == 0 {
		f.eps = defaultEps
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", kernel, v.spec(f.gain != nil, f.bias != nil)...),
		Grid:   gpu.Linear(v.n),
		In:     []*gpu.Tensor{f.x, f.gain, f.bias},
		Out:    []*gpu.Tensor{f.out, f.mean, f.rstd},
		Params: v.params(gpu.F32Param(f.eps)),
	})
}

// backward are the operands of either backward pass.
type backward struct {
	x, gain, mean, rstd, dout, dx, dgain, dbias *gpu.Tensor
	add                                         bool
}

// record takes the columns' sums first: dx may overwrite dout.
func (b backward) record(r *gpu.Recorder, kernel string, v rows) {
	if b.dgain != nil || b.dbias != nil {
		b.columns(r, kernel+"_gain", v)
	}
	if b.dx == nil {
		return
	}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", kernel+"_input", v.spec(b.gain != nil, b.add)...),
		Grid:   gpu.Linear(v.n),
		In:     []*gpu.Tensor{b.x, b.gain, b.mean, b.rstd, b.dout},
		Out:    []*gpu.Tensor{b.dx},
		Params: v.params(),
	})
}

func (b backward) columns(r *gpu.Recorder, kernel string, v rows) {
	blocks, height := launch.Blocks(v.n)
	partial := func(out *gpu.Tensor) *gpu.Tensor {
		if out == nil {
			return nil
		}
		return r.Temp(tensor.F32, blocks, v.d)
	}
	gain, bias := partial(b.dgain), partial(b.dbias)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", kernel, v.spec()...),
		Grid:   [3]int{launch.Ceil(v.d, 2*r.Device().SubgroupWidth()), blocks, 1},
		In:     []*gpu.Tensor{b.x, b.mean, b.rstd, b.dout},
		Out:    []*gpu.Tensor{gain, bias},
		Params: v.params(uint32(height)),
	})
	if gain != nil {
		elementwise.ColumnSum(r, elementwise.ColumnSumArgs{X: gain, Out: b.dgain, Add: true})
	}
	if bias != nil {
		elementwise.ColumnSum(r, elementwise.ColumnSumArgs{X: bias, Out: b.dbias, Add: true})
	}
}
