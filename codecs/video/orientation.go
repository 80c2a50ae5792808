package video

import (
	"encoding/binary"

	"github.com/asticode/go-astiav"
)

// orientation is one of eight transforms from a stored to a shown frame.
type orientation struct {
	degrees  int    // clockwise turn: 0, 90, 180 or 270
	mirrored bool   // and a reflection
	filter   string // FFmpeg filters for it; empty for none
}

// swapped reports whether rows become columns.
func (o orientation) swapped() bool { return o.degrees%180 != 0 }

var upright = orientation{}

// orientationOf reads a display matrix: nine 32-bit numbers, of which the first two
// columns of the first two rows
//
//	| a b |    x' = a·x + c·y
//	| c d |    y' = b·x + d·y    (y points down)
//
// rotate and reflect. Only their signs matter: scale is ignored, and a rotation is
// rounded to a quarter turn.
func orientationOf(matrix []byte) orientation {
	if len(matrix) < 36 {
		return upright
	}
	at := func(i int) int64 { return int64(int32(binary.NativeEndian.Uint32(matrix[4*i:]))) }
	a, b, c, d := at(0), at(1), at(3), at(4)
	if abs(a)+abs(d) >= abs(b)+abs(c) {
		return straight(a < 0, d < 0)
	}
	return turned(b < 0, c < 0)
}

func straight(flipX, flipY bool) orientation {
	switch {
	case flipX && flipY:
		return orientation{180, false, "hflip,vflip"}
	case flipX:
		return orientation{0, true, "hflip"}
	case flipY:
		return orientation{180, true, "vflip"}
	}
	return upright
}

// turned handles quarter turns: the x axis points down, or up if b is negative; the y
// axis points right, or left if c is negative.
func turned(b, c bool) orientation {
	switch {
	case !b && c:
		return orientation{90, false, "transpose=clock"}
	case b && !c:
		return orientation{270, false, "transpose=cclock"}
	case b && c:
		return orientation{90, true, "transpose=clock_flip"}
	}
	return orientation{270, true, "transpose=cclock_flip"}
}

func abs(v int64) int64 { return max(v, -v) }

// streamOrientation is the container's orientation. frameOrientation is a frame's own,
// which takes precedence.
func streamOrientation(s *astiav.Stream) orientation {
	return orientationOf(s.SideData(astiav.PacketSideDataTypeDisplaymatrix))
}

func frameOrientation(f *astiav.Frame, fallback orientation) orientation {
	if d := f.SideData(astiav.FrameSideDataTypeDisplaymatrix); d != nil {
		return orientationOf(d.Data())
	}
	return fallback
}
