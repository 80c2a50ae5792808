package norm

import "math"

// oracle normalizes packed rows in float64; rms without the mean and the bias.
type oracle struct {
	rms             bool
	n, d            int
	x, gain, bias   []float64
	out, mean, rstd []float64
}

func (o *oracle) forward() {
	o.out, o.mean, o.rstd = make([]float64, o.n*o.d), make([]float64, o.n), make([]float64, o.n)
	for r := range o.n {
		x := o.x[r*o.d : (r+1)*o.d]
		if !o.rms {
			o.mean[r] = average(o.d, func(c int) float64 { return x[c] })
		}
		ms := average(o.d, func(c int) float64 { return (x[c] - o.mean[r]) * (x[c] - o.mean[r]) })
		o.rstd[r] = 1 / math.Sqrt(ms+defaultEps)
		for c := range x {
			o.out[r*o.d+c] = o.h(r, c)*o.gain[c] + o.bias[c]
		}
	}
}

func (o *oracle) h(r, c int) float64 { return (o.x[r*o.d+c] - o.mean[r]) * o.rstd[r] }

func average(d int, f func(c int) float64) float64 {
	var s float64
	for c := range d {
		s += f(c)
	}
	return s / float64(d)
}

// amplitude is how many times the error of the mean counts in h.
func (o *oracle) amplitude(r int) float64 {
	if o.rms {
		return 0
	}
	return o.rstd[r] * average(o.d, func(c int) float64 { return math.Abs(o.x[r*o.d+c]) })
}

// bound returns the forward pass's error bound for w lanes.
func (o *oracle) bound(w int, eps float64) []float64 {
	b := make([]float64, o.n*o.d)
	for i := range b {
		r, c := i/o.d, i%o.d
		b[i] = eps * (float64(o.d/w+24)*math.Abs(o.gain[c])*(o.amplitude(r)+math.Abs(o.h(r, c))) + 2*math.Abs(o.bias[c]))
	}
	return b
}

// gradients are dx, dgain and dbias, each with the magnitudes of its terms.
type gradients struct{ dx, dgain, dbias, magX, magGain, magBias []float64 }

func (o *oracle) backward(dout []float64) gradients {
	g := gradients{
		make([]float64, o.n*o.d), make([]float64, o.d), make([]float64, o.d),
		make([]float64, o.n*o.d), make([]float64, o.d), make([]float64, o.d),
	}
	for r := range o.n {
		gd := func(c int) float64 { return o.gain[c] * dout[r*o.d+c] }
		mg := average(o.d, gd)
		mgh := average(o.d, func(c int) float64 { return gd(c) * o.h(r, c) })
		absG := average(o.d, func(c int) float64 { return math.Abs(gd(c)) })
		absGH := average(o.d, func(c int) float64 { return math.Abs(gd(c) * o.h(r, c)) })
		if o.rms {
			mg = 0
		}
		amp := o.amplitude(r)
		for c := range o.d {
			i, h := r*o.d+c, o.h(r, c)
			g.dx[i] = o.rstd[r] * (gd(c) - mg - h*mgh)
			g.magX[i] = o.rstd[r] * (math.Abs(gd(c)) + absG + (math.Abs(h)+amp)*absGH + math.Abs(h)*amp*absG)
			g.dgain[c] += dout[i] * h
			g.magGain[c] += math.Abs(dout[i]) * (math.Abs(h) + amp)
			g.dbias[c] += dout[i]
			g.magBias[c] += math.Abs(dout[i])
		}
	}
	return g
}
