package norm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/embed"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// groupShape is n rows of c channels; apart scatters the samples' rows.
type groupShape struct {
	n, c, groups, b int
	apart           bool
}

var groupShapes = []groupShape{
	{1, 1, 1, 1, false},
	{70, 8, 2, 1, false},
	{140, 9, 3, 2, false}, // pairs of channels straddle groups
	{90, 64, 32, 3, true},
	{131, 6, 6, 5, true},
	{5001, 10, 2, 1, false},
	{9000, 4, 1, 2, true},
}

// of draws every row's sample, with rows of none and, if there are many, a sample
// without rows.
func (s groupShape) of() []int32 {
	r, of := rand.New(rand.NewPCG(3, uint64(s.n))), make([]int32, s.n)
	for i := range of {
		switch {
		case !s.apart:
			of[i] = int32(i / (s.n / s.b))
		case s.b > 4:
			of[i] = int32(r.IntN(s.b)) - 1
		default:
			of[i] = int32(r.IntN(s.b+1)) - 1
		}
	}
	return of
}

func (s groupShape) samples(tb testing.TB, dev *gpu.Device) Samples {
	if !s.apart {
		return Samples{B: s.b}
	}
	starts, rows := make([]int32, s.b+1), make([]int32, s.n)
	embed.Index(s.of(), 1, s.b, starts, rows)
	return Samples{B: s.b, Of: gputest.I32(tb, dev, s.of(), s.n), Starts: gputest.I32(tb, dev, starts, s.b+1), Rows: gputest.I32(tb, dev, rows, s.n)}
}

// groupOracle takes every group of every sample for one long row.
type groupOracle struct {
	groupShape
	x, gain, bias, dout          []float64
	out, mean, rstd, bound       []float64
	dx, dgain, dbias             []float64
	boundX, boundGain, boundBias []float64
	boundMean, boundRStd         []float64
	x32, gain32, bias32, dout32  []float32
}

func newGroup(s groupShape) *groupOracle {
	o := &groupOracle{
		groupShape: s, x32: gputest.Normal(1, s.n*s.c), gain32: gputest.Normal(2, s.c), bias32: gputest.Normal(3, s.c), dout32: gputest.Normal(4, s.n*s.c),
	}
	for i := range o.x32 {
		o.x32[i] = o.x32[i]*float32(1+i%s.c%3) + 0.5
	}
	o.x, o.gain, o.bias, o.dout = optest.Wide(o.x32), optest.Wide(o.gain32), optest.Wide(o.bias32), optest.Wide(o.dout32)
	return o
}

func (o *groupOracle) run(w int) {
	nc, bg := o.n*o.c, o.b*o.groups
	for _, p := range []*[]float64{&o.out, &o.bound, &o.dx, &o.boundX} {
		*p = make([]float64, nc)
	}
	for _, p := range []*[]float64{&o.mean, &o.rstd, &o.boundMean, &o.boundRStd} {
		*p = make([]float64, bg)
	}
	for _, p := range []*[]float64{&o.dgain, &o.dbias, &o.boundGain, &o.boundBias} {
		*p = make([]float64, o.c)
	}
	of := o.of()
	for s := range o.b {
		for g := range o.groups {
			var at []int
			for i := range nc {
				if int(of[i/o.c]) == s && i%o.c/(o.c/o.groups) == g {
					at = append(at, i)
				}
			}
			o.group(s*o.groups+g, at, w)
		}
	}
}

// group does one group, whose elements of x lie at at. Each of its sums has as many
// roundings as a block has rows, and as W lanes have blocks and channels.
func (o *groupOracle) group(sg int, at []int, w int) {
	row := oracle{n: 1, d: len(at)}
	dout := make([]float64, len(at))
	for j, i := range at {
		row.x, row.gain, row.bias = append(row.x, o.x[i]), append(row.gain, o.gain[i%o.c]), append(row.bias, o.bias[i%o.c])
		dout[j] = o.dout[i]
	}
	if len(at) == 0 {
		o.rstd[sg], o.boundRStd[sg] = 1/math.Sqrt(defaultEps), 1e-3
		return
	}
	row.forward()
	wide := o.c / o.groups
	blocks, height := launch.Blocks(len(at) / wide)
	eps := gputest.Eps * float64(height+blocks*wide/w+24)
	bound, grad := row.bound(math.MaxInt32, eps/24), row.backward(dout)
	o.mean[sg], o.rstd[sg] = row.mean[0], row.rstd[0]
	o.boundMean[sg], o.boundRStd[sg] = eps*row.amplitude(0)/row.rstd[0], eps*row.rstd[0]*(1+row.amplitude(0))
	for j, i := range at {
		o.out[i], o.bound[i], o.dx[i], o.boundX[i] = row.out[j], bound[j], grad.dx[j], eps*grad.magX[j]
		c := i % o.c
		o.dgain[c] += grad.dgain[j]
		o.dbias[c] += grad.dbias[j]
		o.boundGain[c] += gputest.Eps * float64(height+64*o.b+24) * grad.magGain[j]
		o.boundBias[c] += gputest.Eps * float64(height+64*o.b+24) * grad.magBias[j]
	}
}

