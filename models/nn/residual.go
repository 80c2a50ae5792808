package nn

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/conv"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Residual is a quantiser of square pictures over scales. A scale's codes are resampled to
// the full grid, pass a convolution, and add up. What is missing is the next scale's.
//
//	f = Σ_k (1-ratio)·u_k + ratio·conv_k(u_k),  u_k = bicubic(codes of scale k)
//
// The last scale is not resampled. All of this is linear in the codes, so several scales
// go through one convolution: those that share one are added up before it.
//
// Source: Tian et al., "Visual Autoregressive Modeling", 2024, arXiv:2404.02905,
// algorithms 1 and 2.
type Residual struct {
	Sides    []int     // of the scales; the last is that of the grid
	Values   int       // v, codes of the book
	Channels int       // c, even
	Codebook []float32 // [v, c]
	Ratio    float32
	Phis     []Phi
	of       []int // the convolution of a scale
}

// Phi is a convolution of 3 by 3.
type Phi struct{ Weight, Bias []float32 } // [c, c, 3, 3] and [c]

// MaxScales bounds the scales of a quantiser, and MaxSide their sides.
const (
	MaxScales = 64
	MaxSide   = 256
)

// ReadResidual reads a quantiser by the names of VAR, below a prefix such as "quantize.".
// Errors wrap [ErrConfig] or [ErrWeights].
func ReadResidual(w Weights, prefix string, sides []int, ratio float32) (*Residual, error) {
	q := &Residual{Sides: sides, Ratio: ratio}
	shape, ok := w.Shape(prefix + "embedding.weight")
	if !ok || len(shape) != 2 || shape[0] < 1 || shape[1] < 2 || shape[1]%2 != 0 || shape[1] > 1<<12 || shape[0] > 1<<20 {
		return nil, fmt.Errorf("nn: %w: %sembedding.weight %v is no code book with an even number of channels", ErrWeights, prefix, shape)
	}
	if err := checkSides(sides); err != nil {
		return nil, err
	}
	q.Values, q.Channels = shape[0], shape[1]
	var err error
	if q.Codebook, err = read(w, prefix+"embedding.weight", q.Values, q.Values*q.Channels); err != nil {
		return nil, err
	}
	if err := q.readPhis(w, prefix+"quant_resi."); err != nil {
		return nil, err
	}
	for k := range sides {
		q.of = append(q.of, q.nearestTick(k))
	}
	return q, nil
}

func checkSides(sides []int) error {
	if len(sides) < 1 || len(sides) > MaxScales {
		return fmt.Errorf("nn: %w: %d scales, 1 to %d", ErrConfig, len(sides), MaxScales)
	}
	for k, s := range sides {
		if s < 1 || s > MaxSide || k > 0 && s <= sides[k-1] {
			return fmt.Errorf("nn: %w: scales %v do not grow, or are over %d", ErrConfig, sides, MaxSide)
		}
	}
	return nil
}

// readPhis reads one convolution that all scales share, or several, each of which serves
// some scales.
func (q *Residual) readPhis(w Weights, prefix string) error {
	pattern := prefix + "%d."
	if _, ok := w.Shape(prefix + "qresi_ls.0.weight"); ok {
		pattern = prefix + "qresi_ls.%d."
	}
	if _, ok := w.Shape(prefix + "qresi.weight"); ok {
		return q.readPhi(w, prefix+"qresi.")
	}
	for i := range MaxScales {
		name := fmt.Sprintf(pattern, i)
		if _, ok := w.Shape(name + "weight"); !ok && i > 0 {
			break
		}
		if err := q.readPhi(w, name); err != nil {
			return err
		}
	}
	return nil
}

func (q *Residual) readPhi(w Weights, name string) error {
	c := q.Channels
	weight, err := read(w, name+"weight", c, 9*c*c)
	if err != nil {
		return err
	}
	bias, err := read(w, name+"bias", c, c)
	q.Phis = append(q.Phis, Phi{weight, bias})
	return err
}

// nearestTick returns the convolution of scale k: the first nearest of as many ticks as
// there are.
func (q *Residual) nearestTick(k int) int {
	n := float64(len(q.Phis))
	lo := 1 / n / 2
	if n == 4 {
		lo = 1 / n / 3
	}
	at, best, least := float64(k)/float64(max(len(q.Sides)-1, 1)), 0, math.Inf(1)
	for i := range q.Phis {
		tick := lo
		if n > 1 {
			tick += (1 - 2*lo) * float64(i) / (n - 1)
		}
		if d := math.Abs(at - tick); d < least-1e-12 {
			best, least = i, d
		}
	}
	return best
}

// Side is that of the grid.
func (q *Residual) Side() int { return q.Sides[len(q.Sides)-1] }

// Start is the number of tokens of the scales before scale k.
func (q *Residual) Start(k int) (n int) {
	for _, s := range q.Sides[:k] {
		n += s * s
	}
	return n
}

