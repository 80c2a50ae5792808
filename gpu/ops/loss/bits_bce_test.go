package loss

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
)

func bit(words []int32, i int) bool { return uint32(words[i/32])>>(i%32)&1 != 0 }

// bitsRow is the oracle of one row.
func bitsRow(x []float64, words []int32, weight float64) (loss, lossErr float64, g, ge []float64) {
	g, ge = make([]float64, len(x)), make([]float64, len(x))
	if weight == 0 {
		return 0, 0, g, ge
	}
	for i, v := range x {
		t := 0.0
		if bit(words, i) {
			t = 1
		}
		e := math.Exp(-math.Abs(v))
		tail := math.Log1p(e)
		loss += max(v, 0) - v*t + tail
		lossErr += e*(6+4*math.Abs(v))*gputest.Eps + tailError(e, tail)
		// The sigmoid minus t without cancellation: of the side away from t.
		away := v
		if t == 1 {
			away = -v
		}
		d := 1 / (1 + math.Exp(-away))
		g[i], ge[i] = weight*d, math.Abs(weight)*d*(12+4*math.Abs(v))*gputest.Eps+1e-37
		if t == 1 {
			g[i] = -g[i]
		}
	}
	return loss, lossErr + float64(len(x)+4)*gputest.Eps*loss, g, ge
}

// tailError bounds the error of ln(1 + e): relative where the kernel uses the
// series, a log's elsewhere.
func tailError(e, tail float64) float64 {
	if e < 1.0/64 {
		return 6 * gputest.Eps * tail
	}
	return logError(tail) + gputest.Eps
}

type bitsCase struct {
	n, bits int
	logits  []float32
	words   []int32
	weight  []float32
}

func newBits(n, bits int, spread float32) bitsCase {
	c := bitsCase{n: n, bits: bits, logits: gputest.Normal(uint64(bits), n*bits)}
	for i := range c.logits {
		c.logits[i] *= spread
	}
	for i, x := range gputest.Normal(7, n*((bits+31)/32)) {
		c.words = append(c.words, int32(math.Float32bits(x))*2654435+int32(i)*40503)
	}
	for i := range n {
		c.weight = append(c.weight, float32(i%3)/2)
	}
	return c
}

func (c bitsCase) per() int { return (c.bits + 31) / 32 }

func (c bitsCase) row(i int) bitsCase {
	return bitsCase{1, c.bits, c.logits[i*c.bits : (i+1)*c.bits], c.words[i*c.per() : (i+1)*c.per()], c.weight[i : i+1]}
}

func (c bitsCase) want() (loss, lossErr, g, ge []float64) {
	for i := range c.n {
		r := c.row(i)
		l, le, gr, gre := bitsRow(toF64(r.logits), r.words, float64(r.weight[0]))
		loss, lossErr, g, ge = append(loss, l), append(lossErr, le), append(g, gr...), append(ge, gre...)
	}
	return loss, lossErr, g, ge
}

