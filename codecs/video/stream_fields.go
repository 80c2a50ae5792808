package video

/*
#cgo pkg-config: libavformat
#include <libavformat/avformat.h>

static int is_default(void *s) { return ((AVStream *)s)->disposition & AV_DISPOSITION_DEFAULT; }
static int is_picture(void *s)
{
	int pictures = AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS | AV_DISPOSITION_STILL_IMAGE;
	return ((AVStream *)s)->disposition & pictures;
}
static int has_packets(void *s) { return ((AVStream *)s)->event_flags & AVSTREAM_EVENT_FLAG_NEW_PACKETS; }
*/
import "C"

import (
	"unsafe"

	"github.com/asticode/go-astiav"
)

// These fields of AVStream are missing from go-astiav v0.16.0.

func isDefault(s *astiav.Stream) bool { return C.is_default(inside(unsafe.Pointer(s))) != 0 }

// isPicture reports whether s is a cover, thumbnails or stills.
func isPicture(s *astiav.Stream) bool { return C.is_picture(inside(unsafe.Pointer(s))) != 0 }

// hasPackets reports whether probing saw a packet of the stream.
func hasPackets(s *astiav.Stream) bool { return C.has_packets(inside(unsafe.Pointer(s))) != 0 }
