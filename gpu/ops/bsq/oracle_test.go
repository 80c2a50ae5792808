package bsq

import (
	"math"

	"github.com/morton-gen/morton/gpu/gputest"
)

// objective is what QuantizeGrad differentiates, in float64 and at fixed codes.
type objective struct {
	n, l                       int
	z, code, dcode             []float64
	commit, entropy, diversity float64
	slope                      float64
}

func newObjective(n, l int, z, dcode []float32, a QuantizeGradArgs) *objective {
	o := &objective{n: n, l: l, commit: float64(a.CommitWeight), entropy: float64(a.EntropyWeight), diversity: float64(a.DiversityWeight), slope: float64(a.slope(l))}
	side := 1 / math.Sqrt(float64(l))
	for i := range z {
		c := -side
		if z[i] > 0 {
			c = side
		}
		o.z, o.code, o.dcode = append(o.z, float64(z[i])), append(o.code, c), append(o.dcode, float64(dcode[i]))
	}
	return o
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func entropy(p float64) float64 { return -p*math.Log(p) - (1-p)*math.Log(1-p) }

// unit is row i of u, and 1/|z|.
func (o *objective) unit(i int) (u []float64, rnorm float64) {
	z := o.z[i*o.l : (i+1)*o.l]
	sum := 0.0
	for _, x := range z {
		sum += x * x
	}
	if sum > 0 {
		rnorm = 1 / math.Sqrt(sum)
	}
	for _, x := range z {
		u = append(u, x*rnorm)
	}
	return u, rnorm
}

func (o *objective) means() []float64 {
	m := make([]float64, o.l)
	for i := range o.n {
		u, _ := o.unit(i)
		for c, x := range u {
			m[c] += sigmoid(o.slope*x) / float64(o.n)
		}
	}
	return m
}

// value is the objective itself, with dcode's linear term for what the decoder adds.
func (o *objective) value() float64 {
	sum, n := 0.0, float64(o.n)
	for i := range o.n {
		u, _ := o.unit(i)
		for c, x := range u {
			d := x - o.code[i*o.l+c]
			sum += o.dcode[i*o.l+c]*x + o.commit/n*d*d + o.entropy/n*entropy(sigmoid(o.slope*x))
		}
	}
	for _, m := range o.means() {
		sum -= o.diversity * entropy(m)
	}
	return sum
}

// gradient returns the gradient by z and a bound on the device's error.
func (o *objective) gradient() (dz, bound []float64) {
	means := o.means()
	for i := range o.n {
		u, rnorm := o.unit(i)
		g, ge := o.direct(i, u, means)
		var dot, dotErr float64
		for c := range u {
			dot += u[c] * g[c]
			dotErr += math.Abs(u[c])*ge[c] + (2*float64(o.l)+20)*gputest.Eps*math.Abs(u[c]*g[c])
		}
		for c := range u {
			dz = append(dz, rnorm*(g[c]-u[c]*dot))
			e := ge[c] + math.Abs(u[c])*dotErr + (2*float64(o.l)+40)*gputest.Eps*(math.Abs(g[c])+math.Abs(u[c]*dot))
			bound = append(bound, rnorm*e)
		}
	}
	return dz, bound
}

// direct is the gradient by u of row i, with its error: u errs by (L+14)·2⁻²⁴
// relative, the sigmoid by its exp, the mean by its sum, the log as the Vulkan
// specification bounds it (2⁻²¹ or 3 ulp).
func (o *objective) direct(i int, u, means []float64) (g, ge []float64) {
	n := float64(o.n)
	for c, x := range u {
		ux := float64(o.l+14) * gputest.Eps * math.Abs(x)
		dc, cm := o.dcode[i*o.l+c], 2*o.commit/n*(x-o.code[i*o.l+c])
		s, m := sigmoid(o.slope*x), means[c]
		es := (16+4*o.slope*math.Abs(x))*gputest.Eps + o.slope*ux
		em := (n/4+24+4*o.slope)*gputest.Eps + o.slope*float64(o.l+14)*gputest.Eps
		spread := math.Log(m / (1 - m))
		pull := -o.entropy/n*o.slope*x + o.diversity/n*spread
		pullErr := o.entropy/n*o.slope*ux + o.diversity/n*(em/(m*(1-m))+1.0/(1<<21)+6*gputest.Eps*math.Abs(spread)) +
			4*gputest.Eps*(math.Abs(o.entropy/n*o.slope*x)+math.Abs(o.diversity/n*spread))
		g = append(g, dc+cm+s*(1-s)*o.slope*pull)
		ge = append(ge, 2*o.commit/n*(ux+2*gputest.Eps)+6*gputest.Eps*(math.Abs(dc)+math.Abs(cm)+math.Abs(pull)*o.slope)+o.slope*(2*es*math.Abs(pull)+s*(1-s)*pullErr))
	}
	return g, ge
}
