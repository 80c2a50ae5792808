package larp

import "math"

// cut lays the values of a clip [t, h, w, 3] out as patches in raster order. The values
// of a patch are in the order of upstream's convolution: colour, frame, row, column.
func (c Config) cut(x []float32) []float32 {
	out := make([]float32, len(x))
	c.each(c.Encoder, func(at, frame, row, column, patch, colour int) {
		s := c.Encoder
		inside := ((colour*s.PatchFrames+frame)*s.PatchSide+row)*s.PatchSide + column
		out[patch*s.pixels()+inside] = x[at+colour]
	})
	return out
}

// join makes a clip of patches, whose values are in the order frame, row, column, colour.
func (c Config) join(patches []float32) []float32 {
	out := make([]float32, len(patches))
	c.each(c.Decoder, func(at, frame, row, column, patch, colour int) {
		s := c.Decoder
		inside := ((frame*s.PatchSide+row)*s.PatchSide+column)*colours + colour
		out[at+colour] = patches[patch*s.pixels()+inside]
	})
	return out
}

// each visits the values of a clip. At is where a pixel begins; frame, row and column are
// those within the patch.
func (c Config) each(s Stack, visit func(at, frame, row, column, patch, colour int)) {
	across := c.Side / s.PatchSide
	for at := 0; at < c.Pixels(); at += colours {
		pixel := at / colours
		t, h, w := pixel/(c.Side*c.Side), pixel/c.Side%c.Side, pixel%c.Side
		patch := (t/s.PatchFrames*across+h/s.PatchSide)*across + w/s.PatchSide
		for colour := range colours {
			visit(at, t%s.PatchFrames, h%s.PatchSide, w%s.PatchSide, patch, colour)
		}
	}
}

// toFloat maps a byte to 0..1.
func toFloat(b uint8) float32 { return float32(float64(b) / 255) }

// toByte maps 0..1 to a byte, to the nearest; what is outside is cut off.
func toByte(x float32) uint8 { return uint8(math.Round(min(max(float64(x), 0), 1) * 255)) }
