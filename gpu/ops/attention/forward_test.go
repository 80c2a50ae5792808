package attention

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// masks are the kinds of visibility a schedule asks for, by position.
var masks = map[string]func(i, n int) int32{
	"causal": func(i, _ int) int32 { return int32(i) },
	"groups": func(i, _ int) int32 { return int32(i / 5) },
	"all":    func(int, int) int32 { return 0 },
	"random": func(i, n int) int32 { return int32(i * 7 % n) },
}

type shape struct{ b, n, h, dh int }

var shapes = []shape{{1, 1, 1, 2}, {2, 7, 3, 6}, {1, 33, 2, 32}, {2, 40, 2, 64}, {1, 129, 1, 16}}

// layout is where a test puts q, k and v: side by side in rows of 3d, as a layer
// computes them.
type layout struct {
	problem
	qkv, do []float32
}

func newLayout(s shape, mask func(i, n int) int32) *layout {
	d, rows := s.h*s.dh, s.b*s.n
	l := &layout{qkv: gputest.Normal(1, rows*3*d), do: gputest.Normal(2, rows*d)}
	l.problem = problem{b: s.b, n: s.n, h: s.h, dh: s.dh, scale: float64(scaleOr(0, s.dh))}
	for i := range rows {
		l.key = append(l.key, mask(i%s.n, s.n))
		at := l.qkv[i*3*d:]
		l.q, l.k, l.v = appendF64(l.q, at[:d]), appendF64(l.k, at[d:2*d]), appendF64(l.v, at[2*d:3*d])
	}
	return l
}

func appendF64(dst []float64, src []float32) []float64 {
	for _, x := range src {
		dst = append(dst, float64(x))
	}
	return dst
}

// tail views x from element off to its end.
func tail(x *gpu.Tensor, off int) *gpu.Tensor { return x.View(off, x.Elems()-off) }

func (l *layout) args(t *testing.T, dev *gpu.Device) Args {
	d, rows := l.h*l.dh, l.b*l.n
	qkv := gputest.F32(t, dev, l.qkv, rows, 3*d)
	shape := ProbsShape(l.b, l.h, l.n)
	return Args{
		Q: qkv, K: tail(qkv, d), V: tail(qkv, 2*d), Out: gputest.F32(t, dev, gputest.Normal(9, rows*d), rows, d),
		LDQ: 3 * d, LDK: 3 * d, LDV: 3 * d, B: l.b, N: l.n, Heads: l.h, HeadDim: l.dh,
		Key: gputest.I32(t, dev, l.key, l.b, l.n), Probs: gputest.F32(t, dev, nans(shape[0]*shape[1]*shape[2]*shape[3]), shape...),
	}
}

// nans stands for memory nothing has written.
func nans(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(math.NaN())
	}
	return out
}

func eachCase(t *testing.T, body func(t *testing.T, dev *gpu.Device, l *layout)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, mask := range masks {
			for _, s := range shapes {
				t.Run(fmt.Sprintf("%s/b=%d/n=%d/h=%d/dh=%d", name, s.b, s.n, s.h, s.dh), func(t *testing.T) { body(t, dev, newLayout(s, mask)) })
			}
		}
	})
}

func TestForwardMatchesOracle(t *testing.T) {
	eachCase(t, func(t *testing.T, dev *gpu.Device, l *layout) {
		a := l.args(t, dev)
		gputest.Run(t, dev, func(r *gpu.Recorder) { Forward(r, a) })
		want, bound := l.forward()
		gputest.Close(t, "out", gputest.Read(t, a.Out), want, bound)
	})
}

// TestForwardLargeScores has scores in the thousands, where a softmax without
// its maximum would overflow.
func TestForwardLargeScores(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(shape{1, 24, 2, 32}, masks["causal"])
		l.scale = 300
		a := l.args(t, dev)
		a.Scale = 300
		gputest.Run(t, dev, func(r *gpu.Recorder) { Forward(r, a) })
		want, bound := l.forward()
		gputest.Close(t, "out", gputest.Read(t, a.Out), want, bound)
	})
}

func TestSequencesDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		all := newLayout(shape{3, 21, 2, 32}, masks["groups"])
		a := all.args(t, dev)
		gputest.Run(t, dev, func(r *gpu.Recorder) { Forward(r, a) })
		together := gputest.Read(t, a.Out)
		for b := range 3 {
			one := *all
			one.b, one.qkv = 1, all.qkv[b*len(all.qkv)/3:(b+1)*len(all.qkv)/3]
			one.key = all.key[b*21 : b*21+21]
			a := one.args(t, dev)
			gputest.Run(t, dev, func(r *gpu.Recorder) { Forward(r, a) })
			alone := gputest.Read(t, a.Out)
			sameBits(t, fmt.Sprint("sequence ", b), alone, together[b*len(alone):(b+1)*len(alone)])
		}
	})
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) || math.IsNaN(float64(got[i])) {
			t.Fatalf("%s: element %d is %g (%x), want %g (%x)", what, i, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}
