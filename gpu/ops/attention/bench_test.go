package attention

import (
	"fmt"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

func bench(b *testing.B, dev *gpu.Device, flops float64, bytes int64, record func(r *gpu.Recorder)) {
	rec := dev.NewRecorder()
	record(rec)
	p, err := rec.Finish()
	if err != nil {
		b.Fatal(err)
	}
	defer p.Free()
	if err := p.Run(1); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(bytes)
	b.ReportAllocs()
	report := gputest.Processor(b)
	for b.Loop() {
		if err := p.Run(1); err != nil {
			b.Fatal(err)
		}
	}
	report()
	b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkCached(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const h = 8
	for _, rows := range []int{1, 64} {
		for _, dh := range []int{32, 64} {
			for _, n := range []int{256, 1024, 4096} {
				if rows > 1 && n > 1024 {
					continue
				}
				b.Run(fmt.Sprintf("rows=%d/dh=%d/len=%d", rows, dh, n), func(b *testing.B) { benchCached(b, dev, rows, 1, h, dh, n) })
			}
		}
	}
	for _, n := range []int{128, 1024} {
		b.Run(fmt.Sprintf("rows=32/seqs=32/dh=64/len=%d", n), func(b *testing.B) { benchCached(b, dev, 32, 32, 12, 64, n) })
	}
}

// benchCached measures the rows of one sequence or one row of each of many.
func benchCached(b *testing.B, dev *gpu.Device, rows, seqs, h, dh, n int) {
	d := h * dh
	lens, seq := make([]int32, rows), make([]int32, rows)
	for i := range lens {
		lens[i], seq[i] = int32(n), int32(i%seqs)
	}
	c := newStore(b, dev, shape{b: seqs, h: h, g: h, dh: dh}, (n+63)/64, 64, 1)
	zeros := make([]byte, 2*c.K.Elems())
	for _, x := range []*gpu.Tensor{c.K, c.V} {
		if err := x.WriteBytes(zeros); err != nil {
			b.Fatal(err)
		}
		defer x.Free()
	}
	a := CachedArgs{
		Q: gputest.F32(b, dev, gputest.Normal(1, rows*d), rows, d), Out: gputest.F32(b, dev, make([]float32, rows*d), rows, d), Cache: c.Cache,
		Heads: h, HeadDim: dh, Run: rows / seqs, Seq: gputest.I32(b, dev, seq, rows), Len: gputest.I32(b, dev, lens, rows),
	}
	bench(b, dev, 4*float64(rows*n*d), int64(rows*n*d*4), func(r *gpu.Recorder) { Cached(r, a) })
}

func BenchmarkTraining(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, s := range []shape{square(4, 256, 8, 32), square(2, 512, 8, 64), square(1, 2048, 12, 64)} {
		key := make([]int32, s.b*s.n)
		for i := range key {
			key[i] = int32(i % s.n)
		}
		d, rows := s.h*s.dh, s.b*s.n
		x := func(cols int) *gpu.Tensor { return gputest.F32(b, dev, gputest.Normal(4, rows*cols), rows, cols) }
		qkv, dqkv := x(3*d), x(3*d)
		a := Args{
			Q: qkv, K: tail(qkv, d), V: tail(qkv, 2*d), Out: x(d), LDQ: 3 * d, LDK: 3 * d, LDV: 3 * d, B: s.b, N: s.n, Heads: s.h, HeadDim: s.dh,
			KeyQ: gputest.I32(b, dev, key, s.b, s.n), LSE: gputest.F32(b, dev, make([]float32, rows*s.h), s.b, s.h, s.n),
		}
		back := BackwardArgs{Args: a, DOut: x(d), DQ: dqkv, DK: tail(dqkv, d), DV: tail(dqkv, 2*d), LDDQ: 3 * d, LDDK: 3 * d, LDDV: 3 * d}
		name := fmt.Sprintf("b=%d/n=%d/h=%d/dh=%d", s.b, s.n, s.h, s.dh)
		flops := 4 * float64(d*s.b*(s.n*(s.n+1)/2)) // of visible pairs
		bytes := int64(4 * rows * 4 * d)
		b.Run("forward/"+name, func(b *testing.B) { bench(b, dev, flops, bytes, func(r *gpu.Recorder) { Forward(r, a) }) })
		b.Run("backward/"+name, func(b *testing.B) { bench(b, dev, 2*flops, bytes, func(r *gpu.Recorder) { Backward(r, back) }) })
	}
}

func BenchmarkPrepare(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	const h, g, dh = 12, 4, 64
	gain, pairs := gputest.F32(b, dev, gputest.Normal(1, dh), dh), make([]int32, dh/2)
	for _, rows := range []int{1, 64} {
		c := newStore(b, dev, shape{b: 1, h: h, g: g, dh: dh}, 1, 64, 1)
		cols := (h + 2*g) * dh
		i := gputest.I32(b, dev, make([]int32, rows), rows)
		slots := make([]int32, rows)
		for j := range slots {
			slots[j] = int32(j)
		}
		a := PrepareArgs{
			QKV: gputest.F32(b, dev, gputest.Normal(2, rows*cols), rows, cols), Heads: h, KVHeads: g, HeadDim: dh, Cache: c.Cache,
			Seq: i, Slot: gputest.I32(b, dev, slots, rows), QGain: gain, KGain: gain,
			Pos: gputest.I32(b, dev, slots, rows, 1), Freq: gain.View(0, dh/2), Axis: gputest.I32(b, dev, pairs, dh/2),
		}
		b.Run(fmt.Sprintf("rows=%d/h=%d/g=%d/dh=%d", rows, h, g, dh), func(b *testing.B) {
			optest.Bench(b, dev, rows*(8*h+2*4*g+2*2*g)*dh, rows, func(r *gpu.Recorder) { Prepare(r, a) })
		})
	}
}
