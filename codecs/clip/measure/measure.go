package measure

import (
	"math"

	"github.com/morton-gen/morton/codecs/clip"
)

// Frame is the error of one frame.
type Frame struct {
	MSE    float64 // of all values, in 0..255²
	SSIM   float64
	Moving float64 // MSE of moving pixels, NaN if there are none
	Share  float64 // fraction of moving pixels
}

// Threshold is the change of brightness, of 255, since the last given frame from which
// a pixel counts as moving.
const Threshold = 10

// Compare measures a frame of a prediction against the truth. last is the last given
// frame. All three are [h, w, 3].
func Compare(got, truth, last []uint8, w, h int) Frame {
	a, b, l := luma(got), luma(truth), luma(last)
	var f Frame
	moved, error := 0, 0.0
	for i := range w * h {
		sum := 0.0
		for k := range 3 {
			d := float64(got[3*i+k]) - float64(truth[3*i+k])
			sum += d * d / 3
		}
		f.MSE += sum / float64(w*h)
		if math.Abs(b[i]-l[i]) > Threshold {
			moved++
			error += sum
		}
	}
	f.Moving, f.Share = error/float64(moved), float64(moved)/float64(w*h)
	f.SSIM = ssim(a, b, w, h)
	return f
}

// PSNR is the peak signal-to-noise ratio of a mean squared error, in dB.
func PSNR(mse float64) float64 { return 10 * math.Log10(255*255/max(mse, 1e-9)) }

// luma is the BT.601 luma of pixels.
func luma(p []uint8) []float64 {
	out := make([]float64, len(p)/3)
	for i := range out {
		out[i] = 0.299*float64(p[3*i]) + 0.587*float64(p[3*i+1]) + 0.114*float64(p[3*i+2])
	}
	return out
}

// ssim is the mean structural similarity of two pictures with a Gaussian window of 11
// by 11 and standard deviation 1.5, over all positions inside.
//
// Source: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
// visibility to structural similarity", 2004.
func ssim(a, b []float64, w, h int) float64 {
	const reach, c1, c2 = 5, (0.01 * 255) * (0.01 * 255), (0.03 * 255) * (0.03 * 255)
	var window [2*reach + 1]float64
	total := 0.0
	for i := range window {
		d := float64(i - reach)
		window[i] = math.Exp(-d * d / (2 * 1.5 * 1.5))
		total += window[i]
	}
	sum, count := 0.0, 0
	for y := reach; y < h-reach; y++ {
		for x := reach; x < w-reach; x++ {
			var ma, mb, aa, bb, ab float64
			for j := -reach; j <= reach; j++ {
				for i := -reach; i <= reach; i++ {
					k := window[i+reach] * window[j+reach] / (total * total)
					p, q := a[(y+j)*w+x+i], b[(y+j)*w+x+i]
					ma, mb, aa, bb, ab = ma+k*p, mb+k*q, aa+k*p*p, bb+k*q*q, ab+k*p*q
				}
			}
			aa, bb, ab = aa-ma*ma, bb-mb*mb, ab-ma*mb
			sum += (2*ma*mb + c1) * (2*ab + c2) / ((ma*ma + mb*mb + c1) * (aa + bb + c2))
			count++
		}
	}
	if count == 0 {
		return math.NaN()
	}
	return sum / float64(count)
}

// Sharpness is the mean absolute difference of brightness between neighbouring
// pixels.
func Sharpness(frame []uint8, w, h int) float64 {
	inside, border := slopes(frame, w, h, w, h)
	return (inside + border) / max(float64(h*(w-1)+w*(h-1)), 1)
}

// Blockiness is the mean absolute difference across the borders of cells of cw by ch
// pixels, divided by that elsewhere. A picture without blocks has 1.
func Blockiness(frame []uint8, w, h, cw, ch int) float64 {
	inside, border := slopes(frame, w, h, cw, ch)
	borders := h*((w-1)/cw) + w*((h-1)/ch)
	return border / float64(max(borders, 1)) / max(inside/float64(max(h*(w-1)+w*(h-1)-borders, 1)), 1e-9)
}

// slopes sums differences inside cells and across their borders.
func slopes(frame []uint8, w, h, cw, ch int) (inside, border float64) {
	p := luma(frame)
	for y := range h {
		for x := range w {
			if x > 0 {
				d := math.Abs(p[y*w+x] - p[y*w+x-1])
				if x%cw == 0 {
					border += d
				} else {
					inside += d
				}
			}
			if y > 0 {
				d := math.Abs(p[y*w+x] - p[(y-1)*w+x])
				if y%ch == 0 {
					border += d
				} else {
					inside += d
				}
			}
		}
	}
	return inside, border
}

// Freeze continues a clip by n copies of its last frame.
func Freeze(c *clip.Clip, n int) *clip.Clip {
	out := clip.New(n, c.H, c.W, c.Rate)
	for t := range n {
		copy(out.Frame(t), c.Frame(c.T-1))
	}
	return out
}

const (
	block  = 8 // pixels per side
	search = 7 // pixels a frame
)

// Extrapolate continues a clip by n frames: each block of 8 by 8 pixels repeats its motion
// between the last two frames. The motion is the shift of up to 7 pixels with the least
// absolute difference of brightness, the shortest on a tie. A clip of one frame is frozen.
func Extrapolate(c *clip.Clip, n int) *clip.Clip {
	if c.T < 2 {
		return Freeze(c, n)
	}
	out, last := clip.New(n, c.H, c.W, c.Rate), c.Frame(c.T-1)
	now, before := luma(last), luma(c.Frame(c.T-2))
	for y0 := 0; y0 < c.H; y0 += block {
		for x0 := 0; x0 < c.W; x0 += block {
			dx, dy := motion(now, before, x0, y0, c.W, c.H)
			for t := range n {
				for y := y0; y < min(y0+block, c.H); y++ {
					for x := x0; x < min(x0+block, c.W); x++ {
						from := (clamp(y-dy*(t+1), c.H)*c.W + clamp(x-dx*(t+1), c.W)) * 3
						copy(out.Frame(t)[(y*c.W+x)*3:][:3], last[from:])
					}
				}
			}
		}
	}
	return out
}

func clamp(x, n int) int { return min(max(x, 0), n-1) }

// motion is the displacement of a block since the previous frame.
func motion(now, before []float64, x0, y0, w, h int) (dx, dy int) {
	best := math.Inf(1)
	for v := -search; v <= search; v++ {
		for u := -search; u <= search; u++ {
			sum := 0.0
			for y := y0; y < min(y0+block, h); y++ {
				for x := x0; x < min(x0+block, w); x++ {
					sum += math.Abs(now[y*w+x] - before[clamp(y-v, h)*w+clamp(x-u, w)])
				}
			}
			if sum < best || sum == best && u*u+v*v < dx*dx+dy*dy {
				best, dx, dy = sum, u, v
			}
		}
	}
	return dx, dy
}
