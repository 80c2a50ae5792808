package optest

import (
	"math"
	"testing"
)

// Gradient fails the test unless grad is the gradient of loss with respect to x. For each
// element it is compared with (loss(x+e) - loss(x-e)) / 2e, with e = 1e-5. They must agree
// to 1e-6 of the larger of 1 and the value. It changes x and restores it.
func Gradient(tb testing.TB, what string, loss func() float64, x, grad []float64) {
	tb.Helper()
	const step, tol = 1e-5, 1e-6
	for i, x0 := range x {
		x[i] = x0 + step
		up := loss()
		x[i] = x0 - step
		down := loss()
		x[i] = x0
		want := (up - down) / (2 * step)
		if d := math.Abs(grad[i] - want); !(d <= tol*max(1, math.Abs(want))) {
			tb.Errorf("%s[%d] = %g, central difference %g", what, i, grad[i], want)
		}
	}
}

// Wide returns x in float64.
func Wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// Dot returns the inner product of a and b.
func Dot(a, b []float64) float64 {
	var s float64
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}
