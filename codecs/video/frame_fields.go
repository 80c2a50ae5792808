package video

/*
#cgo pkg-config: libavutil
#include <libavutil/frame.h>
#include <libavutil/imgutils.h>

static int64_t best_effort(void *f) { return ((AVFrame *)f)->best_effort_timestamp; }
static int64_t frame_duration(void *f) { return ((AVFrame *)f)->pkt_duration; }
static int frame_damaged(void *f)
{
	AVFrame *a = f;
	return a->decode_error_flags || a->flags & AV_FRAME_FLAG_CORRUPT;
}
static int frame_colorspace(void *f) { return ((AVFrame *)f)->colorspace; }

// fill_plane copies packed rows of the given length into the first plane.
static void fill_plane(void *f, const uint8_t *rows, int row)
{
	AVFrame *a = f;
	av_image_copy_plane(a->data[0], a->linesize[0], rows, row, row, a->height);
}
*/
import "C"

import (
	"unsafe"

	"github.com/asticode/go-astiav"
)

// These fields of AVFrame are missing from go-astiav v0.16.0.

// bestEffort is the frame's time in units of the stream's time base, after FFmpeg's
// repair of missing or reversed timestamps, or NoPtsValue.
func bestEffort(f *astiav.Frame) int64 { return int64(C.best_effort(f.UnsafePointer())) }

// durationOf is the frame's duration in units of the stream's time base, 0 if unknown.
func durationOf(f *astiav.Frame) int64 { return int64(C.frame_duration(f.UnsafePointer())) }

// damagedFrame reports whether the decoder flagged the frame as damaged.
func damagedFrame(f *astiav.Frame) bool { return C.frame_damaged(f.UnsafePointer()) != 0 }

func colorSpaceOf(f *astiav.Frame) astiav.ColorSpace {
	return astiav.ColorSpace(C.frame_colorspace(f.UnsafePointer()))
}

// fillRGB copies [h, w, 3] bytes into a frame whose buffer is RGB24 of the same size.
func fillRGB(f *astiav.Frame, pix []uint8) {
	if len(pix) != 3*f.Width()*f.Height() || len(pix) == 0 {
		panic("video.fillRGB: frame and pixels differ in size")
	}
	C.fill_plane(f.UnsafePointer(), (*C.uint8_t)(unsafe.Pointer(&pix[0])), C.int(3*f.Width()))
}
