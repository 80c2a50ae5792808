package loss

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/internal/optest"
)

// noiseRow is the oracle of a row of Noise. Without bounds the network says no variance.
// The second half of the gradient takes the error as given, and the first no variance.
func noiseRow(said, target, bounds []float64, weight float64) (loss float64, g []float64) {
	c := len(target)
	g = make([]float64, len(said))
	for i, y := range target {
		e := said[i] - y
		loss += e * e / float64(c)
		g[i] = weight * 2 * e / float64(c)
		if bounds == nil {
			continue
		}
		lo, span, k := bounds[0], bounds[1]-bounds[0], bounds[2]
		l := lo + span*(said[c+i]+1)/2
		loss += (-1 + l - lo + math.Exp(lo-l) + k*e*e*math.Exp(-l)) / (2 * math.Ln2 * float64(c))
		g[c+i] = weight * (1 - math.Exp(lo-l) - k*e*e*math.Exp(-l)) * span / (4 * math.Ln2 * float64(c))
	}
	return loss, g
}

func energyRow(a, b, y []float64, weight float64) (loss float64, da, db []float64) {
	length := func(x, y []float64) (s float64) {
		for i := range x {
			s += (x[i] - y[i]) * (x[i] - y[i])
		}
		return math.Sqrt(s)
	}
	by := func(x float64) float64 {
		if x == 0 {
			return 0
		}
		return weight / x
	}
	la, lb, lab := length(a, y), length(b, y), length(a, b)
	for i := range y {
		da = append(da, (a[i]-y[i])*by(la)-(a[i]-b[i])*by(lab))
		db = append(db, (b[i]-y[i])*by(lb)+(a[i]-b[i])*by(lab))
	}
	return la + lb - lab, da, db
}

// stepBounds are those of row i: of a step with much noise, and of one with little.
func stepBounds(i int) []float32 {
	return [][]float32{{-9.5, -7, 1e-4}, {-3, -2.2, 0.05}, {-5, -4.9, 0.01}}[i%3]
}

func TestRealOracleGradients(t *testing.T) {
	said, target := optest.Wide(gputest.Normal(1, 10)), optest.Wide(gputest.Normal(2, 5))
	bounds := optest.Wide(stepBounds(1))
	_, g := noiseRow(said, target, bounds, 0.6)
	whole := func() float64 { l, _ := noiseRow(said, target, bounds, 1); return 0.6 * l }
	optest.Gradient(t, "variance", whole, said[5:], g[5:])
	plain := func() float64 { l, _ := noiseRow(said[:5], target, nil, 1); return 0.6 * l }
	optest.Gradient(t, "noise", plain, said[:5], g[:5])
	a, b := optest.Wide(gputest.Normal(3, 5)), optest.Wide(gputest.Normal(4, 5))
	_, da, db := energyRow(a, b, target, 0.6)
	energy := func() float64 { l, _, _ := energyRow(a, b, target, 1); return 0.6 * l }
	optest.Gradient(t, "a", energy, a, da)
	optest.Gradient(t, "b", energy, b, db)
}

// realCase are rows of tokens, of which some do not count.
type realCase struct{ n, c int }

func (s realCase) weights() []float32 {
	w := make([]float32, s.n)
	for i := range w {
		w[i] = []float32{1, 0.25, 0}[i%3]
	}
	return w
}

func eachReal(t *testing.T, body func(t *testing.T, dev *gpu.Device, s realCase)) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, s := range []realCase{{1, 1}, {5, 4}, {33, 16}, {7, 77}} {
			t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) { body(t, dev, s) })
		}
	})
}

// near holds numbers to an oracle, each to a share of the largest of its row.
func near(t *testing.T, name string, got []float32, want []float64, rows int) {
	t.Helper()
	bound := make([]float64, len(want))
	d := len(want) / rows
	for r := range rows {
		most := 1.0
		for _, x := range want[r*d : (r+1)*d] {
			most = max(most, math.Abs(x))
		}
		for i := range d {
			bound[r*d+i] = 1e-5 * most
		}
	}
	gputest.Close(t, name, got, want, bound)
}