func TestGroupOracleGradients(t *testing.T) {
	o := newGroup(groupShape{9, 6, 2, 2, true})
	loss := func() float64 {
		o.run(8)
		return optest.Dot(o.out, o.dout)
	}
	loss()
	dx, dgain, dbias := o.dx, o.dgain, o.dbias // of operands that are not yet disturbed
	optest.Gradient(t, "dx", loss, o.x, dx)
	optest.Gradient(t, "dgain", loss, o.gain, dgain)
	optest.Gradient(t, "dbias", loss, o.bias, dbias)
}

func TestGroup(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range groupShapes {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
				o := newGroup(s)
				o.run(dev.SubgroupWidth())
				for _, inPlace := range []bool{false, true} {
					o.testForward(t, dev, inPlace)
				}
				for _, mode := range []string{"overwrite", "add", "in place"} {
					o.testBackward(t, dev, mode)
				}
			})
		}
	})
}

func (o *groupOracle) testForward(t *testing.T, dev *gpu.Device, inPlace bool) {
	x, before := gputest.F32(t, dev, o.x32, o.n, o.c), o.x32
	out := x
	if !inPlace {
		before = gputest.Normal(9, o.n*o.c)
		out = gputest.F32(t, dev, before, o.n, o.c)
	}
	mean, rstd := gputest.F32(t, dev, make([]float32, o.b*o.groups), o.b, o.groups), gputest.F32(t, dev, make([]float32, o.b*o.groups), o.b, o.groups)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Group(r, GroupArgs{
			X: x, Gain: gputest.F32(t, dev, o.gain32, o.c), Bias: gputest.F32(t, dev, o.bias32, o.c), Out: out,
			Mean: mean, RStd: rstd, Groups: o.groups, Samples: o.samples(t, dev),
		})
	})
	gputest.Close(t, "out", gputest.Read(t, out), o.keep(o.out, before), o.bound)
	gputest.Close(t, "mean", gputest.Read(t, mean), o.mean, o.boundMean)
	gputest.Close(t, "rstd", gputest.Read(t, rstd), o.rstd, o.boundRStd)
}

// keep returns want with the rows of no sample as they were.
func (o *groupOracle) keep(want []float64, before []float32) []float64 {
	want = append([]float64(nil), want...)
	for r, s := range o.of() {
		for i := r * o.c; s < 0 && i < (r+1)*o.c; i++ {
			want[i] = float64(before[i])
		}
	}
	return want
}

func (o *groupOracle) testBackward(t *testing.T, dev *gpu.Device, mode string) {
	dout, before := gputest.F32(t, dev, o.dout32, o.n, o.c), gputest.Normal(5, o.n*o.c)
	dx, dgain0 := gputest.F32(t, dev, before, o.n, o.c), gputest.Normal(6, o.c)
	if mode == "in place" {
		dx, before = dout, o.dout32
	}
	dgain, dbias := gputest.F32(t, dev, dgain0, o.c), gputest.F32(t, dev, dgain0, o.c)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		GroupGrad(r, GroupGradArgs{
			X: gputest.F32(t, dev, o.x32, o.n, o.c), Gain: gputest.F32(t, dev, o.gain32, o.c), Mean: gputest.F32(t, dev, narrow(o.mean), o.b, o.groups),
			RStd: gputest.F32(t, dev, narrow(o.rstd), o.b, o.groups), DOut: dout, DX: dx, AddDX: mode == "add", DGain: dgain, DBias: dbias,
			Groups: o.groups, Samples: o.samples(t, dev),
		})
	})
	want, bound := o.keep(o.dx, before), append([]float64(nil), o.boundX...)
	for i, s := range before {
		if mode == "add" && o.of()[i/o.c] >= 0 {
			want[i] += float64(s)
			bound[i] += 2 * gputest.Eps * math.Abs(float64(s))
		}
	}
	gputest.Close(t, mode+" dx", gputest.Read(t, dx), want, bound)
	gputest.Close(t, "dgain", gputest.Read(t, dgain), plus(o.dgain, dgain0), plus(o.boundGain, []float32{4 * gputest.Eps}))
	gputest.Close(t, "dbias", gputest.Read(t, dbias), plus(o.dbias, dgain0), plus(o.boundBias, []float32{4 * gputest.Eps}))
}

