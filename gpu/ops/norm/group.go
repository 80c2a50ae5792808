package norm

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

// groupRows is how many rows a workgroup takes: HEIGHT in group_apply.comp.
const groupRows = 16

// Samples say which rows belong together: B samples of as many rows each, one
// after the other, if the tensors are nil. Otherwise row r is of sample Of[r], and
// the rows of sample s are Rows[Starts[s]:Starts[s+1]], as embed.Index makes them
// of Of: so the nodes of one octree of a batch, which lie apart at every depth.
// Rows may be nil where they are 0, 1, …. A row outside 0..B-1 is of no sample: it
// counts nowhere and is left alone. The tables must agree with each other.
type Samples struct {
	B      int         // 0 means 1
	Of     *gpu.Tensor // i32 [n]
	Starts *gpu.Tensor // i32 [B+1]
	Rows   *gpu.Tensor // i32 [n]
}

// GroupArgs are the operands of [Group].
type GroupArgs struct {
	X          *gpu.Tensor // f32 [n, c]: all positions of all samples, channels last
	Gain, Bias *gpu.Tensor // f32 [c], optional: nil is all ones, all zeros
	Out        *gpu.Tensor // f32 [n, c], may be X
	Mean, RStd *gpu.Tensor // f32 [B, Groups], optional: the statistics
	Groups     int         // of c/Groups neighbouring channels each
	Eps        float32     // 0 means 1e-6
	Samples
}

// Group adds to a program every group of channels of every sample, over all its
// rows, brought to mean 0 and variance 1: with s the sample of row r and g the
// group of channel c,
//
//	out[r, c] = (x[r, c] - mean[s, g])·rstd[s, g]·gain[c] + bias[c]
//	rstd[s, g] = 1/√(mean((x - mean[s, g])²) + eps)
//
// As in [Layer], the mean comes first and then the squares of the differences.
// Rows are summed in blocks of max(64, m/64) for a sample of m, then the blocks and
// channels of a group over W lanes, so a sample's bits do not depend on the others.
// If c is even, X, Gain, Bias and Out must start at an even element of their
// allocation. Shape errors wrap [gpu.ErrShape] and come out of Finish.
//
// Source: Wu and He, "Group Normalization", 2018, arXiv:1803.08494. The octree
// networks of OctGPT (arXiv:2504.09975) add 1e-5 to the count, which is below f32's
// rounding from 168 elements on.
func Group(r *gpu.Recorder, a GroupArgs) {
	const where = "norm.Group"
	g, err := a.Samples.grouped(where, a.X, a.Groups)
	if err == nil {
		err = launch.Check(where, launch.F32("Out", a.Out, g.n*g.c), launch.Optional(launch.F32("Gain", a.Gain, g.c)),
			launch.Optional(launch.F32("Bias", a.Bias, g.c)), launch.Optional(launch.F32("Mean", a.Mean, g.b*g.groups)),
			launch.Optional(launch.F32("RStd", a.RStd, g.b*g.groups)))
	}
	if err != nil {
		r.Fail(err)
		return
	}
	if a.Eps == 0 {
		a.Eps = defaultEps
	}
	mean, rstd := g.table(r, a.Mean), g.table(r, a.RStd)
	partial := r.Temp(tensor.F32, g.b, g.blocks, g.c)
	g.sums(r, "group_sum", a.X, nil, partial)
	g.stat(r, partial, mean, false, 0)
	g.sums(r, "group_square", a.X, mean, partial)
	g.stat(r, partial, rstd, true, a.Eps)
	g.apply(r, []*gpu.Tensor{a.X, a.Gain, a.Bias, mean, rstd, g.Of}, a.Out)
}

// grouped are samples with their sizes: n rows of c channels, per rows a sample
// where there are no tables.
type grouped struct {
	Samples
	n, c, b, groups, per, blocks int
}

func (s Samples) grouped(where string, x *gpu.Tensor, groups int) (grouped, error) {
	n, c, err := launch.Matrix(where, "X", x)
	if err != nil {
		return grouped{}, err
	}
	g := grouped{Samples: s, n: n, c: c, b: max(s.B, 1), groups: groups}
	if groups < 1 || c%groups != 0 || s.B < 0 {
		return g, launch.Error(where, "%d samples, %d channels in %d groups", s.B, c, groups)
	}
	if s.Of == nil && s.Starts == nil && s.Rows == nil {
		if n%g.b != 0 {
			return g, launch.Error(where, "%d rows for %d samples", n, g.b)
		}
		g.per = n / g.b
		g.blocks, _ = launch.Blocks(g.per)
		return g, nil
	}
	g.blocks, _ = launch.Blocks(n) // as many as the longest sample may need
	return g, launch.Check(where, launch.I32("Of", s.Of, n), launch.I32("Starts", s.Starts, g.b+1), launch.Optional(launch.I32("Rows", s.Rows, n)))
}

// table returns t, or a temporary in its place.
func (g grouped) table(r *gpu.Recorder, t *gpu.Tensor) *gpu.Tensor {
	if t != nil {
		return t
	}
	return r.Temp(tensor.F32, g.b, g.groups)
}

func (g grouped) sums(r *gpu.Recorder, kernel string, x, mean, out *gpu.Tensor) {
	in := []*gpu.Tensor{x, mean, g.Starts, g.Rows}
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", kernel, launch.Flag(launch.Even(g.c))),
		Grid:   [3]int{launch.Ceil(g.c, 2*r.Device().SubgroupWidth()), g.blocks, g.b},
		In:     in,
		Out:    []*gpu.Tensor{out},
		Params: []uint32{uint32(g.n), uint32(g.c), uint32(g.groups), uint32(g.per)},
		Work:   launch.Work(4*g.n*g.c, append(in, out)...),
	})
}

func (g grouped) stat(r *gpu.Recorder, partial, out *gpu.Tensor, rstd bool, eps float32) {
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", "group_stat", launch.Flag(rstd)),
		Grid:   gpu.Linear(g.b * g.groups),
		In:     []*gpu.Tensor{partial, g.Starts},
		Out:    []*gpu.Tensor{out},
		Params: []uint32{
			uint32(g.n), uint32(g.c), uint32(g.groups), uint32(g.per), uint32(g.blocks), uint32(g.b), gpu.F32Param(eps),
		},
		Work: launch.Work(2*partial.Elems(), partial, g.Starts, out),
	})
}

func (g grouped) apply(r *gpu.Recorder, in []*gpu.Tensor, out *gpu.Tensor) {
	across := launch.Ceil(g.c, 2*r.Device().SubgroupWidth())
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "norm", "group_apply", launch.Flag(launch.Even(g.c)), launch.Flag(in[1] != nil), launch.Flag(in[2] != nil)),
		Grid:   gpu.Linear(across * launch.Ceil(g.n, groupRows)),
		In:     in,
		Out:    []*gpu.Tensor{out},
		Params: []uint32{uint32(g.n), uint32(g.c), uint32(g.groups), uint32(g.per), uint32(g.b), uint32(across)},
		Work:   launch.Work(6*g.n*g.c, append(in, out)...),
	})
}
