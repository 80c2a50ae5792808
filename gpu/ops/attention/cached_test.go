package attention

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
	"github.com/morton-gen/morton/gpu/tensor"
)

// store is a cache on the device, for tests; unwritten slots hold NaN.
type store struct {
	shape
	Cache
}

// newStore makes a cache of perSeq pages of z slots for a layout's sequences; seed
// shuffles them.
func newStore(t testing.TB, dev *gpu.Device, s shape, perSeq, z int, seed uint64) store {
	return newStoreOf(t, dev, tensor.F16, s, perSeq, z, seed)
}

func newStoreOf(t testing.TB, dev *gpu.Device, typ tensor.DType, s shape, perSeq, z int, seed uint64) store {
	pages := s.b*perSeq + 1
	c := store{shape: s}
	for _, x := range []**gpu.Tensor{&c.K, &c.V} {
		data := make([]byte, typ.Bytes()*pages*z*s.g*s.dh)
		for i := range data {
			data[i] = 0x7e
			if typ == tensor.F32 {
				data[i] = 0xff
			}
		}
		*x = bytesOf(t, dev, typ, data, pages, z, s.g*s.dh)
	}
	table := make([]int32, s.b*perSeq)
	for i, p := range rand.New(rand.NewPCG(seed, 1)).Perm(pages)[:len(table)] {
		table[i] = int32(p)
	}
	c.Table = gputest.I32(t, dev, table, s.b, perSeq)
	return c
}

func halves(t testing.TB, dev *gpu.Device, data []byte, shape ...int) *gpu.Tensor {
	return bytesOf(t, dev, tensor.F16, data, shape...)
}

