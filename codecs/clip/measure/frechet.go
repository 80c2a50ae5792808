package measure

import (
	"math"

	"github.com/morton-gen/morton/codecs/clip"
)

// Appearance is the number of features of [Features].
const Appearance = 8

// Features are the "appearance-8" features of frame k of a clip, defined by Morton: mean
// and deviation of brightness, mean of both colour differences, mean absolute gradient
// along rows and along columns, and mean and deviation of the absolute change of
// brightness since the previous frame. k is at least 1.
func Features(c *clip.Clip, k int) (f [Appearance]float64) {
	n := float64(c.H * c.W)
	now, before := luma(c.Frame(k)), luma(c.Frame(k-1))
	var squares, changes float64
	for i, p := range now {
		x, y := i%c.W, i/c.W
		f[0] += p / n
		squares += p * p / n
		f[2] += (float64(c.Frame(k)[3*i+2]) - p) / n
		f[3] += (float64(c.Frame(k)[3*i]) - p) / n
		if x > 0 {
			f[4] += math.Abs(p-now[i-1]) / n
		}
		if y > 0 {
			f[5] += math.Abs(p-now[i-c.W]) / n
		}
		d := math.Abs(p - before[i])
		f[6] += d / n
		changes += d * d / n
	}
	f[1], f[7] = math.Sqrt(max(squares-f[0]*f[0], 0)), math.Sqrt(max(changes-f[6]*f[6], 0))
	return f
}

// Frechet is the Fréchet distance of two sets of features, both taken as normal:
//
//	|m - n|² + tr(C + D - 2·(C·D)^½)
//
// with means m, n and covariances C, D. Features are divided by their deviation in the
// second set. It is NaN if a set has fewer than two.
//
// Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local
// Nash Equilibrium", 2017, arXiv:1706.08500, which uses the features of a network.
func Frechet(a, b [][Appearance]float64) float64 {
	if len(a) < 2 || len(b) < 2 {
		return math.NaN()
	}
	_, unscaled := moments(b, [Appearance]float64{})
	var scale [Appearance]float64
	for i := range scale {
		scale[i] = 1 / math.Sqrt(max(unscaled[i][i], 1e-9))
	}
	m, c := moments(a, scale)
	n, d := moments(b, scale)
	// The eigenvalues of C·D are those of the symmetric D^½·C·D^½.
	root := function(d, func(x float64) float64 { return math.Sqrt(max(x, 0)) })
	values, _ := eigen(multiply(multiply(root, c), root))
	out := 0.0
	for i := range m {
		out += (m[i]-n[i])*(m[i]-n[i]) + c[i][i] + d[i][i] - 2*math.Sqrt(max(values[i], 0))
	}
	return max(out, 0)
}

type matrix = [Appearance][Appearance]float64

// moments returns the mean and covariance of features, multiplied by scale if it is
// not 0.
func moments(x [][Appearance]float64, scale [Appearance]float64) (mean [Appearance]float64, c matrix) {
	n := float64(len(x))
	for i := range scale {
		if scale[i] == 0 {
			scale[i] = 1
		}
		for _, f := range x {
			mean[i] += f[i] * scale[i] / n
		}
	}
	for _, f := range x {
		for i := range mean {
			for j := range mean {
				c[i][j] += (f[i]*scale[i] - mean[i]) * (f[j]*scale[j] - mean[j]) / (n - 1)
			}
		}
	}
	return mean, c
}

func multiply(a, b matrix) (out matrix) {
	for i := range a {
		for j := range b {
			for k := range a {
				out[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return out
}

// function applies f to the eigenvalues of a symmetric matrix.
func function(a matrix, f func(float64) float64) (out matrix) {
	values, vectors := eigen(a)
	for i := range a {
		for j := range a {
			for k, v := range values {
				out[i][j] += vectors[i][k] * f(v) * vectors[j][k]
			}
		}
	}
	return out
}

// eigen returns the eigenvalues of a symmetric matrix and the eigenvectors as columns,
// by the Jacobi method.
func eigen(a matrix) (values [Appearance]float64, vectors matrix) {
	for i := range a {
		vectors[i][i] = 1
	}
	for range 30 {
		for p := range a {
			for q := p + 1; q < Appearance; q++ {
				if math.Abs(a[p][q]) < 1e-300 {
					continue
				}
				angle := 0.5 * math.Atan2(2*a[p][q], a[q][q]-a[p][p])
				c, s := math.Cos(angle), math.Sin(angle)
				for k := range a {
					a[k][p], a[k][q] = c*a[k][p]-s*a[k][q], s*a[k][p]+c*a[k][q]
				}
				for k := range a {
					a[p][k], a[q][k] = c*a[p][k]-s*a[q][k], s*a[p][k]+c*a[q][k]
					vectors[k][p], vectors[k][q] = c*vectors[k][p]-s*vectors[k][q], s*vectors[k][p]+c*vectors[k][q]
				}
			}
		}
	}
	for i := range a {
		values[i] = a[i][i]
	}
	return values, vectors
}
