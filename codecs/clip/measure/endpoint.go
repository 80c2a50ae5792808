package measure

import "math"

// EndPoint is the mean end-point error of the motion of blocks of 8 by 8 pixels that move
// in the truth, in pixels a frame. The error of a block is the distance between its
// motion since the previous frame in the prediction and in the truth. It is NaN if none
// moves. Frames are [h, w, 3].
func EndPoint(got, gotBefore, truth, truthBefore []uint8, w, h int) float64 {
	a, b, c, d := luma(got), luma(gotBefore), luma(truth), luma(truthBefore)
	sum, n := 0.0, 0
	for y := 0; y < h; y += block {
		for x := 0; x < w; x += block {
			dx, dy := motion(c, d, x, y, w, h)
			if dx == 0 && dy == 0 {
				continue
			}
			u, v := motion(a, b, x, y, w, h)
			sum, n = sum+math.Hypot(float64(u-dx), float64(v-dy)), n+1
		}
	}
	return sum / float64(n)
}
