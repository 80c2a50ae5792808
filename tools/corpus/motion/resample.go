package motion

import "math"

// maxTaps bounds the samples along an axis of one output pixel: beyond 16 to 1
// the mean of 16 x 16 samples stands for the area.
const maxTaps = 16

// Resample fills dst, [size, size, 3], with what the window shows of src,
// [height, width, 3]. Each output pixel is the mean of n x n bilinear samples
// spread evenly over the square it covers, n being the source pixels per output
// pixel rounded up, so that detail finer than the output turns grey instead of
// flickering. With mirror, left and right change places.
func Resample(dst []uint8, size int, src []uint8, width, height int, w Window, mirror bool) {
	taps := min(max(int(math.Ceil(w.Side/float64(size)-1e-9)), 1), maxTaps)
	sin, cos := math.Sincos(w.Angle)
	step := w.Side / float64(size*taps)
	from := -w.Side/2 + step/2
	for i := range size {
		for j := range size {
			column := j
			if mirror {
				column = size - 1 - j
			}
			var sum [3]float64
			for a := range taps {
				v := from + step*float64(i*taps+a)
				for b := range taps {
					u := from + step*float64(column*taps+b)
					addBilinear(&sum, src, width, height, w.X+cos*u-sin*v-0.5, w.Y+sin*u+cos*v-0.5)
				}
			}
			n := float64(taps * taps)
			at := 3 * (i*size + j)
			for c := range sum {
				dst[at+c] = uint8(sum[c]/n + 0.5)
			}
		}
	}
}

// addBilinear adds the colour at (x, y), in units where pixel centres are whole
// numbers. Beyond the border the outermost pixels go on.
func addBilinear(sum *[3]float64, src []uint8, width, height int, x, y float64) {
	x = min(max(x, 0), float64(width-1))
	y = min(max(y, 0), float64(height-1))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, width-1), min(y0+1, height-1)
	fx, fy := x-float64(x0), y-float64(y0)
	a, b := 3*(y0*width+x0), 3*(y0*width+x1)
	c, d := 3*(y1*width+x0), 3*(y1*width+x1)
	for k := range sum {
		top := float64(src[a+k])*(1-fx) + float64(src[b+k])*fx
		low := float64(src[c+k])*(1-fx) + float64(src[d+k])*fx
		sum[k] += top*(1-fy) + low*fy
	}
}
