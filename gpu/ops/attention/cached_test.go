package attention

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// store is a cache on the device, for tests.
type store struct {
	b, s, h, dh int
	k, v        *gpu.Tensor
}

func newStore(t testing.TB, dev *gpu.Device, b, s, h, dh int) store {
	n := b * s * h * dh
	return store{b, s, h, dh, gputest.F32(t, dev, nans(n), b, s, h*dh), gputest.F32(t, dev, nans(n), b, s, h*dh)}
}

// fill appends rows from..to of every sequence of a layout, in chunks.
func (c store) fill(t testing.TB, dev *gpu.Device, l *layout, chunk int) {
	d := c.h * c.dh
	kv := gputest.F32(t, dev, l.kv32, l.b*l.n, 2*d)
	for b := range l.b {
		for i := 0; i < l.n; i += chunk {
			rows := min(chunk, l.n-i)
			at := (b*l.n + i) * 2 * d
			seq, slot := make([]int32, rows), make([]int32, rows)
			for j := range rows {
				seq[j], slot[j] = int32(b), int32(i+j)
			}
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Append(r, AppendArgs{
					K: tail(kv, at), V: tail(kv, at+d), LDK: 2 * d, LDV: 2 * d, CacheK: c.k, CacheV: c.v, Rows: rows,
					Seq: gputest.I32(t, dev, seq, rows), Slot: gputest.I32(t, dev, slot, rows),
				})
			})
		}
	}
}

// query runs Cached for rows of a layout, row i over the first lens[i] keys, and
// holds the kernel for runs of one sequence to the same bits.
func (c store) query(t *testing.T, dev *gpu.Device, l *layout, rows []int, lens []int32) []float32 {
	out := c.queryRun(t, dev, l, rows, lens, 0)
	sameBits(t, "in runs", c.queryRun(t, dev, l, rows, lens, 4), out)
	return out
}

func (c store) queryRun(t testing.TB, dev *gpu.Device, l *layout, rows []int, lens []int32, run int) []float32 {
	d := c.h * c.dh
	q, seq := make([]float32, 0, len(rows)*d), make([]int32, 0, len(rows))
	for _, i := range rows {
		q = append(q, l.q32[i*l.ldq():][:d]...)
		seq = append(seq, int32(i/l.n))
	}
	out := gputest.F32(t, dev, nans(len(rows)*d), len(rows), d)
	gputest.Run(t, dev, func(r *gpu.Recorder) {
		Cached(r, CachedArgs{
			Q: gputest.F32(t, dev, q, len(rows), d), Out: out, CacheK: c.k, CacheV: c.v, Heads: c.h, HeadDim: c.dh,
			Seq: gputest.I32(t, dev, seq, len(rows)), Len: gputest.I32(t, dev, lens, len(rows)), Run: run,
		})
	})
	return gputest.Read(t, out)
}

// everyRow lists all positions of a layout and how many keys each sees.
func everyRow(l *layout) (rows []int, lens []int32) {
	for i := range l.b * l.n {
		seen := 0
		for k := range l.n {
			if l.sees(i/l.n, i%l.n, k) {
				seen++
			}
		}
		rows, lens = append(rows, i), append(lens, int32(seen))
	}
	return rows, lens
}

var cachedShapes = append(shapes[:5:5], square(1, 70, 3, 128), square(1, 20, 1, 10), square(1, 9, 1, 256), square(2, 70, 8, 64))

// TestCachedMatchesOracle decodes with a cache what Forward computes at once,
// for masks whose visible keys are a prefix. Slots beyond the keys hold NaN.
func TestCachedMatchesOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, mask := range []string{"causal", "groups", "all"} {
			for _, s := range cachedShapes {
				t.Run(fmt.Sprintf("%s/n=%d/h=%d/dh=%d", mask, s.n, s.h, s.dh), func(t *testing.T) {
					l := newLayout(s, masks[mask])
					c := newStore(t, dev, s.b, s.n+3, s.h, s.dh)
					c.fill(t, dev, l, 16)
					rows, lens := everyRow(l)
					want, bound := l.forward()
					gputest.Close(t, "out", c.query(t, dev, l, rows, lens), want, bound)
				})
			}
		}
	})
}

// TestCachedLong runs over thousands of keys with scores that grow along the
// sequence, so that the running maximum moves.
func TestCachedLong(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(square(1, 3001, 1, 32), masks["all"])
		for i := range l.n {
			for c := range 32 {
				l.kv32[i*64+c] *= float32(i) / 300
				l.k[i*32+c] = float64(l.kv32[i*64+c])
			}
		}
		c := newStore(t, dev, 1, 3001, 1, 32)
		c.fill(t, dev, l, 1000)
		p := l.problem
		out, bound := make([]float64, 32), make([]float64, 32)
		r := p.probs(0, 0, 5)
		for k, x := range r.p {
			axpy(x, p.v[k*32:k*32+32], out)
			absAxpy(x*(r.rel[k]+3004*gputest.Eps), p.v[k*32:k*32+32], bound)
		}
		gputest.Close(t, "out", c.query(t, dev, l, []int{5}, []int32{3001}), out, bound)
	})
}

