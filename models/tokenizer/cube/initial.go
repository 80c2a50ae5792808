package cube

import (
	"math"
	"sort"
)

// frequency is one basis function of a cell's pixels: a product of cosines along
// frames, rows and columns, and a colour axis.
type frequency struct {
	t, h, w, colour int
	sigma           float64 // rough size of its coefficient in natural clips
}

// colours is an orthonormal basis of RGB: brightness, and two colour differences.
var colours = [3][3]float64{
	{1 / math.Sqrt(3.0), 1 / math.Sqrt(3.0), 1 / math.Sqrt(3.0)},
	{1 / math.Sqrt(2.0), 0, -1 / math.Sqrt(2.0)},
	{1 / math.Sqrt(6.0), -2 / math.Sqrt(6.0), 1 / math.Sqrt(6.0)},
}

// frequencies returns the n basis functions that natural clips have most of:
// their spectrum falls with frequency, faster along time, and colour is weak.
func (c Config) frequencies(n int) []frequency {
	var all []frequency
	for t := range c.Cell[0] {
		for h := range c.Cell[1] {
			for w := range c.Cell[2] {
				for k := range colours {
					f := 1 + math.Hypot(float64(h), float64(w)) + 2*float64(t)
					if k > 0 {
						f *= 3
					}
					all = append(all, frequency{t, h, w, k, math.Sqrt(float64(c.pixels())) / 2 * math.Pow(f, -1.2)})
				}
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].sigma > all[j].sigma })
	return all[:min(n, len(all))]
}

// at is the value of an orthonormal cosine of frequency k at sample i of n.
func at(k, i, n int) float64 {
	if k == 0 {
		return 1 / math.Sqrt(float64(n))
	}
	return math.Sqrt(2/float64(n)) * math.Cos(math.Pi*float64(k)*(float64(i)+0.5)/float64(n))
}

// startAsTransformCodec sets the linear maps to a plain transform codec, so that training
// does not start from noise. The encoder maps pixels to the coefficients of a cosine
// transform, and compares each with evenly spaced thresholds, one a bit. The decoder does
// the reverse. The bits go where cells (rows of pixels in [-1, 1]) need them: every step
// is worth the same distance in pixels.
func (k *coder) startAsTransformCodec(cells []float32) error {
	width, px, l := k.cfg.Tokenizer.Width, k.cfg.pixels(), k.cfg.Tokenizer.Bits
	in, out, scale := k.cfg.cosines()
	mean, std := moments(cells, in, width, px)
	codeIn, codeInBias := make([]float32, l*width), make([]float32, l)
	codeOut := make([]float32, width*l)
	bit := 0
	for j, n := range shareBits(std, scale, l) {
		step := 2 * codecRange * std[j] / float64(max(n, 1))
		for i := range n {
			threshold := mean[j] + (float64(i)+0.5)*step - codecRange*std[j]
			codeIn[bit*width+j] = float32(1 / std[j])
			codeInBias[bit] = float32(-threshold / std[j])
			codeOut[j*l+bit] = float32(step / 2 * math.Sqrt(float64(l)))
			bit++
		}
	}
	bias := make([]float32, width)
	for j := range bias {
		bias[j] = float32(mean[j])
	}
	for name, v := range map[string][]float32{
		"pixels_in.weight": in, "pixels_out.weight": out, "code_in.weight": codeIn, "code_in.bias": codeInBias,
		"code_out.weight": codeOut, "code_out.bias": bias,
	} {
		if err := k.store.Param(name).WriteF32(v); err != nil {
			return err
		}
	}
	return nil
}

// codecRange is how many standard deviations of a coefficient the thresholds span
// to each side.
const codecRange = 1.8

// cosines returns the maps from pixels to coefficients, [width, pixels], and back,
// [pixels, width], and how many pixel units a unit of each coefficient is.
// Coefficients are scaled half way to equal size.
func (c Config) cosines() (in, out []float32, scale []float64) {
	width, px := c.Tokenizer.Width, c.pixels()
	in, out, scale = make([]float32, width*px), make([]float32, px*width), make([]float64, width)
	for j, f := range c.frequencies(width) {
		scale[j] = math.Sqrt(f.sigma)
		for i := range px {
			colour, w := i%3, i/3%c.Cell[2]
			h, t := i/3/c.Cell[2]%c.Cell[1], i/3/c.Cell[2]/c.Cell[1]
			b := at(f.t, t, c.Cell[0]) * at(f.h, h, c.Cell[1]) * at(f.w, w, c.Cell[2]) * colours[f.colour][colour]
			in[j*px+i] = float32(b / scale[j])
			out[i*width+j] = float32(b * scale[j])
		}
	}
	return in, out, scale
}

// moments returns mean and standard deviation of every coefficient over cells.
func moments(cells, in []float32, width, px int) (mean, std []float64) {
	mean, std = make([]float64, width), make([]float64, width)
	n := len(cells) / px
	for c := range n {
		x := cells[c*px : (c+1)*px]
		for j := range width {
			sum := 0.0
			for i, b := range in[j*px : (j+1)*px] {
				sum += float64(b) * float64(x[i])
			}
			mean[j] += sum / float64(n)
			std[j] += sum * sum / float64(n)
		}
	}
	for j := range std {
		std[j] = math.Sqrt(max(std[j]-mean[j]*mean[j], 1e-6))
	}
	return mean, std
}

// shareBits gives every coefficient its thresholds, l in all: as many as its
// spread in pixels holds steps of one size.
func shareBits(std, scale []float64, l int) []int {
	count := func(step float64) ([]int, int) {
		out, total := make([]int, len(std)), 0
		for j := range out {
			out[j] = int(2 * codecRange * std[j] * scale[j] / step)
			total += out[j]
		}
		return out, total
	}
	lo, hi := 1e-6, 1e6
	for range 100 {
		mid := math.Sqrt(lo * hi)
		if _, total := count(mid); total > l {
			lo = mid
		} else {
			hi = mid
		}
	}
	out, total := count(hi)
	out[0] += l - total // the few that are left over
	return out
}
