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
	x, gain, bias          []float64
	out, mean, rstd, bound []float64
	boundMean, boundRStd   []float64
	x32, gain32, bias32    []float32
}

func newGroup(s groupShape) *groupOracle {
	o := &groupOracle{
		groupShape: s, x32: gputest.Normal(1, s.n*s.c), gain32: gputest.Normal(2, s.c), bias32: gputest.Normal(3, s.c),
	}
	for i := range o.x32 {
		o.x32[i] = o.x32[i]*float32(1+i%s.c%3) + 0.5
	}
	o.x, o.gain, o.bias = optest.Wide(o.x32), optest.Wide(o.gain32), optest.Wide(o.bias32)
	return o
}

func (o *groupOracle) run(w int) {
	nc, bg := o.n*o.c, o.b*o.groups
	for _, p := range []*[]float64{&o.out, &o.bound} {
		*p = make([]float64, nc)
	}
	for _, p := range []*[]float64{&o.mean, &o.rstd, &o.boundMean, &o.boundRStd} {
		*p = make([]float64, bg)
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
	for _, i := range at {
		row.x, row.gain, row.bias = append(row.x, o.x[i]), append(row.gain, o.gain[i%o.c]), append(row.bias, o.bias[i%o.c])
	}
	if len(at) == 0 {
		o.rstd[sg], o.boundRStd[sg] = 1/math.Sqrt(defaultEps), 1e-3
		return
	}
	row.forward()
	wide := o.c / o.groups
	blocks, height := launch.Blocks(len(at) / wide)
	eps := gputest.Eps * float64(height+blocks*wide/w+24)
	bound := row.bound(math.MaxInt32, eps/24)
	o.mean[sg], o.rstd[sg] = row.mean[0], row.rstd[0]
	o.boundMean[sg], o.boundRStd[sg] = eps*row.amplitude(0)/row.rstd[0], eps*row.rstd[0]*(1+row.amplitude(0))
	for j, i := range at {
		o.out[i], o.bound[i] = row.out[j], bound[j]
	}
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

// TestSamplesDoNotDependOnTheirCompany takes samples alone, and together in other rows.
func TestSamplesDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const m, c, groups = 150, 12, 3
		x := gputest.Normal(1, 4*m*c)
		run := func(x []float32, s Samples) []float32 {
			in := gputest.F32(t, dev, x, len(x)/c, c)
			out := gputest.F32(t, dev, x, len(x)/c, c)
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Group(r, GroupArgs{X: in, Out: out, Groups: groups, Samples: s})
			})
			return gputest.Read(t, out)
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
			a, d, p := alone[i], dense[i], apart[j]
			if math.Float32bits(a) != math.Float32bits(d) || math.Float32bits(a) != math.Float32bits(p) {
				t.Fatalf("element %d: %x alone, %x in a dense batch, %x apart", i, math.Float32bits(a), math.Float32bits(d), math.Float32bits(p))
			}
		}
	})
}

func BenchmarkGroup(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, s := range []groupShape{{4096, 128, 32, 1, false}, {16384, 64, 16, 2, true}} {
		o := newGroup(s)
		x, y := gputest.F32(b, dev, o.x32, s.n, s.c), gputest.F32(b, dev, o.x32, s.n, s.c)
		g, samples := gputest.F32(b, dev, o.gain32, s.c), s.samples(b, dev)
		name := fmt.Sprintf("rows=%d/channels=%d/groups=%d/apart=%v", s.n, s.c, s.groups, s.apart)
		b.Run("group/"+name, func(b *testing.B) { // x three times, out
			optest.Bench(b, dev, 4*4*s.n*s.c, s.n, func(r *gpu.Recorder) {
				Group(r, GroupArgs{X: x, Gain: g, Bias: g, Out: y, Groups: s.groups, Samples: samples})
			})
		})
	}
}
