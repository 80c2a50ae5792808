package attention

import (
	"math"

	"github.com/morton-gen/morton/gpu/gputest"
)

// problem is one attention problem in float64: q is [b, n, h, dh], k and v are
// [b, nk, g, dh].
type problem struct {
	shape
	keyQ, keyK []int32
	scale      float64
	q, k, v    []float64
	mask       func(b, q, k int) bool // instead of keys and window, if set
}

// at is the start of head h of query i of sequence b, kvAt that of the keys and
// values which it reads at position k.
func (p *problem) at(b, i, h int) int   { return ((b*p.n+i)*p.h + h) * p.dh }
func (p *problem) kvAt(b, k, h int) int { return ((b*p.nk+k)*p.g + h/(p.h/p.g)) * p.dh }

func (p *problem) sees(b, q, k int) bool {
	if p.mask != nil {
		return p.mask(b, q, k)
	}
	kq, kk := int(p.keyQ[b*p.n+q]), int(p.keyK[b*p.nk+k])
	return kk <= kq && (p.window == 0 || kk > kq-p.window)
}

func dot(a, b []float64) (sum, mag float64) {
	for i := range a {
		sum += a[i] * b[i]
		mag += math.Abs(a[i] * b[i])
	}
	return sum, mag
}

// axpy adds a·x to y.
func axpy(a float64, x, y []float64) {
	for i := range x {
		y[i] += a * x[i]
	}
}

// absAxpy adds a·|x| to y.
func absAxpy(a float64, x, y []float64) {
	for i := range x {
		y[i] += a * math.Abs(x[i])
	}
}

// row is one query's probabilities, the relative error the device may make in
// each, and the logarithm of its sum with the error that may have.
type row struct {
	p, rel       []float64
	lse, lseBand float64
}

// probs computes one row. A score errs by its dot product's rounding; the
// maximum's own error cancels in the quotient; exp(x) errs by (3+2|x|)·2⁻²³
// (the Vulkan specification's bound), once in the numerator and once, weighted,
// in the sum.
func (p *problem) probs(b, h, q int) row {
	r := row{p: make([]float64, p.nk), rel: make([]float64, p.nk), lse: float64(float32(-1e38))}
	top, low, worst, sum := math.Inf(-1), math.Inf(1), 0.0, 0.0
	for k := range p.nk {
		if !p.sees(b, q, k) {
			continue
		}
		s, mag := dot(p.q[p.at(b, q, h):][:p.dh], p.k[p.kvAt(b, k, h):][:p.dh])
		r.p[k], r.rel[k] = s*p.scale, p.scale*float64(p.dh+3)*gputest.Eps*mag
		top, low, worst = max(top, r.p[k]), min(low, r.p[k]), max(worst, r.rel[k])
	}
	for k := range p.nk {
		if p.sees(b, q, k) {
			r.p[k] = math.Exp(r.p[k] - top)
			sum += r.p[k]
		}
	}
	if sum == 0 {
		return r
	}
	x, n := top-low, float64(p.nk)
	for k := range p.nk {
		if r.p[k] > 0 {
			r.p[k] /= sum
			r.rel[k] = 1.1 * (r.rel[k] + worst + (2*(6+5*x)+n+6)*gputest.Eps)
		}
	}
	r.lse = top + math.Log(sum)
	r.lseBand = 1.1 * (worst + (6+5*x+n+4*math.Abs(r.lse)+4*math.Abs(top)+4)*gputest.Eps)
	return r
}

// forward returns Out and its error bound.
func (p *problem) forward() (out, bound []float64) {
	out, bound = make([]float64, len(p.q)), make([]float64, len(p.q))
	p.each(func(b, h, q int) {
		r, o := p.probs(b, h, q), p.at(b, q, h)
		for k, x := range r.p {
			v := p.v[p.kvAt(b, k, h):][:p.dh]
			axpy(x, v, out[o:])
			absAxpy(x*(r.rel[k]+float64(p.nk+3)*gputest.Eps), v, bound[o:])
		}
	})
	return out, bound
}

// logSums returns LSE, [b, h, n], and its error bound.
func (p *problem) logSums() (lse, bound []float64) {
	p.each(func(b, h, q int) {
		r := p.probs(b, h, q)
		lse, bound = append(lse, r.lse), append(bound, r.lseBand)
	})
	return lse, bound
}

func (p *problem) each(f func(b, h, q int)) {
	for b := range p.b {
		for h := range p.h {
			for q := range p.n {
				f(b, h, q)
			}
		}
	}
}

// grads are gradients, or bounds on their errors.
type grads struct{ q, k, v []float64 }

func (p *problem) newGrads() grads {
	return grads{make([]float64, len(p.q)), make([]float64, len(p.k)), make([]float64, len(p.v))}
}

// backward returns the gradients of Σ do·Out and their error bounds.
func (p *problem) backward(do []float64) (g, e grads) {
	g, e = p.newGrads(), p.newGrads()
	p.each(func(b, h, q int) { p.backwardRow(do, b, h, q, g, e) })
	return g, e
}

// backwardRow adds one row's part. The device computes a probability anew from
// the stored logarithm, which errs as rel says and by the logarithm's own error;
// it takes the mean of dp from Out, which errs as the sum over keys does.
func (p *problem) backwardRow(do []float64, b, h, q int, g, e grads) {
	r, o := p.probs(b, h, q), p.at(b, q, h)
	n := float64(p.nk + p.n*p.h/p.g + p.dh + 8)
	dp, edp := make([]float64, p.nk), make([]float64, p.nk)
	var d, ed float64
	for k, x := range r.p {
		var mag float64
		dp[k], mag = dot(do[o:][:p.dh], p.v[p.kvAt(b, k, h):][:p.dh])
		edp[k] = float64(p.dh+2) * gputest.Eps * mag
		d += x * dp[k]
		ed += x * mag * (r.rel[k] + n*gputest.Eps)
		r.rel[k] += r.lseBand
	}
	for k, x := range r.p {
		ko := p.kvAt(b, k, h)
		ds := p.scale * x * (dp[k] - d)
		eds := p.scale*x*(r.rel[k]*math.Abs(dp[k]-d)+edp[k]+ed) + n*gputest.Eps*math.Abs(ds)
		axpy(ds, p.k[ko:ko+p.dh], g.q[o:])
		axpy(ds, p.q[o:o+p.dh], g.k[ko:])
		axpy(x, do[o:o+p.dh], g.v[ko:])
		absAxpy(eds, p.k[ko:ko+p.dh], e.q[o:])
		absAxpy(eds, p.q[o:o+p.dh], e.k[ko:])
		absAxpy(x*(r.rel[k]+n*gputest.Eps), do[o:o+p.dh], e.v[ko:])
	}
}
