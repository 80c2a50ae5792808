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
// inner rows that touch, ldx or ldo elements from group to group. If per is not 0,
// what modulates them has a row for every per rows, ldm elements apart.
type rows struct{ n, d, inner, ldx, ldo, per, ldm int }

func (v rows) adapt() bool { return v.per > 0 }

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
	out := []uint32{launch.Flag(launch.Even(v.d, v.ldx, v.ldo, v.ldm)), launch.Flag(v.inner == 1)}
	for _, f := range flags {
		out = append(out, launch.Flag(f))
	}
	return out
}

// work is of some floating-point operations an element, about, on as many matrices of
// these rows, and of what else is moved.
func (v rows) work(flops, matrices int, more ...*gpu.Tensor) gpu.Work {
	w := launch.Work(flops*v.n*v.d, more...)
	w.Bytes += int64(4 * matrices * v.n * v.d)
	return w
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
		Kernel: launch.Kernel(shaders, "norm", kernel, v.spec(f.gain != nil, f.bias != nil, v.adapt())...),
		Grid:   gpu.Linear(v.n),
		In:     []*gpu.Tensor{f.x, f.gain, f.bias},
		Out:    []*gpu.Tensor{f.out, f.mean, f.rstd},
		Params: v.params(gpu.F32Param(f.eps), uint32(v.per), uint32(v.ldm)),
		Work:   v.work(8, 2, f.gain, f.bias, f.mean, f.rstd),
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
		Kernel: launch.Kernel(shaders, "norm", kernel+"_input", v.spec(b.gain != nil, b.add, v.adapt())...),
		Grid:   gpu.Linear(v.n),
		In:     []*gpu.Tensor{b.x, b.gain, b.mean, b.rstd, b.dout},
		Out:    []*gpu.Tensor{b.dx},
		Params: v.params(uint32(v.per), uint32(v.ldm)),
		Work:   v.work(12, 3, b.gain, b.mean, b.rstd, launch.Again(b.add, b.dx)),
	})
}

// columns sums the gain's and the bias' gradients over all rows, or over every
// sample's own.
func (b backward) columns(r *gpu.Recorder, kernel string, v rows) {
	samples, per := 1, v.n
	if v.adapt() {
		samples, per = v.n/v.per, v.per
	}
	blocks, height := launch.Blocks(per)
	partial := func(out *gpu.Tensor) *gpu.Tensor {
		if out == nil {
			return nil
		}
		return r.Temp(tensor.F32, samples*blocks, v.d)
	}
	gain, bias := partial(b.dgain), partial(b.dbias)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", kernel, v.spec()...),
		Grid:   [3]int{launch.Ceil(v.d, 2*r.Device().SubgroupWidth()), blocks, samples},
		In:     []*gpu.Tensor{b.x, b.mean, b.rstd, b.dout},
		Out:    []*gpu.Tensor{gain, bias},
		Params: v.params(uint32(height), uint32(per)),
		Work:   v.work(5, 2, b.mean, b.rstd, gain, bias),
	})
	v.total(r, gain, b.dgain)
	v.total(r, bias, b.dbias)
}

// total adds the blocks of all rows, or of each sample, to what out holds.
func (v rows) total(r *gpu.Recorder, partial, out *gpu.Tensor) {
	switch {
	case out == nil:
	case v.adapt():
		v.fold(r, partial, out)
	default:
		elementwise.ColumnSum(r, elementwise.ColumnSumArgs{X: partial, Out: out, Add: true})
	}
}
