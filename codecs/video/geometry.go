package video

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/codecs/clip"
)

// geometry maps an upright frame to its output size: scaled to w x h, then cropped or
// padded to outW x outH.
type geometry struct {
	w, h       int
	outW, outH int
}

// fitInto fits a frame of w x h samples of the given aspect ratio into outW x outH. If
// both are zero the frame keeps its size and samples.
func fitInto(w, h int, aspect clip.Rate, outW, outH int, fit Fit) geometry {
	if outW == 0 || outH == 0 {
		return geometry{w, h, w, h}
	}
	g := geometry{outW, outH, outW, outH}
	sx := float64(outW) / (float64(w) * aspect.Hz())
	sy := float64(outH) / float64(h)
	switch {
	case fit == Letterbox && sx > sy, fit == Crop && sx < sy:
		g.w = rounded(float64(w)*aspect.Hz()*sy, outW, fit)
	case fit == Letterbox && sx < sy, fit == Crop && sx > sy:
		g.h = rounded(float64(h)*sx, outH, fit)
	}
	return g
}

// rounded keeps a scaled side inside a letterbox and outside a crop.
func rounded(v float64, out int, fit Fit) int {
	n := int(math.Round(math.Min(v, math.MaxInt32)))
	if fit == Letterbox {
		return min(max(n, 1), out)
	}
	return max(n, out)
}

// maxCover bounds the scaled frame from which a crop is cut, against very long and
// thin sources.
const maxCover = 1 << 16

func (g geometry) validate() error {
	if g.w > maxCover || g.h > maxCover || g.w*g.h > 1<<28 {
		return fmt.Errorf("%w: a crop from %d x %d", ErrLimit, g.w, g.h)
	}
	return nil
}

// filter returns the filter after scaling, empty if the scaled frame is the
// output.
func (g geometry) filter() string {
	switch {
	case g.w == g.outW && g.h == g.outH:
		return ""
	case g.w >= g.outW && g.h >= g.outH:
		return fmt.Sprintf("crop=%d:%d:%d:%d", g.outW, g.outH, (g.w-g.outW)/2, (g.h-g.outH)/2)
	}
	return fmt.Sprintf("pad=%d:%d:%d:%d:black", g.outW, g.outH, (g.outW-g.w)/2, (g.outH-g.h)/2)
}