func bytesOf(t testing.TB, dev *gpu.Device, typ tensor.DType, data []byte, shape ...int) *gpu.Tensor {
	x, err := dev.NewTensor(typ, shape...)
	if err == nil {
		err = x.WriteBytes(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// wide reads halves or floats.
func wide(t testing.TB, x *gpu.Tensor) []float64 {
	if x.DType == tensor.F32 {
		return optest.Wide(gputest.Read(t, x))
	}
	data := make([]byte, 2*x.Elems())
	if err := x.ReadBytes(data); err != nil {
		t.Fatal(err)
	}
	out := make([]float64, x.Elems())
	for i := range out {
		h := binary.LittleEndian.Uint16(data[2*i:])
		e, m := int(h>>10&31), float64(h&1023)/1024
		switch e {
		case 0:
			out[i] = math.Ldexp(m, -14)
		case 31:
			out[i] = math.NaN()
		default:
			out[i] = math.Ldexp(1+m, e-15)
		}
		if h>>15 == 1 {
			out[i] = -out[i]
		}
	}
	return out
}

// fill puts positions from to to of every sequence of a layout into the slots of
// the same numbers, in chunks.
func (c store) fill(t testing.TB, dev *gpu.Device, l *layout, from, to, chunk int) {
	dq, dkv := l.h*l.dh, l.ldkv()
	for i := from; i < to; i += chunk {
		var rows []float32
		var seq, slot []int32
		for b := range l.b {
			for j := i; j < min(i+chunk, to); j++ {
				rows = append(append(rows, make([]float32, dq)...), l.kv32[(b*l.nk+j)*dkv:][:dkv]...)
				seq, slot = append(seq, int32(b)), append(slot, int32(j))
			}
		}
		n := len(seq)
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Prepare(r, PrepareArgs{
				QKV: gputest.F32(t, dev, rows, n, dq+dkv), Heads: l.h, KVHeads: l.g, HeadDim: l.dh, Cache: c.Cache,
				Seq: gputest.I32(t, dev, seq, n), Slot: gputest.I32(t, dev, slot, n),
			})
		})
	}
}

// rounded gives a layout the keys and values that the cache holds of it, and fails
// if one is farther from the original than halves are apart.
func (c store) rounded(t *testing.T, l *layout) {
	table, err := c.Table.I32()
	if err != nil {
		t.Fatal(err)
	}
	k, v := wide(t, c.K), wide(t, c.V)
	z, d := c.K.Dim(1), l.g*l.dh
	for b := range l.b {
		for i := range l.nk {
			at := (int(table[b*c.Table.Dim(1)+i/z])*z + i%z) * d
			for _, x := range [][2][]float64{{k, l.k}, {v, l.v}} {
				for j := range d {
					old := &x[1][(b*l.nk+i)*d+j]
					if got := x[0][at+j]; !(math.Abs(got-*old) <= math.Abs(*old)/1024+1e-7) {
						t.Fatalf("sequence %d, slot %d, column %d: %g became %g", b, i, j, *old, got)
					}
					*old = x[0][at+j]
				}
			}
		}
	}
}

// ask is a query of rows of a layout.
type ask struct {
	rows   []int
	lens   []int32
	window int
	ranges []int32 // [rows, n, 2]
}

// run runs Cached and holds the kernel for runs of one sequence to the same bits.
func (c store) run(t *testing.T, dev *gpu.Device, l *layout, a ask) []float32 {
	d, n := c.h*c.dh, len(a.rows)
	var q []float32
	var seq []int32
	for _, i := range a.rows {
		q, seq = append(q, l.q32[i*l.ldq():][:d]...), append(seq, int32(i/l.n))
	}
	args := CachedArgs{
		Q: gputest.F32(t, dev, q, n, d), Cache: c.Cache, Heads: c.h, KVHeads: c.g, HeadDim: c.dh,
		Seq: gputest.I32(t, dev, seq, n), Len: gputest.I32(t, dev, a.lens, n), Window: a.window,
	}
	if a.ranges != nil {
		args.Ranges = gputest.I32(t, dev, a.ranges, n, len(a.ranges)/n/2, 2)
	}
	var outs [2][]float32
	for i, run := range []int{0, 4} {
		args.Run, args.Out = run, gputest.F32(t, dev, nans(n*d), n, d)
		gputest.Run(t, dev, func(r *gpu.Recorder) { Cached(r, args) })
		outs[i] = gputest.Read(t, args.Out)
	}
	sameBits(t, "in runs", outs[1], outs[0])
	return outs[0]
}

// everyRow lists all positions of a layout and how many keys each sees, the masks
// here letting a prefix be seen.
func everyRow(l *layout) (a ask) {
	for i := range l.b * l.n {
		seen := 0
		for k := range l.nk {
			if l.sees(i/l.n, i%l.n, k) {
				seen++
			}
		}
		a.rows, a.lens = append(a.rows, i), append(a.lens, int32(seen))
	}
	return a
}

// The first shapes have two widths of a head, in tiles of one and of four entries: 6 is
// no multiple of a load, 40 is, and takes several vectors of columns a lane on a CPU.
// At 66 both tiles together compile for 32 s (AMD EPYC with AVX2, Mesa 25.0.7).
const defaultCachedShapes = 4

var cachedShapes = []shape{
	square(2, 7, 3, 6), square(1, 129, 1, 6),
	{b: 2, n: 37, nk: 37, h: 6, g: 2, dh: 6},
	square(1, 70, 3, 40),
	square(1, 129, 1, 16),
	{b: 2, n: 37, nk: 37, h: 6, g: 2, dh: 16},
	square(1, 70, 3, 66),
	square(1, 70, 3, 128), square(1, 1, 1, 2), square(1, 33, 2, 32), square(2, 40, 2, 64), square(1, 20, 1, 10), square(1, 9, 1, 256), square(2, 70, 8, 64),
	{b: 1, n: 150, nk: 150, h: 4, g: 1, dh: 32},
}

// TestCachedMatchesOracle decodes with a cache what Forward computes at once,
// for masks whose visible keys are a prefix. Slots beyond the keys hold NaN.
func TestCachedMatchesOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, mask := range []string{"causal", "groups", "all"} {
			for _, s := range gputest.Pick(defaultCachedShapes, cachedShapes) {
				t.Run(fmt.Sprintf("%s/%+v", mask, s), func(t *testing.T) {
					l := newLayout(s, masks[mask])
					c := newStore(t, dev, s, 3, 64, 1)
					c.fill(t, dev, l, 0, l.n, 16)
					c.rounded(t, l)
					want, bound := l.forward()
					gputest.Close(t, "out", c.run(t, dev, l, everyRow(l)), want, bound)
				})
			}
		}
	})
}