// TestCachedRowsAreIndependent is the determinism contract: a row has the bits
// it has alone, however the cache was filled and whoever shares the batch.
func TestCachedRowsAreIndependent(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(square(2, 75, 3, 32), masks["causal"])
		rows, lens := everyRow(l)
		one, many := newStore(t, dev, 2, 75, 3, 32), newStore(t, dev, 4, 200, 3, 32)
		one.fill(t, dev, l, 75)
		many.fill(t, dev, l, 7)
		all := one.query(t, dev, l, rows, lens)
		sameBits(t, "chunked into a larger cache", many.query(t, dev, l, rows, lens), all)
		for i := 0; i < len(rows); i += 11 {
			sameBits(t, fmt.Sprint("row ", i), many.query(t, dev, l, rows[i:i+1], lens[i:i+1]), all[i*96:i*96+96])
		}
	})
}

func TestCachedEmptyRows(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(square(1, 6, 2, 16), masks["all"])
		c := newStore(t, dev, 1, 6, 2, 16)
		for _, x := range c.query(t, dev, l, []int{0, 1, 2}, []int32{0, -1, math.MinInt32}) {
			if x != 0 {
				t.Fatalf("a row without keys has %g", x)
			}
		}
		c.fill(t, dev, l, 6)
		sameBits(t, "a length over s", c.query(t, dev, l, []int{3}, []int32{1000}), c.query(t, dev, l, []int{3}, []int32{6}))
	})
}

// TestAppendSkips leaves the cache and its surroundings alone where a slot is
// negative or outside: the cache is a view between two guards.
func TestAppendSkips(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const b, s, d = 2, 3, 6
		before := gputest.Normal(5, (b+2)*s*d)
		ck, cv := gputest.F32(t, dev, before, b+2, s, d), gputest.F32(t, dev, before, b+2, s, d)
		x, y := gputest.Normal(6, 7*d), gputest.Normal(7, 7*d)
		seq, slot := []int32{0, 1, 2, -1, 1, 0, 0}, []int32{2, -1, 0, 0, 3, 0, 3}
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Append(r, AppendArgs{
				K: gputest.F32(t, dev, x, 7, d), V: gputest.F32(t, dev, y, 7, d), CacheK: ck.View(s*d, b, s, d), CacheV: cv.View(s*d, b, s, d),
				Seq: gputest.I32(t, dev, seq, 7), Slot: gputest.I32(t, dev, slot, 7),
			})
		})
		wantK, wantV := append([]float32(nil), before...), append([]float32(nil), before...)
		for _, row := range []int{0, 5} {
			at := ((int(seq[row])+1)*s + int(slot[row])) * d
			copy(wantK[at:at+d], x[row*d:])
			copy(wantV[at:at+d], y[row*d:])
		}
		sameBits(t, "keys", gputest.Read(t, ck), wantK)
		sameBits(t, "values", gputest.Read(t, cv), wantV)
	})
}

func TestCacheShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, i := gputest.F32(t, dev, make([]float32, 32), 2, 16), gputest.I32(t, dev, make([]int32, 2), 2)
		cache := gputest.F32(t, dev, make([]float32, 64), 1, 4, 16)
		good := CachedArgs{Q: x, Out: x, CacheK: cache, CacheV: cache, Heads: 2, HeadDim: 8, Seq: i, Len: i}
		for name, spoil := range map[string]func(c *CachedArgs, a *AppendArgs){
			"d":        func(c *CachedArgs, a *AppendArgs) { c.Heads, a.D = 3, 14 },
			"rows":     func(c *CachedArgs, a *AppendArgs) { c.Rows, a.Rows = 3, 3 },
			"seq":      func(c *CachedArgs, a *AppendArgs) { c.Seq, a.Seq = nil, nil },
			"flat":     func(c *CachedArgs, a *AppendArgs) { c.CacheK, a.CacheK = x, x },
			"no query": func(c *CachedArgs, a *AppendArgs) { c.Q, a.K = nil, nil },
			"ld":       func(c *CachedArgs, a *AppendArgs) { c.LDQ, a.LDV = 17, 17 },
		} {
			c, a := good, AppendArgs{K: x, V: x, CacheK: cache, CacheV: cache, Seq: i, Slot: i}
			spoil(&c, &a)
			rec, rec2 := dev.NewRecorder(), dev.NewRecorder()
			Cached(rec, c)
			Append(rec2, a)
			if !errors.Is(rec.Err(), gpu.ErrShape) || !errors.Is(rec2.Err(), gpu.ErrShape) {
				t.Errorf("%s: Cached %v, Append %v", name, rec.Err(), rec2.Err())
			}
		}
	})
}
