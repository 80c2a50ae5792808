package loss

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
)

// logError bounds the error of a device's log by the Vulkan specification: 3 ulp,
// and 2⁻²¹ absolute between 0.5 and 2.
func logError(y float64) float64 { return 1.0/(1<<21) + 6*gputest.Eps*math.Abs(y) }

// softmaxRow is the oracle of one row: loss, gradient, and bounds on their errors.
func softmaxRow(x []float64, target int, weight float64) (loss, lossErr float64, g, ge []float64) {
	g, ge = make([]float64, len(x)), make([]float64, len(x))
	if target < 0 {
		return 0, 0, g, ge
	}
	top, low, sum := math.Inf(-1), math.Inf(1), 0.0
	for _, v := range x {
		top, low = max(top, v), min(low, v)
	}
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	loss = math.Log(sum) + top - x[target]
	span := top - low
	rel := (2*(6+5*span) + float64(len(x)) + 8) * gputest.Eps // of the sum: two exps a term
	lossErr = rel + logError(math.Log(sum)) + 4*gputest.Eps*(span+loss)
	for c, v := range x {
		p := math.Exp(v-top) / sum
		g[c], ge[c] = weight*p, math.Abs(weight)*p*2*rel+1e-37 // f32 ends there
	}
	g[target] -= weight
	ge[target] += 4 * gputest.Eps * math.Abs(weight)
	return loss, lossErr, g, ge
}

func toF64(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func TestSoftmaxOracleGradient(t *testing.T) {
	x := toF64(gputest.Normal(1, 9))
	_, _, g, _ := softmaxRow(x, 4, 0.7)
	checkSlopes(t, x, g, func() float64 { l, _, _, _ := softmaxRow(x, 4, 0.7); return 0.7 * l })
}

// checkSlopes holds g against central differences of f by x.
func checkSlopes(t *testing.T, x, g []float64, f func() float64) {
	t.Helper()
	const eps = 1e-5
	for i := range x {
		at := x[i]
		x[i] = at + eps
		up := f()
		x[i] = at - eps
		want := (up - f()) / (2 * eps)
		x[i] = at
		if !(math.Abs(want-g[i]) <= 1e-6*(1+math.Abs(want))) {
			t.Errorf("gradient %d = %g, differences give %g", i, g[i], want)
		}
	}
}

type ceCase struct {
	n, v    int
	spread  float32
	logits  []float32
	targets []int32
	weight  []float32
}

func newCE(n, v int, spread float32) ceCase {
	c := ceCase{n: n, v: v, spread: spread, logits: gputest.Normal(uint64(v), n*v)}
	for i := range c.logits {
		c.logits[i] *= spread
	}
	for i := range n {
		c.targets = append(c.targets, int32((i*31+5)%v))
		c.weight = append(c.weight, float32(i%3)+0.25)
		if i%4 == 2 {
			c.targets[i] = -1 - int32(i)
		}
	}
	return c
}

var ceShapes = []ceCase{newCE(1, 1, 1), newCE(5, 2, 1), newCE(6, 17, 3), newCE(3, 64, 1), newCE(9, 101, 10), newCE(4, 1030, 2), newCE(2, 40001, 4), newCE(3, 33, 3000)}

func (c ceCase) want() (loss, lossErr, g, ge []float64) {
	for i := range c.n {
		l, le, gr, gre := softmaxRow(toF64(c.logits[i*c.v:(i+1)*c.v]), int(c.targets[i]), float64(c.weight[i]))
		loss, lossErr, g, ge = append(loss, l), append(lossErr, le), append(g, gr...), append(ge, gre...)
	}
	return loss, lossErr, g, ge
}

func ones(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// run returns loss and gradient; weights, in place and no gradient as asked.
func (c ceCase) run(t testing.TB, dev *gpu.Device, weighted, inPlace bool) (loss, g []float32) {
	a := SoftmaxCEArgs{
		Logits: gputest.F32(t, dev, c.logits, c.n, c.v), Targets: gputest.I32(t, dev, c.targets, c.n), Loss: gputest.F32(t, dev, ones(c.n), c.n),
	}
	a.DLogits = a.Logits
	if !inPlace {
		a.DLogits = gputest.F32(t, dev, ones(c.n*c.v), c.n, c.v)
	}
	if weighted {
		a.Weight = gputest.F32(t, dev, c.weight, c.n)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) { SoftmaxCE(r, a) })
	return gputest.Read(t, a.Loss), gputest.Read(t, a.DLogits)
}

func TestSoftmaxCEMatchesOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, c := range ceShapes {
			t.Run(fmt.Sprintf("n=%d/v=%d/spread=%g", c.n, c.v, c.spread), func(t *testing.T) {
				wl, wle, wg, wge := c.want()
				loss, g := c.run(t, dev, true, false)
				gputest.Close(t, "loss", loss, wl, wle)
				gputest.Close(t, "dlogits", g, wg, wge)
				loss2, g2 := c.run(t, dev, true, true)
				sameBits(t, "loss in place", loss2, loss)
				sameBits(t, "dlogits in place", g2, g)
				c.weight = ones(c.n)
				_, _, wg, wge = c.want()
				_, g = c.run(t, dev, false, true)
				gputest.Close(t, "dlogits without weights", g, wg, wge)
			})
		}
	})
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