// TestCachedFloats holds a cache of floats to the oracle. What it keeps is exact.
func TestCachedFloats(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, mask := range []string{"causal", "all"} {
			for _, s := range gputest.Pick(defaultCachedShapes, cachedShapes) {
				t.Run(fmt.Sprintf("%s/%+v", mask, s), func(t *testing.T) {
					l := newLayout(s, masks[mask])
					c := newStoreOf(t, dev, tensor.F32, s, 3, 64, 1)
					c.fill(t, dev, l, 0, l.n, 16)
					keys := append([]float64(nil), l.k...)
					values := append([]float64(nil), l.v...)
					c.rounded(t, l)
					if !slices.Equal(l.k, keys) || !slices.Equal(l.v, values) {
						t.Fatal("the cache rounds")
					}
					want, bound := l.forward()
					gputest.Close(t, "out", c.run(t, dev, l, everyRow(l)), want, bound)
				})
			}
		}
	})
}

// TestCachedRanges asks for parts of the cache by windows and lists. Whatever
// nobody sees is NaN.
func TestCachedRanges(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for name, c := range map[string]struct {
			window int
			ranges [][2]int32
		}{
			"window": {window: 37},
			"list":   {ranges: [][2]int32{{128, 150}, {5, 5}, {0, 3}, {64, 100}, {-4, -2}, {30, 29}}},
			"both":   {window: 60, ranges: [][2]int32{{100, 1000}, {0, 70}}},
		} {
			t.Run(name, func(t *testing.T) { testRanges(t, dev, c.window, c.ranges) })
		}
	})
}

func testRanges(t *testing.T, dev *gpu.Device, window int, ranges [][2]int32) {
	l := newLayout(shape{b: 2, n: 160, nk: 160, h: 4, g: 2, dh: 6}, masks["all"])
	s := newStore(t, dev, l.shape, 3, 64, 2)
	s.fill(t, dev, l, 0, l.nk, 160)
	s.rounded(t, l)
	a := ask{window: window}
	for i := range l.b * l.n {
		a.rows, a.lens = append(a.rows, i), append(a.lens, int32(i*13%l.n+1))
		for _, r := range ranges {
			a.ranges = append(a.ranges, r[0], r[1]+int32(i/7%2)) // neighbours differ now and then
		}
	}
	l.mask = func(b, q, k int) bool {
		i := b*l.n + q
		n := int(a.lens[i])
		in := len(ranges) == 0
		for r := range ranges {
			at := a.ranges[(i*len(ranges)+r)*2:]
			in = in || k >= int(at[0]) && k < int(at[1])
		}
		return in && k < n && (window == 0 || k >= n-window)
	}
	want, bound := l.forward()
	gputest.Close(t, "out", s.run(t, dev, l, a), want, bound)
}

// TestCachedLong runs over thousands of keys with scores that grow along the
// sequence, so that the running maximum moves.
func TestCachedLong(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(square(1, 3001, 1, 6), masks["all"])
		for i := range l.nk {
			for c := range l.dh {
				l.kv32[i*l.ldkv()+c] *= float32(i) / 300
				l.k[i*l.dh+c] = float64(l.kv32[i*l.ldkv()+c])
			}
		}
		s := newStore(t, dev, l.shape, 12, 256, 3)
		s.fill(t, dev, l, 0, l.nk, 1000)
		s.rounded(t, l)
		p := l.problem
		out, bound := make([]float64, l.dh), make([]float64, l.dh)
		r := p.probs(0, 0, 5)
		for k, x := range r.p {
			axpy(x, p.v[k*l.dh:][:l.dh], out)
			absAxpy(x*(r.rel[k]+3004*gputest.Eps), p.v[k*l.dh:][:l.dh], bound)
		}
		gputest.Close(t, "out", s.run(t, dev, l, ask{rows: []int{5}, lens: []int32{3001}}), out, bound)
	})
}

