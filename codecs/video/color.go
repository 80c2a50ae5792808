package video

import (
	"strings"

	"github.com/asticode/go-astiav"
)

// matrixName returns the name of the coefficients for converting a frame. Like sws, it
// treats unknown ones as BT.601.
func matrixName(c astiav.ColorSpace, pix astiav.PixelFormat, w, h int) string {
	if isRGB(pix) {
		return "rgb"
	}
	switch c {
	case astiav.ColorSpaceBt709:
		return "bt709"
	case astiav.ColorSpaceBt2020Ncl, astiav.ColorSpaceBt2020Cl:
		return "bt2020"
	case astiav.ColorSpaceSmpte240M:
		return "smpte240m"
	case astiav.ColorSpaceFcc:
		return "fcc"
	case astiav.ColorSpaceUnspecified:
		if highDefinition(w, h) {
			return "bt709"
		}
	}
	return "bt601"
}

// highDefinition reports the size from which players assume BT.709 instead of
// BT.601.
func highDefinition(w, h int) bool { return max(w, h) >= 1280 || min(w, h) > 576 }

func rangeName(r astiav.ColorRange, pix astiav.PixelFormat) string {
	if r == astiav.ColorRangeJpeg || r == astiav.ColorRangeUnspecified && (isRGB(pix) || strings.HasPrefix(pix.Name(), "yuvj")) {
		return "full"
	}
	return "limited"
}

func isRGB(pix astiav.PixelFormat) bool {
	for _, p := range []string{"rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"} {
		if strings.HasPrefix(pix.Name(), p) {
			return true
		}
	}
	return false
}
