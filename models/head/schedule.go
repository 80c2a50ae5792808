package head

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/morton-gen/morton/gpu/ops/refine"
	"github.com/morton-gen/morton/models/nn"
)

// Schedule is the passes of a denoiser, from noise to token. Times are what the network
// is told of each.
type Schedule struct {
	Times  []float32
	Passes []refine.Pass
}

// Heated returns the schedule with the noise of every pass times a temperature.
func (s Schedule) Heated(by float64) Schedule {
	s.Passes = slices.Clone(s.Passes)
	for i := range s.Passes {
		s.Passes[i].Noise *= by
	}
	return s
}

// Plain returns the schedule without guidance in the passes whose time is below before.
func (s Schedule) Plain(before float64) Schedule {
	s.Passes = slices.Clone(s.Passes)
	for i := range s.Passes {
		s.Passes[i].Plain = float64(s.Times[i]) < before
	}
	return s
}

// CosineBetas are the variances that n steps of noise add.
//
// Source: Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models", 2021,
// arXiv:2102.09672, equation 17.
func CosineBetas(n int) []float64 {
	left := func(t int) float64 {
		c := math.Cos((float64(t)/float64(n) + 0.008) / 1.008 * math.Pi / 2)
		return c * c
	}
	out := make([]float64, n)
	for t := range out {
		out[t] = math.Min(1-left(t+1)/left(t), 0.999)
	}
	return out
}

// Spacing returns the steps of n that are kept, in ascending order. It reads what the
// field's programs take: a number of steps from the first to the last, or ddim and a
// number for steps of one integer stride. The error wraps nn.ErrConfig.
func Spacing(n int, text string) ([]int, error) {
	digits, ddim := strings.CutPrefix(text, "ddim")
	count, err := strconv.Atoi(digits)
	if err != nil || count < 1 || count > n {
		return nil, fmt.Errorf("head: %w: %q sampling steps of %d", nn.ErrConfig, text, n)
	}
	if !ddim {
		return evenly(n, count), nil
	}
	for stride := 1; stride < n; stride++ {
		if (n+stride-1)/stride == count {
			var out []int
			for t := 0; t < n; t += stride {
				out = append(out, t)
			}
			return out, nil
		}
	}
	return nil, fmt.Errorf("head: %w: no stride makes %d steps of %d", nn.ErrConfig, count, n)
}

// evenly returns count steps of n with the first and the last among them.
func evenly(n, count int) []int {
	stride := 1.0
	if count > 1 {
		stride = float64(n-1) / float64(count-1)
	}
	out := make([]int, count)
	at := 0.0
	for i := range out {
		out[i] = int(math.RoundToEven(at))
		at += stride
	}
	return out
}

// diffusion are the numbers of some kept steps of a diffusion, step by step.
type diffusion struct {
	betas, products, posterior []float64 // posterior is the log of the variance
	coef1, coef2               []float64 // of the token and of what is there, in the mean
	recip, recipM1             []float64 // of what is there and of the noise, in the token
}

// respace makes the numbers of kept steps.
func respace(betas []float64, kept []int) (d diffusion) {
	all, product := make([]float64, len(betas)), 1.0
	for t, b := range betas {
		product *= 1 - b
		all[t] = product
	}
	before := 1.0
	var variance []float64
	for _, t := range kept {
		a := all[t]
		b := 1 - a/before
		variance = append(variance, b*(1-before)/(1-a))
		d.betas, d.products = append(d.betas, b), append(d.products, a)
		d.coef1 = append(d.coef1, b*math.Sqrt(before)/(1-a))
		d.coef2 = append(d.coef2, (1-before)*math.Sqrt(1-b)/(1-a))
		d.recip, d.recipM1 = append(d.recip, math.Sqrt(1/a)), append(d.recipM1, math.Sqrt(1/a-1))
		before = a
	}
	variance[0] = variance[min(1, len(variance)-1)] // that of the first step is 0
	for _, v := range variance {
		d.posterior = append(d.posterior, math.Log(v))
	}
	return d
}

// ScaledLinearBetas are variances whose roots grow evenly from that of first to that of
// last.
//
// Source: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models",
// 2021, arXiv:2112.10752.
func ScaledLinearBetas(n int, first, last float64) []float64 {
	out := make([]float64, n)
	a, b := math.Sqrt(first), math.Sqrt(last)
	for t := range out {
		root := a + (b-a)*float64(t)/float64(max(n-1, 1))
		out[t] = root * root
	}
	return out
}

// Leading returns steps of one integer stride, from 0 on.
func Leading(n, count int) []int {
	out := make([]int, count)
	for i := range out {
		out[i] = i * (n / count)
	}
	return out
}