// u32 puts words on the device.
func u32(tb testing.TB, dev *gpu.Device, words []int32, shape ...int) *gpu.Tensor {
	tb.Helper()
	x, err := dev.NewTensor(tensor.U32, shape...)
	if err == nil {
		err = x.WriteI32(words)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func (c bitsCase) run(t testing.TB, dev *gpu.Device, weighted, inPlace bool) (loss, g []float32) {
	a := BitsBCEArgs{Logits: gputest.F32(t, dev, c.logits, c.n, c.bits), Targets: u32(t, dev, c.words, c.n, c.per()), Loss: gputest.F32(t, dev, ones(c.n), c.n)}
	a.DLogits = a.Logits
	if !inPlace {
		a.DLogits = gputest.F32(t, dev, ones(c.n*c.bits), c.n, c.bits)
	}
	if weighted {
		a.Weight = gputest.F32(t, dev, c.weight, c.n)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) { BitsBCE(r, a) })
	return gputest.Read(t, a.Loss), gputest.Read(t, a.DLogits)
}

func TestBitsOracleGradient(t *testing.T) {
	c := newBits(1, 37, 2)
	x := toF64(c.logits)
	_, _, g, _ := bitsRow(x, c.words, 0.6)
	checkSlopes(t, x, g, func() float64 { l, _, _, _ := bitsRow(x, c.words, 0.6); return 0.6 * l })
}

func TestBitsBCEMatchesOracle(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, c := range []bitsCase{newBits(4, 1, 1), newBits(7, 18, 2), newBits(64, 32, 1), newBits(5, 33, 4), newBits(3, 64, 30), newBits(6, 100, 1e4)} {
			t.Run(fmt.Sprintf("n=%d/bits=%d", c.n, c.bits), func(t *testing.T) {
				wl, wle, wg, wge := c.want()
				loss, g := c.run(t, dev, true, false)
				gputest.Close(t, "loss", loss, wl, wle)
				gputest.Close(t, "dlogits", g, wg, wge)
				loss2, g2 := c.run(t, dev, true, true)
				sameBits(t, "loss in place", loss2, loss)
				sameBits(t, "dlogits in place", g2, g)
				for i := range c.n {
					l, d := c.row(i).run(t, dev, true, true)
					sameBits(t, "loss of a row alone", l, loss[i:i+1])
					sameBits(t, "dlogits of a row alone", d, g[i*c.bits:(i+1)*c.bits])
				}
				c.weight = ones(c.n)
				wl, wle, wg, wge = c.want()
				loss, g = c.run(t, dev, false, true)
				gputest.Close(t, "loss without weights", loss, wl, wle)
				gputest.Close(t, "dlogits without weights", g, wg, wge)
			})
		}
	})
}

// TestBitsBCEIgnoresDeadRows: a row of weight 0 may hold anything.
func TestBitsBCEIgnoresDeadRows(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := newBits(2, 9, 1)
		for i := range 9 {
			c.logits[i] = float32(math.NaN())
		}
		c.weight = []float32{0, 1}
		wl, wle, wg, wge := c.want()
		loss, g := c.run(t, dev, true, true)
		gputest.Close(t, "loss", loss, wl, wle)
		gputest.Close(t, "dlogits", g, wg, wge)
	})
}

// TestBitsBCEConfident has logits on the right side, up to where 1 + e is 1: the
// loss must keep its digits.
func TestBitsBCEConfident(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c := newBits(6, 40, 1)
		for i := range c.logits {
			c.logits[i] = 5 + 3*float32(i/c.bits) + float32(i%7)/8
			if !bit(c.words[i/c.bits*c.per():], i%c.bits) {
				c.logits[i] *= -1
			}
		}
		c.weight = ones(c.n)
		wl, wle, wg, wge := c.want()
		loss, g := c.run(t, dev, true, true)
		gputest.Close(t, "loss", loss, wl, wle)
		gputest.Close(t, "dlogits", g, wg, wge)
	})
}

func BenchmarkBitsBCE(b *testing.B) {
	dev := gputest.Open(b, gpu.Options{})
	for _, s := range [][2]int{{4096, 18}, {4096, 32}, {4096, 64}} {
		c := newBits(s[0], s[1], 1)
		a := BitsBCEArgs{Logits: gputest.F32(b, dev, c.logits, c.n, c.bits), Targets: u32(b, dev, c.words, c.n, c.per()), Loss: gputest.F32(b, dev, ones(c.n), c.n), DLogits: gputest.F32(b, dev, c.logits, c.n, c.bits)}
		b.Run(fmt.Sprintf("rows=%d/bits=%d", c.n, c.bits), func(b *testing.B) {
			bench(b, dev, c.n, int64(8*c.n*c.bits), func(r *gpu.Recorder) { BitsBCE(r, a) })
		})
	}
}
