package attention

import (
	"math"

	"github.com/morton-gen/morton/gpu/gputest"
)

// problem is one attention problem in float64: q, k and v are [b, n, h, dh].
type problem struct {
	b, n, h, dh int
	key         []int32
	scale       float64
	q, k, v     []float64
}

// at is the start of head h of position i of sequence b.
func (p *problem) at(b, i, h int) int { return ((b*p.n+i)*p.h + h) * p.dh }

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

// row is one query's probabilities and the relative error the device may make
// in each.
type row struct{ p, rel []float64 }

// probs computes one row. A score errs by its dot product's rounding; the
// maximum's own error cancels in the quotient; exp(x) errs by (3+2|x|)·2⁻²³
// (the Vulkan specification's bound), once in the numerator and once, weighted,
// in the sum.
func (p *problem) probs(b, h, q int) row {
	r := row{make([]float64, p.n), make([]float64, p.n)}
	top, low, worst, sum := math.Inf(-1), math.Inf(1), 0.0, 0.0
	for k := range p.n {
		if p.key[b*p.n+k] > p.key[b*p.n+q] {
			continue
		}
		s, mag := dot(p.q[p.at(b, q, h):][:p.dh], p.k[p.at(b, k, h):][:p.dh])
		r.p[k], r.rel[k] = s*p.scale, p.scale*float64(p.dh+3)*gputest.Eps*mag
		top, low, worst = max(top, r.p[k]), min(low, r.p[k]), max(worst, r.rel[k])
	}
	for k := range p.n {
		if p.key[b*p.n+k] <= p.key[b*p.n+q] {
			r.p[k] = math.Exp(r.p[k] - top)
			sum += r.p[k]
		}
	}
	x := top - low
	for k := range p.n {
		if r.p[k] > 0 {
			r.p[k] /= sum
			r.rel[k] = 1.1 * (r.rel[k] + worst + (2*(6+5*x)+float64(p.n)+6)*gputest.Eps)
		}
	}
	return r
}

// forward returns Out and its error bound.
func (p *problem) forward() (out, bound []float64) {
	out, bound = make([]float64, len(p.q)), make([]float64, len(p.q))
	p.each(func(b, h, q int) {
		r, o := p.probs(b, h, q), p.at(b, q, h)
		for k, x := range r.p {
			v := p.v[p.at(b, k, h):][:p.dh]
			axpy(x, v, out[o:])
			absAxpy(x*(r.rel[k]+float64(p.n+3)*gputest.Eps), v, bound[o:])
		}
	})
	return out, bound
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
	n := len(p.q)
	return grads{make([]float64, n), make([]float64, n), make([]float64, n)}
}

// backward returns the gradients of Σ do·Out and their error bounds.
func (p *problem) backward(do []float64) (g, e grads) {
	g, e = p.newGrads(), p.newGrads()
	p.each(func(b, h, q int) { p.backwardRow(do, b, h, q, g, e) })
	return g, e
}

func (p *problem) backwardRow(do []float64, b, h, q int, g, e grads) {
	r, o := p.probs(b, h, q), p.at(b, q, h)
	n := float64(p.n + 4)
	dp, edp := make([]float64, p.n), make([]float64, p.n)
	var d, ed float64
	for k, x := range r.p {
		var mag float64
		dp[k], mag = dot(do[o:][:p.dh], p.v[p.at(b, k, h):][:p.dh])
		edp[k] = float64(p.dh+2) * gputest.Eps * mag
		d += x * dp[k]
		ed += x * (math.Abs(dp[k])*(r.rel[k]+n*gputest.Eps) + edp[k])
	}
	for k, x := range r.p {
		ko := p.at(b, k, h)
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
