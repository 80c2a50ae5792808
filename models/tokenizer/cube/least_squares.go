package cube

import (
	"errors"
	"math"
)

// leastSquares fits a linear map from n to m numbers by least squares.
type leastSquares struct {
	n, m int
	xx   []float64 // [n, n], of which the lower half counts
	xy   []float64 // [n, m]
}

func newLeastSquares(n, m int) *leastSquares {
	return &leastSquares{n, m, make([]float64, n*n), make([]float64, n*m)}
}

// add adds an example.
func (l *leastSquares) add(x, y []float32) {
	for i, v := range x {
		axpy(l.xx[i*l.n:][:i+1], v, x)
		axpy(l.xy[i*l.m:][:l.m], v, y)
	}
}

// axpy adds a·x to y.
func axpy(y []float64, a float32, x []float32) {
	for i := range y {
		y[i] += float64(a) * float64(x[i])
	}
}

// solve returns the map, [n, m]. Its inputs' squares grow by a share of their mean.
func (l *leastSquares) solve(ridge float64) ([]float32, error) {
	n, m, trace := l.n, l.m, 0.0
	for i := range n {
		trace += l.xx[i*n+i]
	}
	a, b := l.xx, l.xy // a becomes its Cholesky factor, b the solution
	for i := range n {
		a[i*n+i] += ridge * trace / float64(n)
	}
	for i := range n {
		for j := range i + 1 {
			sum := a[i*n+j]
			p, q := a[i*n:][:j], a[j*n:][:j]
			for k, v := range p {
				sum -= v * q[k]
			}
			if i > j {
				a[i*n+j] = sum / a[j*n+j]
				continue
			}
			if !(sum > 0) {
				return nil, errors.New("the examples do not determine the map")
			}
			a[i*n+i] = math.Sqrt(sum)
		}
	}
	subtract := func(to, from int, by float64) {
		y, x := b[to*m:][:m], b[from*m:][:m]
		for k := range y {
			y[k] -= by * x[k]
		}
	}
	divide := func(i int) {
		for k := range m {
			b[i*m+k] /= a[i*n+i]
		}
	}
	for i := range n {
		for j := range i {
			subtract(i, j, a[i*n+j])
		}
		divide(i)
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			subtract(i, j, a[j*n+i])
		}
		divide(i)
	}
	out := make([]float32, n*m)
	for i, v := range b {
		out[i] = float32(v)
	}
	return out, nil
}
