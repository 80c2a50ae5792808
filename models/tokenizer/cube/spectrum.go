package cube

import (
	"math"
	"slices"

	"github.com/morton-gen/morton/gpu/ops/gray"
	"github.com/morton-gen/morton/models/params"
)

// fitClips is how many clips a fit looks at, at most, and fitCells how many cells.
const (
	fitClips = 1024
	fitCells = 1 << 14
)

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
	cells := c.cells()
	step := max((n*cells+fitCells-1)/fitCells, 1) | 1 // odd: it meets all places
	s := make(spectrum, c.pixels())
	x := make([]float32, cells*c.pixels())
	for i := range n {
		c.load(x, clips.window(i*clips.N/n, 0, c.Tokenizer.Window))
		for at := i % step; at < cells; at += step {
			for j, v := range c.transform(c.cellOf(x, at)) {
				s[j].values = append(s[j].values, v)
			}
		}
	}
	for j := range s {
		s[j].look(evenLevels)
	}
	bits := s.share(c.Tokenizer.Bits)
	v := *c.Tokenizer.Conv // the caller's stays as it is
	v.Share = positive(bits)
	c.Tokenizer.Conv = &v
	return c.transformCodec(s, bits), c.Validate()
}

// spectrum holds a coefficient of a cell's orthonormal cosine transform each. Coefficient
// ((t·h + y)·w + x)·3 + colour is that of frequencies t, y and x.
type spectrum []coefficient

// coefficient is how one is spread over the cells of a corpus.
type coefficient struct {
	values []float64 // less their mean, ascending
	mean   float64
	square float64                    // mean square
	best   [gray.MaxBits + 1]rounding // by bits
}

// look makes the rest of values as they were gathered.
func (k *coefficient) look(l ladder) {
	if l != throughZero { // whose middle level stays exactly 0
		for _, v := range k.values {
			k.mean += v
		}
		k.mean /= float64(len(k.values))
	}
	for i := range k.values {
		k.values[i] -= k.mean
		k.square += k.values[i] * k.values[i]
	}
	k.square = max(k.square/float64(len(k.values)), 1e-6)
	slices.Sort(k.values)
	sums := make([]float64, 1, len(k.values)+1) // of the values before each, and of all
	for i, v := range k.values {
		sums = append(sums, sums[i]+v)
	}
	for b := range k.best {
		k.best[b] = k.round(sums, b, l)
	}
}

// ladder is where levels lie.
type ladder int

const (
	// evenLevels are those of gpu/ops/gray: half of them on each side of zero.
	evenLevels ladder = iota
	// throughZero are half a level lower, so that one is zero: what is mostly nothing, such as the
	// error of a prediction, becomes exactly nothing.
	throughZero
)

// value is the coordinate of level q of l.
func (d ladder) value(q, l int) float64 {
	if d == evenLevels {
		return valueOf(q, l)
	}
	return math.Atanh((2*max(float64(q), 0.25) - float64(l)) / float64(l)) // the lowest has no room below
}

// level is the level of a coordinate.
func (d ladder) level(z float64, l int) int {
	at := (math.Tanh(z) + 1) / 2 * float64(l)
	if d == throughZero {
		at += 0.5
	}
	return min(max(int(math.Floor(at)), 0), l-1)
}

// above is the lower end of the level above level q, in coordinates.
func (d ladder) above(q, l int) float64 {
	at := float64(2*(q+1) - l)
	if d == throughZero {
		at--
	}
	return math.Atanh(at / float64(l))
}

// rounding says how a coefficient less its mean is rounded: times scale to a coordinate, and
// the coordinate's level, see gpu/ops/gray, times gain back.
type rounding struct{ scale, gain, distortion float64 }

// round returns the rounding to b bits with the least mean squared error.
func (k *coefficient) round(sums []float64, b int, d ladder) rounding {
	if b == 0 {
		return rounding{distortion: k.square}
	}
	l, n := 1<<b, float64(len(k.values))
	best := rounding{distortion: math.Inf(1)}
	for wide := 0.2; wide < 2; wide *= 1.1 {
		scale := wide / math.Sqrt(k.square)
		along, power, from := 0.0, 0.0, 0 // of levels with values, and of levels, over all values
		for q := range l {
			to := len(k.values)
			if q < l-1 {
				to, _ = slices.BinarySearch(k.values, d.above(q, l)/scale)
			}
			level := d.value(q, l) / scale
			along += level * (sums[to] - sums[from])
			power += level * level * float64(to-from)
			from = to
		}
		if lost := k.square - along*along/max(power, 1e-12)/n; lost < best.distortion {
			best = rounding{scale, along / max(power, 1e-12) / scale, lost}
		}
	}
	return best
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

// share gives l bits to the coefficients, to the one that they help most each time. The number
// of coefficients that get any is a multiple of four, as 16-bit products want it.
func (s spectrum) share(l int) []int {
	bits := make([]int, len(s))
	used := 0
	give := func(left int, among func(i int) bool) int {
		best, more, gain := -1, 0, 0.0
		for i, b := range bits {
			if !among(i) {
				continue
			}
			// A first bit is often worth less than the next, since a heavy tail wants outer levels.
			for n := 1; n <= min(left, gray.MaxBits-b); n++ {
				if g := (s[i].best[b].distortion - s[i].best[b+n].distortion) / float64(n); best < 0 || g > gain {
					best, more, gain = i, n, g
				}
			}
		}
		if bits[best] == 0 {
			used++
		}
		bits[best] += more
		return more
	}
	for left := l; left > 0; {
		left -= give(left, func(int) bool { return true })
	}
	for used%4 != 0 { // the weakest gives its bits to the others
		weakest := -1
		for i, b := range bits {
			if b > 0 && (weakest < 0 || s[i].square < s[weakest].square) {
				weakest = i
			}
		}
		for left := bits[weakest]; left > 0; {
			left -= give(left, func(i int) bool { return bits[i] > 0 && i != weakest })
		}
		bits[weakest] = 0
		used--
	}
	return bits
}

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
		r := s[j].best[bits[j]]
		for i := range n { // pixel i of the network's order
			v, px := i%values, i/values
			b := at(j/(3*c.Cell[1]*c.Cell[2]), v/3, c.Cell[0]) * at(j/(3*c.Cell[2])%c.Cell[1], px/c.Cell[2], c.Cell[1]) *
				at(j/3%c.Cell[2], px%c.Cell[2], c.Cell[2]) * colours[j%3][v%3]
			row[i] = float32(b * r.scale)
			out[i*len(picked)+k] = float32(b * r.gain)
			mean[i] += float32(b * s[j].mean)
		}
		in = append(in, row...)
		inBias = append(inBias, float32(-s[j].mean*r.scale))
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
