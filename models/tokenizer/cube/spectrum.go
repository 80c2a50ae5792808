package cube

import (
	"math"

	"github.com/morton-gen/morton/gpu/ops/gray"
	"github.com/morton-gen/morton/models/params"
)

// fitClips is how many clips a fit looks at.
const fitClips = 64

// fit gives the coordinates of a convolutional autoencoder their bits, and returns the
// weights of its linear paths. One whose coordinates have bits goes on from weights that
// it has; other autoencoders have no coordinates.
func (c *Config) fit(clips *Clips) (map[string][]float32, error) {
	if c.Tokenizer.Conv == nil || len(c.Tokenizer.Conv.Share) > 0 {
		return nil, nil
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n := min(clips.N, fitClips)
	windows := make([][]float32, n)
	for i := range windows {
		w := clips.window(i*clips.N/n, 0, c.Tokenizer.Window)
		windows[i] = make([]float32, len(w.Pix))
		c.load(windows[i], w)
	}
	s := c.measure(windows)
	bits := s.share(c.Tokenizer.Bits)
	v := *c.Tokenizer.Conv // the caller's stays as it is
	v.Share = positive(bits)
	c.Tokenizer.Conv = &v
	return c.transformCodec(s, bits), c.Validate()
}

// spectrum holds the mean and the standard deviation of each coefficient of a cell's
// orthonormal cosine transform. Coefficient ((t·h + y)·w + x)·3 + colour is that of
// frequencies t, y and x.
type spectrum struct{ mean, sigma []float64 }

// measure returns the spectrum of windows as the network reads them, [b·t·h·w, values].
func (c Config) measure(windows [][]float32) spectrum {
	n := c.pixels()
	s := spectrum{make([]float64, n), make([]float64, n)}
	count := 0.0
	for _, x := range windows {
		for at := range len(x) / n {
			for i, v := range c.transform(c.cellOf(x, at)) {
				s.mean[i] += v
				s.sigma[i] += v * v
			}
			count++
		}
	}
	for i := range s.mean {
		s.mean[i] /= count
		s.sigma[i] = math.Sqrt(max(s.sigma[i]/count-s.mean[i]*s.mean[i], 1e-6))
	}
	return s
}

// cellOf returns the pixels of cell at of a window, [t, h, w, 3].
func (c Config) cellOf(x []float32, at int) []float64 {
	gw, gh, values := c.gridW(), c.gridH(), c.values()
	t, cy, cx := at/(gw*gh), at/gw%gh, at%gw
	out := make([]float64, 0, c.pixels())
	for f := range c.Cell[0] {
		for y := range c.Cell[1] {
			for px := range c.Cell[2] {
				i := (((t*c.Size+cy*c.Cell[1]+y)*c.Size+cx*c.Cell[2]+px)*values + 3*f)
				out = append(out, float64(x[i]), float64(x[i+1]), float64(x[i+2]))
			}
		}
	}
	return out
}

// transform returns a cell's cosine transform, axis by axis.
func (c Config) transform(x []float64) []float64 {
	extents := [4]int{c.Cell[0], c.Cell[1], c.Cell[2], 3}
	for axis, n := range extents {
		stride := 1
		for _, e := range extents[axis+1:] {
			stride *= e
		}
		out := make([]float64, len(x))
		for i := range x {
			k, base := i/stride%n, i-i/stride%n*stride
			for j := range n {
				b := colours[k%3][j%3]
				if axis < 3 {
					b = at(k, j, n)
				}
				out[i] += b * x[base+j*stride]
			}
		}
		x = out
	}
	return x
}

// distortion is the mean squared error of a normal variable of variance 1 under the best
// quantiser of b bits.
//
// Source: Max, "Quantizing for minimum distortion", 1960, table I.
var distortion = [gray.MaxBits + 1]float64{1, 0.3634, 0.1175, 0.03454, 0.009497, 0.002499, 0.000642, 0.000164, 0.000042}

// share gives l bits to the coefficients, each to the one that it helps most. The number
// of coefficients that get any is a multiple of four, as 16-bit products want it.
func (s spectrum) share(l int) []int {
	bits := make([]int, len(s.sigma))
	used := 0
	give := func(among func(i int) bool) {
		best, gain := -1, 0.0
		for i, b := range bits {
			if b == gray.MaxBits || !among(i) {
				continue
			}
			if g := s.sigma[i] * s.sigma[i] * (distortion[b] - distortion[b+1]); g > gain {
				best, gain = i, g
			}
		}
		if bits[best]++; bits[best] == 1 {
			used++
		}
	}
	for range l {
		give(func(int) bool { return true })
	}
	for used%4 != 0 { // the weakest gives its bits to the others
		weakest := -1
		for i, b := range bits {
			if b > 0 && (weakest < 0 || s.sigma[i] < s.sigma[weakest]) {
				weakest = i
			}
		}
		for n := bits[weakest]; n > 0; n-- {
			give(func(i int) bool { return bits[i] > 0 && i != weakest })
		}
		bits[weakest] = 0
		used--
	}
	return bits
}

// companding is the standard deviation of a coordinate as it is quantised. Of 0.5 to 1.2
// it keeps most of natural clips.
const companding = 0.6

// transformCodec returns the first weights of the linear paths: cosine transforms of the
// coefficients that have bits, and back.
func (c Config) transformCodec(s spectrum, bits []int) map[string][]float32 {
	n, values := c.pixels(), c.values()
	var in, inBias, out []float32
	var picked []int
	for j, b := range bits {
		if b > 0 {
			picked = append(picked, j)
		}
	}
	out, mean := make([]float32, n*len(picked)), make([]float32, n)
	for k, j := range picked {
		row := make([]float32, n)
		scale := companding / s.sigma[j]
		for i := range n { // pixel i of the network's order
			v, px := i%values, i/values
			b := at(j/(3*c.Cell[1]*c.Cell[2]), v/3, c.Cell[0]) * at(j/(3*c.Cell[2])%c.Cell[1], px/c.Cell[2], c.Cell[1]) *
				at(j/3%c.Cell[2], px%c.Cell[2], c.Cell[2]) * colours[j%3][v%3]
			row[i] = float32(b * scale)
			out[i*len(picked)+k] = float32(b / scale)
			mean[i] += float32(b * s.mean[j])
		}
		in = append(in, row...)
		inBias = append(inBias, float32(-s.mean[j]*scale))
	}
	return map[string][]float32{"encoder.base.weight": in, "encoder.base.bias": inBias, "decoder.base.weight": out, "decoder.base.bias": mean}
}

// positive returns the bits of the coefficients that have any.
func positive(bits []int) (out []int) {
	for _, b := range bits {
		if b > 0 {
			out = append(out, b)
		}
	}
	return out
}

func write(s *params.Store, weights map[string][]float32) error {
	for name, v := range weights {
		if err := s.Param(name).WriteF32(v); err != nil {
			return err
		}
	}
	return s.Round()
}