// TestCachedRowsAreIndependent is the determinism contract: a row has the bits
// it has alone, however the cache was filled and paged and whoever shares the
// batch.
func TestCachedRowsAreIndependent(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(shape{b: 2, n: 75, nk: 75, h: 6, g: 3, dh: 6}, masks["causal"])
		a := everyRow(l)
		one, many := newStore(t, dev, l.shape, 2, 64, 4), newStore(t, dev, l.shape, 5, 128, 5)
		one.fill(t, dev, l, 0, 75, 75)
		many.fill(t, dev, l, 0, 75, 7)
		all := one.run(t, dev, l, a)
		sameBits(t, "chunked into a larger cache", many.run(t, dev, l, a), all)
		for i := 0; i < len(a.rows); i += 11 {
			sameBits(t, fmt.Sprint("row ", i), many.run(t, dev, l, ask{rows: a.rows[i : i+1], lens: a.lens[i : i+1]}), all[i*l.h*l.dh:][:l.h*l.dh])
		}
	})
}

// TestRollback takes a sequence back to 20 slots and on with others: it then has
// the bits of one that never went the other way.
func TestRollback(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(square(1, 90, 2, 6), masks["causal"])
		straight, back := newStore(t, dev, l.shape, 2, 64, 6), newStore(t, dev, l.shape, 2, 64, 6)
		straight.fill(t, dev, l, 0, 60, 60)
		other := newLayout(l.shape, masks["causal"])
		for i := range other.kv32 {
			if i >= 20*l.ldkv() {
				other.kv32[i] += 1
			}
		}
		back.fill(t, dev, other, 0, 90, 30)
		back.fill(t, dev, l, 20, 60, 8)
		a := ask{rows: []int{19, 40, 59}, lens: []int32{20, 41, 60}}
		sameBits(t, "after a rollback", back.run(t, dev, l, a), straight.run(t, dev, l, a))
	})
}

func TestCachedEmptyRows(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		l := newLayout(square(1, 64, 2, 6), masks["all"])
		c := newStore(t, dev, l.shape, 2, 64, 7)
		for _, x := range c.run(t, dev, l, ask{rows: []int{0, 1, 2}, lens: []int32{0, -1, math.MinInt32}}) {
			if x != 0 {
				t.Fatalf("a row without keys has %g", x)
			}
		}
		c.fill(t, dev, l, 0, 64, 64)
		full := c.run(t, dev, l, ask{rows: []int{3}, lens: []int32{64}})
		table, err := c.Table.I32()
		if err != nil {
			t.Fatal(err)
		}
		for _, missing := range []int32{-1, 3} { // of 3 pages
			table[1] = missing
			c.Table = gputest.I32(t, dev, table, 1, 2)
			sameBits(t, "a length over what there is", c.run(t, dev, l, ask{rows: []int{3}, lens: []int32{1000}}), full)
		}
	})
}

// TestPrepareSkips leaves the cache alone where a slot or a sequence is outside or
// has no page.
func TestPrepareSkips(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		const z, d = 64, 6
		seq, slot := []int32{0, 1, 2, -1, 1, 0, 0, 1}, []int32{2, -1, 0, 0, 128, 65, 128, 3}
		data := make([]byte, 4*z*d*2)
		ck, cv := halves(t, dev, data, 4, z, d), halves(t, dev, data, 4, z, d)
		x := make([]float32, 8*3*d)
		for i := range x {
			x[i] = float32(i + 1)
		}
		gputest.Run(t, dev, func(r *gpu.Recorder) {
			Prepare(r, PrepareArgs{
				QKV: gputest.F32(t, dev, x, 8, 3*d), Heads: 1, HeadDim: d, Seq: gputest.I32(t, dev, seq, 8), Slot: gputest.I32(t, dev, slot, 8),
				Cache: Cache{K: ck, V: cv, Table: gputest.I32(t, dev, []int32{2, 1, -1, 0}, 2, 2)},
			})
		})
		wantK, wantV := make([]float64, 4*z*d), make([]float64, 4*z*d)
		for row, at := range map[int]int{0: 2*z + 2, 5: z + 1} {
			copy(wantK[at*d:], optest.Wide(x[(row*3+1)*d:(row*3+2)*d]))
			copy(wantV[at*d:], optest.Wide(x[(row*3+2)*d:(row*3+3)*d]))
		}
		for name, c := range map[string][2][]float64{"keys": {wide(t, ck), wantK}, "values": {wide(t, cv), wantV}} {
			for i := range c[0] {
				if c[0][i] != c[1][i] {
					t.Errorf("%s: element %d is %g, want %g", name, i, c[0][i], c[1][i])
				}
			}
		}
	})
}

func TestCacheShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, i := gputest.F32(t, dev, make([]float32, 96), 2, 48), gputest.I32(t, dev, make([]int32, 2), 2)
		pages := func(shape ...int) *gpu.Tensor { return halves(t, dev, make([]byte, 2*tensor.Elems(shape)), shape...) }
		good := pages(1, 64, 16)
		table := gputest.I32(t, dev, []int32{0}, 1, 1)
		cached := CachedArgs{Q: x, Out: x, Cache: Cache{good, good, table}, Heads: 2, HeadDim: 8, Seq: i, Len: i}
		prepare := PrepareArgs{QKV: x, Cache: cached.Cache, Heads: 2, HeadDim: 8, Seq: i, Slot: i}
		gputest.Run(t, dev, func(r *gpu.Recorder) { Prepare(r, prepare) })
		bad := map[string]func(r *gpu.Recorder){}
		for name, spoil := range map[string]func(c *CachedArgs, a *PrepareArgs){
			"d":        func(c *CachedArgs, a *PrepareArgs) { c.Heads, a.Heads = 3, 3 },
			"rows":     func(c *CachedArgs, a *PrepareArgs) { c.Rows, a.Rows = 3, 3 },
			"seq":      func(c *CachedArgs, a *PrepareArgs) { c.Seq, a.Seq = nil, nil },
			"f32":      func(c *CachedArgs, a *PrepareArgs) { c.Cache.K, a.Cache.V = x, x },
			"page":     func(c *CachedArgs, a *PrepareArgs) { c.Cache.K, a.Cache.V = pages(1, 32, 16), pages(1, 96, 16) },
			"pages":    func(c *CachedArgs, a *PrepareArgs) { c.Cache.K, a.Cache.V = pages(2, 64, 16), pages(2, 64, 16) },
			"table":    func(c *CachedArgs, a *PrepareArgs) { c.Cache.Table, a.Cache.Table = i, nil },
			"no query": func(c *CachedArgs, a *PrepareArgs) { c.Q, a.QKV = nil, nil },
			"ld":       func(c *CachedArgs, a *PrepareArgs) { c.LDQ, a.LD = 17, 46 },
			"groups":   func(c *CachedArgs, a *PrepareArgs) { c.KVHeads, a.KVHeads = 3, 3 },
			"extras":   func(c *CachedArgs, a *PrepareArgs) { c.Ranges, a.QGain = i, x },
			"rotation": func(c *CachedArgs, a *PrepareArgs) { c.Window, a.Freq = -1, x },
			"learned": func(c *CachedArgs, a *PrepareArgs) {
				c.Len, a.Pos, a.Freq = x, gputest.I32(t, dev, make([]int32, 4), 2, 2), gputest.F32(t, dev, make([]float32, 24), 2, 3, 4)
			},
		} {
			c, a := cached, prepare
			spoil(&c, &a)
			bad["Cached, "+name] = func(r *gpu.Recorder) { Cached(r, c) }
			bad["Prepare, "+name] = func(r *gpu.Recorder) { Prepare(r, a) }
		}
		optest.Refused(t, dev, bad)
	})
}