// plus adds b to a; a b of one element serves all.
func plus(a []float64, b []float32) []float64 {
	out := append([]float64(nil), a...)
	for i := range out {
		out[i] += float64(b[min(i, len(b)-1)])
	}
	return out
}

// TestSamplesDoNotDependOnTheirCompany takes samples alone, and together in other rows.
func TestSamplesDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const m, c, groups = 150, 12, 3
		x := gputest.Normal(1, 4*m*c)
		run := func(x []float32, s Samples) []float32 {
			in, dx := gputest.F32(t, dev, x, len(x)/c, c), gputest.F32(t, dev, make([]float32, len(x)), len(x)/c, c)
			stat := func() *gpu.Tensor { return gputest.F32(t, dev, make([]float32, s.B*groups), s.B, groups) }
			mean, rstd, out := stat(), stat(), gputest.F32(t, dev, x, len(x)/c, c)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Group(r, GroupArgs{X: in, Out: out, Mean: mean, RStd: rstd, Groups: groups, Samples: s})
				GroupGrad(r, GroupGradArgs{X: in, Mean: mean, RStd: rstd, DOut: out, DX: dx, Groups: groups, Samples: s})
			})
			return append(gputest.Read(t, out), gputest.Read(t, dx)...)
		}
		alone := run(x[:m*c], Samples{B: 1})
		dense := run(x, Samples{B: 4})
		// The same rows, every fourth of a batch whose other samples have other lengths.
		mixed, of := make([]float32, 4*m*c), make([]int32, 4*m)
		for r := range 4 * m {
			of[r] = 1
			from := m + r*3/4
			if r%4 == 2 {
				from, of[r] = r/4, 0
			}
			copy(mixed[r*c:(r+1)*c], x[from*c:(from+1)*c])
		}
		starts, rows := make([]int32, 3), make([]int32, 4*m)
		embed.Index(of, 1, 2, starts, rows)
		apart := run(mixed, Samples{B: 2, Of: gputest.I32(t, dev, of, 4*m), Starts: gputest.I32(t, dev, starts, 3), Rows: gputest.I32(t, dev, rows, 4*m)})
		for i := range m * c {
			j := (4*(i/c)+2)*c + i%c
			for pass := range 2 {
				a, d, p := alone[pass*m*c+i], dense[pass*4*m*c+i], apart[pass*4*m*c+j]
				if math.Float32bits(a) != math.Float32bits(d) || math.Float32bits(a) != math.Float32bits(p) {
					t.Fatalf("pass %d element %d: %x alone, %x in a dense batch, %x apart", pass, i, math.Float32bits(a), math.Float32bits(d), math.Float32bits(p))
				}
			}
		}
	})
}

func BenchmarkGroup(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, s := range []groupShape{{4096, 128, 32, 1, false}, {16384, 64, 16, 2, true}} {
		o := newGroup(s)
		x, y, dx := gputest.F32(b, dev, o.x32, s.n, s.c), gputest.F32(b, dev, o.dout32, s.n, s.c), gputest.F32(b, dev, o.dout32, s.n, s.c)
		g, stat, samples := gputest.F32(b, dev, o.gain32, s.c), gputest.F32(b, dev, gputest.Normal(1, s.b*s.groups), s.b, s.groups), s.samples(b, dev)
		name := fmt.Sprintf("rows=%d/channels=%d/groups=%d/apart=%v", s.n, s.c, s.groups, s.apart)
		b.Run("group/"+name, func(b *testing.B) { // x three times, out
			optest.Bench(b, dev, 4*4*s.n*s.c, s.n, func(r *gpu.Recorder) {
				Group(r, GroupArgs{X: x, Gain: g, Bias: g, Out: y, Groups: s.groups, Samples: samples})
			})
		})
		b.Run("group-grad/"+name, func(b *testing.B) { // x and dout twice, dx
			optest.Bench(b, dev, 4*5*s.n*s.c, s.n, func(r *gpu.Recorder) {
				GroupGrad(r, GroupGradArgs{X: x, Gain: g, Mean: stat, RStd: stat, DOut: y, DX: dx, DGain: g, DBias: g, Groups: s.groups, Samples: samples})
			})
		})
	}
}
