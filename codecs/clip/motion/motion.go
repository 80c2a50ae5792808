// Package motion extrapolates a clip: it estimates the motion of small blocks over the
// last frames and warps the last frame along it.
//
// It is not for measuring continuations (see codecs/clip/measure, whose baseline moves
// whole blocks by whole pixels).
//
// Letters: h rows and w columns of a frame, [h, w, 3].
package motion

import (
	"math"

	"github.com/morton-gen/morton/codecs/clip"
)

// Parameters of the motion estimate. On 32 held-out clips of docs/corpus.md, the PSNR of
// moving pixels is 14.6 dB six frames ahead. Whole blocks of 8 pixels moved by whole pixels
// reach 13.4.
const (
	block  = 4   // pixels per side that share a motion
	window = 12  // pixels per side of the window compared
	reach  = 3   // pixels a frame
	span   = 3   // frames spanned by the longer of two comparisons
	still  = 0.3 // brightness by which a motion of a pixel a frame must improve on none
)

// Continue continues a clip by n frames. Each block repeats its motion over the last four
// frames, in steps of a third of a pixel a frame. Motion between block centres is
// interpolated, and so are pixel values, by cubic splines. A clip of fewer frames is frozen.
func Continue(c *clip.Clip, n int) *clip.Clip {
	f := field{h: c.H, w: c.W, y: make([]float32, c.H*c.W), x: make([]float32, c.H*c.W)}
	if c.T > span {
		f.interpolate(shifts(c))
	}
	out := clip.New(n, c.H, c.W, c.Rate)
	for t := range n {
		f.move(out.Frame(t), c.Frame(c.T-1), float32(t+1))
	}
	return out
}

// Follow continues a clip by n frames as Continue does, but estimates motion anew every few
// frames, from what it made itself.
func Follow(c *clip.Clip, n, every int) *clip.Clip {
	whole := clip.New(c.T+n, c.H, c.W, c.Rate)
	copy(whole.Pix, c.Pix)
	for t := c.T; t < whole.T; {
		known := *whole
		known.T, known.Pix = t, whole.Pix[:t*len(whole.Frame(0))]
		next := Continue(&known, min(every, whole.T-t))
		copy(whole.Pix[len(known.Pix):], next.Pix)
		t += next.T
	}
	out := *whole
	out.T, out.Pix = n, whole.Pix[len(c.Pix):]
	return &out
}

// luma is the BT.601 luma of a frame, padded by edge pixels on every side.
func luma(frame []uint8, h, w, edge int) []float32 {
	wide := w + 2*edge
	out := make([]float32, (h+2*edge)*wide)
	for y := range h + 2*edge {
		for x := range wide {
			p := frame[(clamp(y-edge, h)*w+clamp(x-edge, w))*3:][:3]
			out[y*wide+x] = float32(0.299*float32(p[0])) + float32(0.587*float32(p[1])) + float32(0.114*float32(p[2]))
		}
	}
	return out
}

func clamp(x, n int) int { return min(max(x, 0), n-1) }

// third rounds a shift over span frames to that of one frame.
func third(d int) int { return int(math.Floor(float64(d)/span + 0.5)) }

