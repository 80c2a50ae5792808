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

// Field is how a clip moves at its end. Each block repeats its motion over the last four
// frames, in steps of a third of a pixel a frame. Motion between block centres is
// interpolated. A clip of fewer frames stands still.
type Field struct {
	h, w int
	rate clip.Rate
	last []float32 // the last frame, [h, w, 3]
	y, x []float32 // motion of each pixel, in pixels a frame
}

// Estimate estimates how a clip moves at its end.
func Estimate(c *clip.Clip) *Field {
	f := &Field{h: c.H, w: c.W, rate: c.Rate, last: make([]float32, c.H*c.W*3), y: make([]float32, c.H*c.W), x: make([]float32, c.H*c.W)}
	for i, v := range c.Frame(c.T - 1) {
		f.last[i] = float32(v)
	}
	if c.T > span {
		f.interpolate(shifts(c))
	}
	return f
}

// Continue continues a clip by n frames, see [Field]. Pixel values are interpolated by cubic
// splines.
func Continue(c *clip.Clip, n int) *clip.Clip { return Estimate(c).Continue(n) }

// Continue returns the n frames behind the clip's end.
func (f *Field) Continue(n int) *clip.Clip {
	out := clip.New(n, f.h, f.w, f.rate)
	for t := range n {
		frame := out.Frame(t)
		for i := range f.h * f.w {
			round8(frame[3*i:], f.sample(float32(i/f.w), float32(i%f.w), float32(t+1)))
		}
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
	sums, row := newTable(h, w), make([]float32, w)
	for v := -edge; v <= edge; v++ {
		for u := -edge; u <= edge; u++ {
			for y := range h {
				a := now[y*w:][:w]
				b := before[(y+edge-third(v))*wide+edge-third(u):][:w]
				l := long[(y+edge-v)*wide+edge-u:][:w]
				for x, p := range a {
					row[x] = abs(p-b[x]) + abs(p-l[x])
				}
				sums.add(y, row)
			}
			least := float32(still * math.Hypot(float64(v), float64(u)) / span)
			for i := range best {
				if m := sums.mean(i/cols*block, i%cols*block, block, block, (window-block)/2, 2) + least; m < best[i] {
					best[i], dy[i], dx[i] = m, v, u
				}
			}
		}
	}
	return dy, dx
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// table is a summed-area table of the differences between frames.
type table struct {
	h, w int
	sums []float32 // [h+1, w+1]
}

func newTable(h, w int) table { return table{h, w, make([]float32, (h+1)*(w+1))} }

// add adds the differences of row y; rows come in order.
func (t table) add(y int, row []float32) {
	above, here := t.sums[y*(t.w+1)+1:][:t.w], t.sums[(y+1)*(t.w+1)+1:][:t.w]
	sum := float32(0)
	for x, d := range row {
		sum += d
		here[x] = above[x] + sum
	}
}

// mean is the mean difference of h by w pixels from (y, x) on and of those around them, in so
// many pairs of frames.
func (t table) mean(y, x, h, w, around, pairs int) float32 {
	y0, y1, x0, x1 := max(y-around, 0), min(y+h+around, t.h), max(x-around, 0), min(x+w+around, t.w)
	at := func(y, x int) float32 { return t.sums[y*(t.w+1)+x] }
	return (at(y1, x1) - at(y0, x1) - at(y1, x0) + at(y0, x0)) / float32(pairs*(y1-y0)*(x1-x0))
}

// Cells returns the mean motion of cells in rows and columns, [rows, cols, 2], down and to the
// right in pixels a frame.
func (f *Field) Cells(rows, cols int) []float32 {
	sums, n := make([]float64, rows*cols*2), float64(f.h*f.w/rows/cols)
	for i := range f.y {
		k := i/f.w*rows/f.h*cols + i%f.w*cols/f.w
		sums[2*k] += float64(f.y[i])
		sums[2*k+1] += float64(f.x[i])
	}
	out := make([]float32, len(sums))
	for k, v := range sums {
		out[k] = float32(v / n)
	}
	return out
}

// interpolate interpolates the field from the motion of blocks.
func (f *Field) interpolate(dy, dx []int) {
	rows, cols := (f.h+block-1)/block, (f.w+block-1)/block
	for y := range f.h {
		y0, y1, fy := between((float32(y)+0.5)/block-0.5, rows)
		for x := range f.w {
			x0, x1, fx := between((float32(x)+0.5)/block-0.5, cols)
			at := func(d []int) float32 {
				return mix4(float32(d[y0*cols+x0]), float32(d[y0*cols+x1]), float32(d[y1*cols+x0]), float32(d[y1*cols+x1]), fy, fx) / span
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

// mix4 interpolates between a and b above, c and d below, fy of the way down and fx to the right.
func mix4(a, b, c, d, fy, fx float32) float32 { return mix(mix(a, b, fx), mix(c, d, fx), fy) }

// sample is what stands at a position t frames behind the end. It has the motion of its
// origin, which two fixed-point iterations find.
func (f *Field) sample(y, x, t float32) (p [3]float32) {
	from := clamp(round(y), f.h)*f.w + clamp(round(x), f.w)
	for range 2 {
		from = clamp(round(y-float32(t*f.y[from])), f.h)*f.w + clamp(round(x-float32(t*f.x[from])), f.w)
	}
	ys, fy := around(y-float32(t*f.y[from]), f.h)
	xs, fx := around(x-float32(t*f.x[from]), f.w)
	if fy == 0 && fx == 0 { // where the splines go through pixels
		return [3]float32(f.last[(ys[1]*f.w+xs[1])*3:])
	}
	a, b := cubic(fy), cubic(fx)
	for i, row := range ys {
		for j, col := range xs {
			weight := float32(a[i] * b[j])
			for c, v := range f.last[(row*f.w+col)*3:][:3] {
				p[c] += float32(weight * v)
			}
		}
	}
	return p
}

// round8 writes a pixel.
func round8(out []uint8, p [3]float32) {
	for c, v := range p {
		out[c] = uint8(min(max(v, 0), 255) + 0.5)
	}
}

// around returns the four of n samples around a position, and its fraction of the way from
// the second to the third.
func around(at float32, n int) (samples [4]int, part float32) {
	lo, hi, part := between(at, n)
	return [4]int{max(lo-1, 0), lo, hi, min(lo+2, n-1)}, part
}

// cubic returns the weights of four values in Catmull and Rom's spline, part of the way from the
// second to the third. It keeps more of the detail than a line does: a picture that is moved again and
// again stays sharp for longer.
func cubic(part float32) [4]float32 {
	square := float32(part * part)
	cube := float32(square * part)
	return [4]float32{
		float32(0.5 * float32(float32(2*square)-float32(part+cube))),
		1 + float32(0.5*float32(float32(3*cube)-float32(5*square))),
		float32(0.5 * float32(float32(part+float32(4*square))-float32(3*cube))),
		float32(0.5 * float32(cube-square)),
	}
}

func round(x float32) int { return int(math.Floor(float64(x) + 0.5)) }