// FixedLarge is the schedule of a network that says the noise alone. The variance is that of
// the noise that a step adds.
func FixedLarge(betas []float64, kept []int) Schedule {
	s := Ancestral(betas, kept)
	for i := range s.Passes {
		s.Passes[i].LogMin = s.Passes[i].LogMax
	}
	return s
}

// Fixed is the schedule of a network that says the noise alone. The variance is that of the
// posterior.
func Fixed(betas []float64, kept []int) Schedule {
	s := Ancestral(betas, kept)
	for i := range s.Passes {
		s.Passes[i].LogMax = s.Passes[i].LogMin
	}
	return s
}

// Ancestral is the schedule of a network that says the noise and its variance.
//
// Source: Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models", 2020,
// arXiv:2006.11239, algorithm 2; fewer steps and the variance as in arXiv:2102.09672.
func Ancestral(betas []float64, kept []int) Schedule {
	d := respace(betas, kept)
	var s Schedule
	for i := len(kept) - 1; i >= 0; i-- {
		p := refine.Pass{
			Keep: d.coef1[i]*d.recip[i] + d.coef2[i], Move: -d.coef1[i] * d.recipM1[i], LogMin: d.posterior[i], LogMax: math.Log(d.betas[i]), Noise: 1,
		}
		if i == 0 {
			p.Noise = 0
		}
		s.Times, s.Passes = append(s.Times, float32(kept[i])), append(s.Passes, p)
	}
	return s
}

// ShiftedFlow is the schedule of a network that says the velocity from token to noise, in
// steps of noise levels that are shifted towards noise. Times are a thousand levels. As in
// the schedulers that NOVA uses, the levels between the largest and the smallest of 1000
// shifted ones are shifted once more.
//
// Source: Esser et al., "Scaling Rectified Flow Transformers for High-Resolution Image
// Synthesis", 2024, arXiv:2403.03206, section 5.3.2.
func ShiftedFlow(steps int, shift float64) (s Schedule) {
	shifted := func(x float64) float64 { return shift * x / (1 + (shift-1)*x) }
	least := shifted(1. / timeScale)
	level := func(i int) float64 {
		switch {
		case i == steps:
			return 0
		case steps == 1:
			return shifted(1)
		}
		return shifted(1 + (least-1)*float64(i)/float64(steps-1))
	}
	for i := range steps {
		s.Times = append(s.Times, float32(timeScale*level(i)))
		s.Passes = append(s.Passes, refine.Pass{Keep: 1, Move: level(i+1) - level(i)})
	}
	return s
}

// EulerMaruyama is the schedule of a network that says the velocity from token to noise,
// in steps of a stochastic equation that has the same marginals. Noise levels fall evenly
// from 1 to last, and then to 0 without noise. Times are thousandths of a level, rounded
// down.
//
// Source: Ma et al., "SiT: Exploring Flow and Diffusion-based Generative Models with
// Scalable Interpolant Transformers", 2024, arXiv:2401.08740, section 3; the variance 2·t
// of xAR, arXiv:2502.20388.
func EulerMaruyama(steps int, last float64) (s Schedule) {
	level := levels(steps, last)
	for i := range steps {
		t, dt := level(i), level(i+1)-level(i)
		// The score is -(x + (1 - t)·v)/t, and the drift v - t·score.
		p := refine.Pass{Keep: 1 + dt, Move: dt * (2 - t)}
		if i < steps-1 {
			p.LogMin, p.Noise = math.Log(2*t*-dt), 1
		}
		s.Times, s.Passes = append(s.Times, wholeTime(t)), append(s.Passes, p)
	}
	return s
}

// Euler is the schedule of a network that says the velocity from token to noise, in equal
// steps from 1 to 0. Times are as for [EulerMaruyama].
func Euler(steps int) (s Schedule) {
	level := levels(steps+1, 0)
	for i := range steps {
		s.Times = append(s.Times, wholeTime(level(i)))
		s.Passes = append(s.Passes, refine.Pass{Keep: 1, Move: level(i+1) - level(i)})
	}
	return s
}

// levels returns n levels that fall evenly from 1 to last, from either end as numerical
// libraries do it, and 0 behind them.
func levels(n int, last float64) func(i int) float64 {
	step := (last - 1) / float64(max(n-1, 1))
	return func(i int) float64 {
		switch {
		case i >= n:
			return 0
		case i < n/2 || i == 0:
			return 1 + step*float64(i)
		}
		return last - step*float64(n-1-i)
	}
}

// wholeTime is what a network is told of a level that is a float.
func wholeTime(t float64) float32 { return float32(math.Floor(float64(float32(t) * timeScale))) }