func TestNoise(t *testing.T) {
	eachReal(t, func(t *testing.T, dev *gpu.Device, s realCase) {
		for _, variance := range []bool{false, true} {
			width := s.c
			if variance {
				width *= 2
			}
			said, target, weight := gputest.Normal(1, s.n*width), gputest.Normal(2, s.n*s.c), s.weights()
			var wantLoss, wantG []float64
			var bounds []float32
			for i := range s.n {
				bounds = append(bounds, stepBounds(i)...)
				var b []float64
				if variance {
					b = optest.Wide(stepBounds(i))
				}
				l, g := noiseRow(optest.Wide(said[i*width:(i+1)*width]), optest.Wide(target[i*s.c:(i+1)*s.c]), b, float64(weight[i]))
				if weight[i] == 0 {
					l = 0
					for c := range s.c { // whatever it says
						said[i*width+c] = float32(math.NaN())
					}
				}
				wantLoss, wantG = append(wantLoss, l), append(wantG, g...)
			}
			a := NoiseArgs{
				Said: gputest.F32(t, dev, said, s.n, width), Target: gputest.F32(t, dev, target, s.n, s.c), Weight: gputest.F32(t, dev, weight, s.n),
				Loss: gputest.F32(t, dev, ones(s.n), s.n),
			}
			if variance {
				a.Bounds = gputest.F32(t, dev, bounds, s.n, 3)
			}
			gputest.Run(t, dev, func(r *gpu.Recorder) {
				Noise(r, a)
				b := a
				b.DSaid = a.Said
				Noise(r, b)
			})
			near(t, "loss", gputest.Read(t, a.Loss), wantLoss, s.n)
			near(t, "dsaid", gputest.Read(t, a.Said), wantG, s.n)
		}
	})
}

func TestEnergy(t *testing.T) {
	eachReal(t, func(t *testing.T, dev *gpu.Device, s realCase) {
		a, b, y, weight := gputest.Normal(1, s.n*s.c), gputest.Normal(2, s.n*s.c), gputest.Normal(3, s.n*s.c), s.weights()
		copy(b[:s.c], a[:s.c]) // no distance has no slope
		var wantLoss, wantA, wantB []float64
		for i := range s.n {
			lo, hi := i*s.c, (i+1)*s.c
			l, da, db := energyRow(optest.Wide(a[lo:hi]), optest.Wide(b[lo:hi]), optest.Wide(y[lo:hi]), float64(weight[i]))
			if weight[i] == 0 {
				l = 0
			}
			wantLoss, wantA, wantB = append(wantLoss, l), append(wantA, da...), append(wantB, db...)
		}
		put := func(x []float32) *gpu.Tensor { return gputest.F32(t, dev, x, s.n, s.c) }
		args := EnergyArgs{A: put(a), B: put(b), Target: put(y), Weight: gputest.F32(t, dev, weight, s.n), Loss: gputest.F32(t, dev, ones(s.n), s.n)}
		args.DA, args.DB = args.A, args.B
		gputest.Run(t, dev, func(r *gpu.Recorder) { Energy(r, args) })
		near(t, "loss", gputest.Read(t, args.Loss), wantLoss, s.n)
		near(t, "da", gputest.Read(t, args.A), wantA, s.n)
		near(t, "db", gputest.Read(t, args.B), wantB, s.n)
	})
}

func TestRealShapeErrors(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		x, y, w := gputest.F32(t, dev, make([]float32, 12), 2, 6), gputest.F32(t, dev, make([]float32, 6), 2, 3), gputest.F32(t, dev, make([]float32, 2), 2)
		optest.Refused(t, dev, map[string]func(*gpu.Recorder){
			"no variance": func(r *gpu.Recorder) { Noise(r, NoiseArgs{Said: y, Target: y, Bounds: x, Weight: w, Loss: w}) },
			"variance":    func(r *gpu.Recorder) { Noise(r, NoiseArgs{Said: x, Target: y, Weight: w, Loss: w}) },
			"target":      func(r *gpu.Recorder) { Noise(r, NoiseArgs{Said: y, Weight: w, Loss: w}) },
			"one":         func(r *gpu.Recorder) { Energy(r, EnergyArgs{A: y, B: y, Target: y, Weight: w, Loss: w, DA: y}) },
			"sample":      func(r *gpu.Recorder) { Energy(r, EnergyArgs{A: x, B: y, Target: y, Weight: w, Loss: w}) },
		})
	})
}
