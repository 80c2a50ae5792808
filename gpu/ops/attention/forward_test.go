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

// shape is that of a problem: b sequences of n queries and nk keys, h heads of
// queries and g of keys, dh wide; queries' integers lag behind the mask's, so that
// the first may see nothing.
type shape struct{ b, n, nk, h, g, dh, window, lag int }

func square(b, n, h, dh int) shape { return shape{b: b, n: n, nk: n, h: h, g: h, dh: dh} }

// A head's width is a constant of the kernels, and three kernels compile for 10 s. The
// first shapes have two widths: 6 takes every remainder of a sum over a head, 72 whole
// blocks, a lower tile and several vectors of columns a lane, the last one part full.
const defaultShapes = 6

var shapes = []shape{
	square(2, 7, 3, 6), square(1, 129, 1, 6),
	{b: 1, n: 70, nk: 70, h: 6, g: 2, dh: 6, window: 9},
	{b: 2, n: 37, nk: 75, h: 4, g: 1, dh: 6, lag: 3},
	{b: 2, n: 75, nk: 5, h: 2, g: 2, dh: 6, window: 4, lag: 2},
	{b: 1, n: 21, nk: 40, h: 2, g: 1, dh: 72},
	square(1, 129, 1, 16),
	{b: 1, n: 70, nk: 70, h: 6, g: 2, dh: 16, window: 9},
	{b: 2, n: 37, nk: 75, h: 4, g: 1, dh: 16, lag: 3},
	{b: 2, n: 75, nk: 5, h: 2, g: 2, dh: 16, window: 4, lag: 2},
	{b: 1, n: 21, nk: 40, h: 2, g: 1, dh: 66},
	{b: 1, n: 21, nk: 40, h: 2, g: 1, dh: 128},
	square(1, 1, 1, 2), square(1, 33, 2, 32), square(2, 40, 2, 64), square(1, 9, 1, 256),
}

// layout is where a test puts its operands: rows of q with a gap behind them, and
// k and v side by side, as a layer computes them.
type layout struct {
	problem
	q32, kv32, do []float32
	spans         []int32 // see Args; nil: none
	most          int
}

func (s shape) ldq() int  { return s.h*s.dh + 2 }
func (s shape) ldkv() int { return 2 * s.g * s.dh }

func newLayout(s shape, mask func(i, n int) int32) *layout {
	l := &layout{q32: gputest.Normal(1, s.b*s.n*s.ldq()), kv32: gputest.Normal(3, s.b*s.nk*s.ldkv()), do: gputest.Normal(2, s.b*s.n*s.h*s.dh)}
	l.problem = problem{shape: s, scale: float64(scaleOr(0, s.dh))}
	for i := range s.b * s.n {
		l.keyQ = append(l.keyQ, mask(i%s.n, s.n)-int32(s.lag))
		l.q = appendF64(l.q, l.q32[i*s.ldq():][:s.h*s.dh])
	}
	for i := range s.b * s.nk {
		l.keyK = append(l.keyK, mask(i%s.nk, s.nk))
		at := l.kv32[i*s.ldkv():][:s.ldkv()]
		l.k, l.v = appendF64(l.k, at[:s.ldkv()/2]), appendF64(l.v, at[s.ldkv()/2:])
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

func (l *layout) args(t testing.TB, dev *gpu.Device) Args {
	kv := gputest.F32(t, dev, l.kv32, l.b*l.nk, l.ldkv())
	return Args{
		Q: gputest.F32(t, dev, l.q32, l.b*l.n, l.ldq()), K: kv, V: tail(kv, l.ldkv()/2), Out: gputest.F32(t, dev, nans(len(l.q)), l.b*l.n, l.h*l.dh),
		LDQ: l.ldq(), LDK: l.ldkv(), LDV: l.ldkv(), B: l.b, N: l.n, NK: l.nk, Heads: l.h, HeadDim: l.dh, KVHeads: l.g, Window: l.window,
		KeyQ: gputest.I32(t, dev, l.keyQ, l.b, l.n), KeyK: gputest.I32(t, dev, l.keyK, l.b, l.nk), LSE: gputest.F32(t, dev, nans(l.b*l.h*l.n), l.b, l.h, l.n),
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
			for _, s := range gputest.Pick(defaultShapes, shapes) {
				t.Run(fmt.Sprintf("%s/%+v", name, s), func(t *testing.T) { body(t, dev, newLayout(s, mask)) })
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
		want, bound = l.logSums()
		gputest.Close(t, "lse", gputest.Read(t, a.LSE), want, bound)
	})
}

// TestForwardLargeScores has scores in the thousands, where a softmax without
// its maximum would overflow.
func TestForwardLargeScores(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(square(1, 24, 2, 6), masks["causal"])
		l.scale = 300
		a := l.args(t, dev)
		a.Scale = 300
		gputest.Run(t, dev, func(r *gpu.Recorder) { Forward(r, a) })
		want, bound := l.forward()
		gputest.Close(t, "out", gputest.Read(t, a.Out), want, bound)
	})
}

// part is sequence b alone.
func (l *layout) part(b int) *layout {
	cut := func(x []float32) []float32 { return x[b*len(x)/l.b : (b+1)*len(x)/l.b] }
	one := *l
	one.b, one.q32, one.kv32, one.do = 1, cut(l.q32), cut(l.kv32), cut(l.do)
	one.q = l.q[:len(l.q)/l.b] // only its length counts
	one.keyQ, one.keyK = l.keyQ[b*l.n:][:l.n], l.keyK[b*l.nk:][:l.nk]
	return &one
}

// TestSequencesDoNotDependOnTheirCompany holds outputs and gradients of a
// sequence to the bits they have alone.
func TestSequencesDoNotDependOnTheirCompany(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		all := newLayout(shape{b: 3, n: 41, nk: 50, h: 4, g: 2, dh: 6}, masks["groups"])
		together := all.train(t, dev)
		for b := range 3 {
			for i, alone := range all.part(b).train(t, dev) {
				sameBits(t, fmt.Sprintf("sequence %d, result %d", b, i), alone, together[i][b*len(alone):(b+1)*len(alone)])
			}
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
