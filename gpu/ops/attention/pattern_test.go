package attention

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// chosen is the definition of a pattern in float64: whether a block of keys is kept, by
// sequence, head of keys, block of queries and block of keys. It also returns how far the attention
// of the least block that is kept is from that of the largest that is not.
func chosen(l *layout, block int, s Selection) (kept []bool, gap float64) {
	blocks := (l.n + block - 1) / block
	mass := make([]float64, l.b*l.g*blocks*blocks)
	l.each(func(b, h, q int) {
		at := ((b*l.g+h/(l.h/l.g))*blocks + q/block) * blocks
		for k, x := range l.probs(b, h, q).p {
			mass[at+k/block] += x
		}
	})
	kept, gap = make([]bool, len(mass)), math.Inf(1)
	first := min((s.Prefix+block-1)/block, blocks)
	for at := 0; at < len(mass); at += blocks {
		for _, part := range [][2]int{{0, first}, {first, blocks}} {
			all := mass[at+part[0] : at+part[1]]
			sorted := slices.Clone(all)
			slices.SortFunc(sorted, func(a, b float64) int { return int(math.Copysign(1, b-a)) })
			n := int(math.Ceil(s.Keep * float64(len(all))))
			if n < len(all) {
				gap = min(gap, sorted[n-1]-sorted[n])
			}
			for i, x := range all {
				kept[at+part[0]+i] = x >= sorted[n-1]
			}
		}
	}
	return kept, gap
}

// keptBy reads which blocks a pattern keeps.
func keptBy(t *testing.T, p *Pattern) []bool {
	raw, err := p.Ranges.I32()
	if err != nil {
		t.Fatal(err)
	}
	blocks, n := p.blocks(), p.Ranges.Dim(3)
	out := make([]bool, len(raw)/n/2*blocks)
	for i, lo := range raw {
		if i%2 == 0 {
			for k := lo; k < raw[i+1]; k++ {
				out[i/2/n*blocks+int(k)/p.Block] = true
			}
		}
	}
	return out
}

// TestPattern makes patterns and attends by them: what is kept and what comes of it are those of
// float64, with heads that share keys, a condition, and a last block that is not full. Where everything
// is kept a row has the bits of full attention.
func TestPattern(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, c := range []struct {
			shape
			typ   tensor.DType
			block int
			Selection
		}{
			{shape{b: 2, n: 150, nk: 150, h: 4, g: 2, dh: 6}, tensor.F16, 32, Selection{0.5, 40}},
			{shape{b: 1, n: 129, nk: 129, h: 1, g: 1, dh: 6}, tensor.F32, 16, Selection{0.3, 0}},
			{shape{b: 2, n: 150, nk: 150, h: 4, g: 2, dh: 6}, tensor.F16, 32, Selection{1, 40}},
		} {
			t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) { testPattern(t, dev, c.shape, c.typ, c.block, c.Selection) })
		}
	})
}

// patternTest attends by a pattern over one problem.
type patternTest struct {
	*layout
	dev     *gpu.Device
	block   int
	sel     Selection
	args    CachedArgs
	pattern *Pattern
}

func newPatternTest(t *testing.T, dev *gpu.Device, s shape, typ tensor.DType, block int, sel Selection) *patternTest {
	l := newLayout(s, masks["all"])
	for i := range l.q32 { // so that blocks differ
		l.q32[i] *= 3
	}
	for i := range l.q {
		l.q[i] *= 3
	}
	c := newStoreOf(t, dev, typ, s, 3, 64, 1)
	c.fill(t, dev, l, 0, l.n, 64)
	c.rounded(t, l)
	p, err := NewPattern(dev, s.b, s.g, l.n, block, sel)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Free)
	n, d := l.b*l.n, l.h*l.dh
	var q []float32
	var seq, at, lens []int32
	for i := range n {
		q, seq, at, lens = append(q, l.q32[i*l.ldq():][:d]...), append(seq, int32(i/l.n)), append(at, int32(i%l.n)), append(lens, int32(l.n))
	}
	return &patternTest{l, dev, block, sel, CachedArgs{
		Q: gputest.F32(t, dev, q, n, d), Cache: c.Cache, Heads: c.h, KVHeads: c.g, HeadDim: c.dh,
		Seq: gputest.I32(t, dev, seq, n), Len: gputest.I32(t, dev, lens, n), At: gputest.I32(t, dev, at, n),
	}, p}
}

// out returns arguments with a new result and a pattern, which may be nil.
func (x *patternTest) out(t *testing.T, p *Pattern) CachedArgs {
	n, d := x.b*x.n, x.h*x.dh
	a := x.args
	a.Pattern, a.Out = p, gputest.F32(t, x.dev, nans(n*d), n, d)
	return a
}