// shifts returns the motion of each block over span frames, in pixels along rows and
// columns.
func shifts(c *clip.Clip) (dy, dx []int) {
	const edge = reach * span
	h, w, wide := c.H, c.W, c.W+2*edge
	now, before, long := luma(c.Frame(c.T-1), h, w, 0), luma(c.Frame(c.T-2), h, w, edge), luma(c.Frame(c.T-1-span), h, w, edge)
	rows, cols := (h+block-1)/block, (w+block-1)/block
	best := make([]float32, rows*cols)
	for i := range best {
		best[i] = math.MaxFloat32
	}
	dy, dx = make([]int, rows*cols), make([]int, rows*cols)
	sums := make([]float32, (h+1)*(w+1)) // summed-area table of the differences
	for v := -edge; v <= edge; v++ {
		for u := -edge; u <= edge; u++ {
			for y := range h {
				a := now[y*w:][:w]
				b := before[(y+edge-third(v))*wide+edge-third(u):][:w]
				l := long[(y+edge-v)*wide+edge-u:][:w]
				above, here := sums[y*(w+1)+1:][:w], sums[(y+1)*(w+1)+1:][:w]
				row := float32(0)
				for x, p := range a {
					row += abs(p-b[x]) + abs(p-l[x])
					here[x] = above[x] + row
				}
			}
			least := float32(still * math.Hypot(float64(v), float64(u)) / span)
			for i := range best {
				if m := mean(sums, i/cols*block, i%cols*block, h, w) + least; m < best[i] {
					best[i], dy[i], dx[i] = m, v, u
				}
			}
		}
	}
	return dy, dx
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// mean is the mean difference over both frame pairs in the window around a
// block.
func mean(sums []float32, y, x, h, w int) float32 {
	const around = (window - block) / 2
	y0, y1, x0, x1 := max(y-around, 0), min(y+block+around, h), max(x-around, 0), min(x+block+around, w)
	s := sums[y1*(w+1)+x1] - sums[y0*(w+1)+x1] - sums[y1*(w+1)+x0] + sums[y0*(w+1)+x0]
	return s / float32(2*(y1-y0)*(x1-x0))
}

// field is the motion of each pixel, in pixels a frame.
type field struct {
	h, w int
	y, x []float32
}

// interpolate interpolates the field from the motion of blocks.
func (f *field) interpolate(dy, dx []int) {
	rows, cols := (f.h+block-1)/block, (f.w+block-1)/block
	for y := range f.h {
		y0, y1, fy := between((float32(y)+0.5)/block-0.5, rows)
		for x := range f.w {
			x0, x1, fx := between((float32(x)+0.5)/block-0.5, cols)
			at := func(d []int) float32 {
				return mix(mix(float32(d[y0*cols+x0]), float32(d[y0*cols+x1]), fx), mix(float32(d[y1*cols+x0]), float32(d[y1*cols+x1]), fx), fy) / span
			}
			f.y[y*f.w+x], f.x[y*f.w+x] = at(dy), at(dx)
		}
	}
}

// between returns the two of n samples around a position, and its fraction of the way
// between them.
func between(at float32, n int) (lo, hi int, part float32) {
	at = min(max(at, 0), float32(n-1))
	lo = int(at)
	return lo, min(lo+1, n-1), at - float32(lo)
}

func mix(a, b, part float32) float32 { return a + float32(part*float32(b-a)) }

// move writes the frame t frames ahead. A pixel has the motion of its origin, which two
// fixed-point iterations find.
func (f *field) move(out, frame []uint8, t float32) {
	for y := range f.h {
		for x := range f.w {
			v, u := f.y[y*f.w+x], f.x[y*f.w+x]
			for range 2 {
				from := clamp(round(float32(y)-float32(t*v)), f.h)*f.w + clamp(round(float32(x)-float32(t*u)), f.w)
				v, u = f.y[from], f.x[from]
			}
			ys, fy := around(float32(y)-float32(t*v), f.h)
			xs, fx := around(float32(x)-float32(t*u), f.w)
			for c := range 3 {
				var rows [4]float32
				for i, from := range ys {
					at := func(k int) float32 { return float32(frame[(from*f.w+xs[k])*3+c]) }
					rows[i] = cubic(at(0), at(1), at(2), at(3), fx)
				}
				out[(y*f.w+x)*3+c] = uint8(min(max(cubic(rows[0], rows[1], rows[2], rows[3], fy), 0), 255) + 0.5)
			}
		}
	}
}

// around returns the four of n samples around a position, and its fraction of the way from
// the second to the third.
func around(at float32, n int) (samples [4]int, part float32) {
	lo, hi, part := between(at, n)
	return [4]int{max(lo-1, 0), lo, hi, min(lo+2, n-1)}, part
}

// cubic interpolates between b and c by Catmull and Rom's spline, which keeps more of the
// detail than a line does: a picture that is moved again and again stays sharp for longer.
func cubic(a, b, c, d, part float32) float32 {
	square := float32(part * part)
	linear := float32(part * float32(c-a))
	bent := float32(square * float32(float32(float32(2*a)-float32(5*b))+float32(float32(4*c)-d)))
	cube := float32(float32(square*part) * float32(float32(3*float32(b-c))+float32(d-a)))
	return b + float32(0.5*float32(float32(linear+bent)+cube))
}

func round(x float32) int { return int(math.Floor(float64(x) + 0.5)) }
