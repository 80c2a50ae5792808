package video

import (
	"strings"

	"github.com/asticode/go-astiav"
)

// matrixName names the coefficients that a frame is converted with. sws takes everything
// it has no table for as BT.601, and so do we.
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

// highDefinition is where players switch their guess from BT.601 to BT.709.
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