// Weight returns the convolutions as one of [c, 9, phis·c], with what passes by them.
func (q *Residual) Weight() []float32 {
	c, p := q.Channels, len(q.Phis)
	out := make([]float32, c*9*p*c)
	for i, phi := range q.Phis {
		for o := range c {
			for in := range c {
				for tap := range 9 {
					x := q.Ratio * phi.Weight[(o*c+in)*9+tap]
					if tap == 4 && o == in {
						x += 1 - q.Ratio
					}
					out[((o*9+tap)*p+i)*c+in] = x
				}
			}
		}
	}
	return out
}

// Bias returns what scales from up to to-1 add to every position, [c].
func (q *Residual) Bias(from, to int) []float32 {
	out := make([]float32, q.Channels)
	for k := from; k < to; k++ {
		for c, b := range q.Phis[q.of[k]].Bias {
			out[c] += q.Ratio * b
		}
	}
	return out
}

// Taps are a table of rows.Blend, [rows, width, 2].
type Taps struct {
	Rows, Width int
	X           []float32
}

// newTaps fills rows up to the longest with taps of weight 0.
func newTaps(of [][]float32) Taps {
	t := Taps{Rows: len(of), Width: 1}
	for _, row := range of {
		t.Width = max(t.Width, len(row)/2)
	}
	for _, row := range of {
		t.X = append(append(t.X, row...), make([]float32, 2*t.Width-len(row))...)
	}
	return t
}

// Up returns the taps from tokens of scales from up to to-1, numbered from the first of
// them, to [side², phis] rows: the codes that go through each convolution at each place.
func (q *Residual) Up(from, to int) Taps {
	side, p := q.Side(), len(q.Phis)
	out := make([][]float32, side*side*p)
	for k := from; k < to; k++ {
		s, first := q.Sides[k], q.Start(k)-q.Start(from)
		for y, rows := range cubic(s, side) {
			for x, cols := range cubic(s, side) {
				at := (y*side+x)*p + q.of[k]
				for _, r := range rows {
					for _, c := range cols {
						out[at] = append(out[at], float32(first+r.at*s+c.at), float32(r.weight*c.weight))
					}
				}
			}
		}
	}
	return newTaps(out)
}

// Down returns the taps from the grid to scale k: the means over areas.
func (q *Residual) Down(k int) Taps {
	side, s := q.Side(), q.Sides[k]
	var out [][]float32
	for y := range s {
		for x := range s {
			y0, y1, x0, x1 := y*side/s, ((y+1)*side+s-1)/s, x*side/s, ((x+1)*side+s-1)/s
			var row []float32
			for i := y0; i < y1; i++ {
				for j := x0; j < x1; j++ {
					row = append(row, float32(i*side+j), 1/float32((y1-y0)*(x1-x0)))
				}
			}
			out = append(out, row)
		}
	}
	return newTaps(out)
}

// tap is an element of an axis and its weight.
type tap struct {
	at     int
	weight float64
}

// cubic returns for each of m elements what it is made of by cubic convolution of n, with
// a = -0.75 and the ends repeated. Equal extents stay as they are.
func cubic(n, m int) [][]tap {
	out := make([][]tap, m)
	for i := range out {
		if n == m {
			out[i] = []tap{{i, 1}}
			continue
		}
		at := (float64(i)+0.5)*float64(n)/float64(m) - 0.5
		first := int(math.Floor(at))
		sum := map[int]float64{}
		for j := first - 1; j <= first+2; j++ {
			sum[min(max(j, 0), n-1)] += kernel(at - float64(j))
		}
		for j := range n { // in order
			if w, ok := sum[j]; ok {
				out[i] = append(out[i], tap{j, w})
			}
		}
	}
	return out
}

// kernel is that of cubic convolution: Keys, "Cubic Convolution Interpolation for Digital
// Image Processing", 1981, with a = -0.75.
func kernel(x float64) float64 {
	const a = -0.75
	switch x = math.Abs(x); {
	case x <= 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}

// AccumulateArgs are the operands of [Residual.Record].
type AccumulateArgs struct {
	B            int         // samples
	Codes        *gpu.Tensor // f32, of each sample the codes of its tokens, [tokens, c]
	Tokens       int         // rows of Codes from one sample to the next
	Up           *gpu.Tensor // f32 [side²·phis, k, 2], see Up
	Weight, Bias *gpu.Tensor // f32, see Weight and Bias
}

// Record records what the codes of some scales add up to: f32 [b·side², c].
func (q *Residual) Record(r *gpu.Recorder, a AccumulateArgs) *gpu.Tensor {
	side, p, c := q.Side(), len(q.Phis), q.Channels
	cells := a.B * side * side
	u, f := r.Temp(tensor.F32, cells, p*c), r.Temp(tensor.F32, cells, c)
	rows.Blend(r, rows.BlendArgs{X: a.Codes, Taps: a.Up, Out: u, D: c, B: a.B, XRows: a.Tokens})
	conv.Forward(r, conv.Args{
		Shape: conv.Shape{B: a.B, H: side, W: side, Cin: p * c, Cout: c, Kernel: [3]int{1, 3, 3}, Pad: [3][2]int{1: {1, 1}, 2: {1, 1}}},
		X:     u, W: a.Weight, Bias: a.Bias, Out: f,
	})
	return f
}
