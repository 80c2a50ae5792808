package train

import (
	"math"
	"math/rand/v2"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/models/system"
)

// Blend is a logistic regression for each bit of a code, from the same bit of the code that
// a row is fed first, and from the feature of its row with the bit's number: a guess of the
// bit. A network that has learned anything from its context beats it.
type Blend struct {
	tables *Tables
	sys    *system.System
	rng    *rand.Rand
	before []int8 // [rows, bits]: 1 or -1, 0 without a code before
	guess  []float32
	set    []bool
	weight [][3]float64 // of the bit before, of the guess, and bias
	wrong  []float64    // share of the samples whose bit is not the likeliest, by bit
}

// blendRows is how many rows of a sample are looked at.
const blendRows = 32

// NewBlend returns a blend without samples.
func NewBlend(s *system.System) *Blend {
	return &Blend{tables: NewTables(s), sys: s, rng: rand.New(rand.NewPCG(1, 0x626c656e64))}
}

// Count takes rows of a training sample.
func (b *Blend) Count(q *Sequence) {
	for range blendRows {
		b.each(q, b.rng.IntN(q.Draws.N), func(_, before int, guess float32, token int) {
			b.before, b.guess, b.set = append(b.before, int8(sign(before))), append(b.guess, guess), append(b.set, token == 1)
		})
	}
}

// sign is -1, 0 or 1 for a bit of 0, none (-1), or 1.
func sign(bit int) float64 { return []float64{0, -1, 1}[bit+1] }

func (b *Blend) each(q *Sequence, draw int, visit func(bit, before int, guess float32, token int)) {
	row := int(q.Draws.From[draw]) * b.sys.Layout.Features
	b.tables.each(q, draw, func(bit, before, token int) { visit(bit, before, q.Features[row+bit], token) })
}

// Fit fits the regressions to the samples so far, and forgets these.
func (b *Blend) Fit() {
	b.weight, b.wrong = make([][3]float64, b.tables.parts), make([]float64, b.tables.parts)
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for bit := range b.weight {
		g.Go(func() error {
			b.weight[bit] = b.fit(bit)
			b.wrong[bit] = b.errors(bit)
			return nil
		})
	}
	_ = g.Wait() // none fails
	b.before, b.guess, b.set = nil, nil, nil
}

// Wrong returns the chance of each bit not to be the likeliest one.
func (b *Blend) Wrong() []float64 { return b.wrong }

func (b *Blend) errors(bit int) float64 {
	k, wrong, n := b.weight[bit], 0, 0
	for i := bit; i < len(b.set); i += b.tables.parts {
		if n++; (k[0]*float64(b.before[i])+k[1]*float64(b.guess[i])+k[2] > 0) != b.set[i] {
			wrong++
		}
	}
	return float64(wrong) / float64(max(n, 1))
}

// Weights returns the weights of the logit of each bit: those of the bit before, ±1, and of
// the guess, and the bias.
func (b *Blend) Weights() (before, guess, bias []float32) {
	for _, w := range b.weight {
		before, guess, bias = append(before, float32(w[0])), append(guess, float32(w[1])), append(bias, float32(w[2]))
	}
	return before, guess, bias
}

// fit fits a bit by Newton's method. A unit square of each weight costs as much as a sample.
func (b *Blend) fit(bit int) (w [3]float64) {
	for range 8 {
		h := [3][3]float64{{1}, {0, 1}, {0, 0, 1}}
		g := [3]float64{-w[0], -w[1], -w[2]}
		for i := bit; i < len(b.set); i += b.tables.parts {
			x := [3]float64{float64(b.before[i]), float64(b.guess[i]), 1}
			p := logistic(w[0]*x[0] + w[1]*x[1] + w[2])
			d := -p
			if b.set[i] {
				d++
			}
			for r := range 3 {
				g[r] += d * x[r]
				for c := range 3 {
					h[r][c] += p * (1 - p) * x[r] * x[c]
				}
			}
		}
		step := solve3(h, g)
		for r := range 3 {
			w[r] += step[r]
		}
	}
	return w
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// solve3 solves a positive system by elimination.
func solve3(a [3][3]float64, b [3]float64) (x [3]float64) {
	for i := range 3 {
		for r := i + 1; r < 3; r++ {
			f := a[r][i] / a[i][i]
			for c := i; c < 3; c++ {
				a[r][c] -= f * a[i][c]
			}
			b[r] -= f * b[i]
		}
	}
	for i := 2; i >= 0; i-- {
		x[i] = b[i]
		for c := i + 1; c < 3; c++ {
			x[i] -= a[i][c] * x[c]
		}
		x[i] /= a[i][i]
	}
	return x
}

// Line returns the loss on held-out windows, as [Tables.Lines] does.
func (b *Blend) Line(windows func(visit func(Window)) error) (Line, error) {
	sum, n := 0.0, 0
	err := windows(func(w Window) {
		for i, from := range w.Seq.Draws.From {
			if w.row(int(from)) < 0 {
				continue
			}
			n++
			b.each(w.Seq, i, func(bit, before int, guess float32, token int) {
				k := b.weight[bit]
				p := logistic(k[0]*sign(before) + k[1]*float64(guess) + k[2])
				if token == 0 {
					p = 1 - p
				}
				sum -= math.Log(max(p, 1e-12))
			})
		}
	})
	return Line{"guess", sum / float64(max(n, 1))}, err
}