func TestSoftmaxCERowsAreIndependent(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := newCE(9, 77, 2)
		loss, g := c.run(t, dev, true, true)
		for i := range c.n {
			one := ceCase{n: 1, v: c.v, logits: c.logits[i*c.v : (i+1)*c.v], targets: c.targets[i : i+1], weight: c.weight[i : i+1]}
			l, d := one.run(t, dev, true, true)
			sameBits(t, "loss", l, loss[i:i+1])
			sameBits(t, "dlogits", d, g[i*c.v:(i+1)*c.v])
		}
	})
}

// TestSoftmaxCEBadTarget: a class that does not exist must not pass unseen, nor
// touch the next row.
func TestSoftmaxCEBadTarget(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := newCE(2, 6, 1)
		c.targets = []int32{6, 3}
		loss, g := c.run(t, dev, true, false)
		if !math.IsNaN(float64(loss[0])) || !math.IsNaN(float64(g[0])) {
			t.Errorf("loss %v, gradient %v for a target of v", loss, g)
		}
		wl, wle, wg, wge := softmaxRow(toF64(c.logits[6:]), 3, float64(c.weight[1]))
		gputest.Close(t, "loss", loss[1:], []float64{wl}, []float64{wle})
		gputest.Close(t, "dlogits", g[6:], wg, wge)
	})
}

func TestShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, short := gputest.F32(t, dev, ones(12), 3, 4), gputest.F32(t, dev, ones(2), 2)
		ids, row := gputest.I32(t, dev, make([]int32, 3), 3), gputest.F32(t, dev, ones(3), 3)
		for name, a := range map[string]SoftmaxCEArgs{
			"no logits":     {Targets: ids, Loss: row},
			"no targets":    {Logits: x, Loss: row},
			"float targets": {Logits: x, Targets: row, Loss: row},
			"no loss":       {Logits: x, Targets: ids},
			"weight":        {Logits: x, Targets: ids, Loss: row, Weight: short},
			"dlogits":       {Logits: x, Targets: ids, Loss: row, DLogits: short},
		} {
			rec, rec2 := dev.NewRecorder(), dev.NewRecorder()
			SoftmaxCE(rec, a)
			// For BitsBCE the same mistakes, and i32 targets besides.
			BitsBCE(rec2, BitsBCEArgs(a))
			if !errors.Is(rec.Err(), gpu.ErrShape) || !errors.Is(rec2.Err(), gpu.ErrShape) {
				t.Errorf("%s: SoftmaxCE %v, BitsBCE %v", name, rec.Err(), rec2.Err())
			}
		}
	})
}

func BenchmarkSoftmaxCE(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, s := range [][2]int{{1024, 256}, {1024, 1030}, {256, 16384}} {
		c := newCE(s[0], s[1], 1)
		a := SoftmaxCEArgs{
			Logits: gputest.F32(b, dev, c.logits, c.n, c.v), Targets: gputest.I32(b, dev, c.targets, c.n), Loss: gputest.F32(b, dev, ones(c.n), c.n),
			DLogits: gputest.F32(b, dev, c.logits, c.n, c.v),
		}
		b.Run(fmt.Sprintf("rows=%d/v=%d", c.n, c.v), func(b *testing.B) {
			bench(b, dev, c.n, int64(8*c.n*c.v), func(r *gpu.Recorder) { SoftmaxCE(r, a) })
		})
	}
}

func bench(b *testing.B, dev *gpu.Device, rows int, bytes int64, record func(r *gpu.Recorder)) {
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
	for b.Loop() {
		if err := p.Run(1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