// run attends in runs of some rows, after it selected a pattern if selects is set.
func (x *patternTest) run(t *testing.T, p *Pattern, run int, selects bool) []float32 {
	a := x.out(t, p)
	a.Run = run
	gputest.Run(t, x.dev, func(r *gpu.Recorder) {
		if selects {
			Select(r, a, x.sel)
		}
		Cached(r, a)
	})
	return gputest.Read(t, a.Out)
}

func testPattern(t *testing.T, dev *gpu.Device, s shape, typ tensor.DType, block int, sel Selection) {
	x := newPatternTest(t, dev, s, typ, block, sel)
	sparse := x.run(t, x.pattern, 0, true)
	kept := keptBy(t, x.pattern)
	want, gap := chosen(x.layout, block, sel)
	if gap < 1e-4 {
		t.Fatalf("the choice is within %g", gap)
	}
	if !slices.Equal(kept, want) {
		t.Errorf("kept are %v, want %v", kept, want)
	}
	sameBits(t, "in runs", x.run(t, x.pattern, 4, false), sparse)
	if sel.Keep == 1 {
		sameBits(t, "of everything", sparse, x.run(t, nil, 0, false))
	}
	out, bound := x.attend(kept)
	gputest.Close(t, "out", sparse, out, bound)
	x.refused(t)
}

// attend is the attention to kept blocks in float64, with the bound of its error.
func (x *patternTest) attend(kept []bool) (out, bound []float64) {
	l, blocks, head := x.layout, x.pattern.blocks(), 0
	l.mask = func(b, q, k int) bool {
		return kept[((b*l.g+head/(l.h/l.g))*blocks+q/x.block)*blocks+k/x.block]
	}
	out, bound = make([]float64, len(l.problem.q)), make([]float64, len(l.problem.q))
	l.each(func(b, h, q int) {
		head = h
		r, o := l.probs(b, h, q), l.problem.at(b, q, h)
		for k, p := range r.p {
			v := l.v[l.kvAt(b, k, h):][:l.dh]
			axpy(p, v, out[o:])
			absAxpy(p*(r.rel[k]+float64(l.nk+3)*gputest.Eps), v, bound[o:])
		}
	})
	return out, bound
}

// refused checks that wrong arguments are refused.
func (x *patternTest) refused(t *testing.T) {
	optest.Refused(t, x.dev, map[string]func(*gpu.Recorder){
		"nothing kept": func(r *gpu.Recorder) {
			a := x.args
			a.Pattern, a.Out = x.pattern, a.Q
			Select(r, a, Selection{})
		},
		"no slots": func(r *gpu.Recorder) {
			a := x.out(t, x.pattern)
			a.At = nil
			Cached(r, a)
		},
		"too many": func(r *gpu.Recorder) {
			a := x.args
			a.Pattern, a.Out = &Pattern{Ranges: gputest.I32(t, x.dev, make([]int32, x.layout.b*x.g*2), x.layout.b, x.g, 1, 1, 2)}, a.Q
			Select(r, a, x.sel)
		},
	})
}

// BenchmarkPattern times attention of 1,088 rows that see each other, of a condition of 64, in 16
// heads of 64: all of them, and half and 30% of blocks of 32. Making a pattern stands for once a sample.
func BenchmarkPattern(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	s := shape{b: 1, n: 1088, nk: 1088, h: 16, g: 16, dh: 64}
	l := newLayout(s, masks["all"])
	c := newStore(b, dev, s, 17, 64, 1)
	c.fill(b, dev, l, 0, l.n, 1088)
	at, lens := make([]int32, l.n), make([]int32, l.n)
	var q []float32
	for i := range at {
		at[i], lens[i], q = int32(i), int32(l.n), append(q, l.q32[i*l.ldq():][:l.h*l.dh]...)
	}
	args := CachedArgs{
		Q: gputest.F32(b, dev, q, l.n, l.h*l.dh), Cache: c.Cache, Heads: c.h, KVHeads: c.g, HeadDim: c.dh, Run: 4,
		Seq: gputest.I32(b, dev, make([]int32, l.n), l.n), Len: gputest.I32(b, dev, lens, l.n), At: gputest.I32(b, dev, at, l.n),
		Out: gputest.F32(b, dev, make([]float32, len(q)), l.n, l.h*l.dh),
	}
	flops := float64(4 * l.n * l.n * l.h * l.dh)
	for _, keep := range []float64{0, 1, 0.5, 0.3} {
		sel, a := Selection{keep, 64}, args
		if keep > 0 {
			p, err := NewPattern(dev, 1, s.g, l.n, 32, sel)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(p.Free)
			a.Pattern = p
			b.Run(fmt.Sprintf("make=%g", keep), func(b *testing.B) {
				bench(b, dev, 0, 0, func(r *gpu.Recorder) { Select(r, a, sel) })
			})
		}
		b.Run(fmt.Sprintf("keep=%g", keep), func(b *testing.B) {
			bench(b, dev, flops, 0, func(r *gpu.Recorder) { Cached(r, a) })
		})
	}
}
