package video

import (
	"fmt"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/codecs/clip"
)

// swsFlags select exact rounding and full-resolution chroma, so that the result is the
// same on every CPU. Bicubic widens its kernel when it shrinks, so it does not alias.
const swsFlags = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact"

// plan returns the filters for a frame: frames are dropped first, rotated as stored,
// converted and scaled in one step, and cropped or padded in RGB, where every column is
// a possible edge.
func (r *Reader) plan(f *astiav.Frame, in input) (string, geometry, error) {
	d := r.track.dec.demuxer
	o := frameOrientation(f, streamOrientation(d.stream))
	w, h := in.w, in.h
	aspect := aspectOf(d.fc.GuessSampleAspectRatio(d.stream, f))
	if o.swapped() {
		w, h = h, w
		aspect = clip.Rate{Num: aspect.Den, Den: aspect.Num}
	}
	g := fitInto(w, h, aspect, r.opts.W, r.opts.H, r.opts.Fit)
	if err := g.validate(); err != nil {
		return "", g, err
	}
	return chain(r.fps(), o.filter, scale(in, g), "format=rgb24", g.filter()), g, nil
}

func (r *Reader) fps() string {
	if !r.opts.resampled() {
		return ""
	}
	return fmt.Sprintf("fps=fps=%d/%d:round=near", r.opts.Rate.Num, r.opts.Rate.Den)
}

// scale names the matrix only if the stream does not; otherwise the filter uses the
// frame's own.
func scale(in input, g geometry) string {
	s := fmt.Sprintf("scale=w=%d:h=%d:flags=%s", g.w, g.h, swsFlags)
	if in.space == astiav.ColorSpaceUnspecified && !isRGB(in.pix) {
		s += ":in_color_matrix=" + matrixName(in.space, in.pix, in.w, in.h)
	}
	return s
}
