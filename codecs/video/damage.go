package video

/*
#cgo pkg-config: libavcodec libavutil
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <libavcodec/avcodec.h>
#include <libavutil/log.h>

// count_error counts what a decoder of ours reports, without formatting a message.
// Concealed pictures are reported at a lower level than errors.
static void count_error(void *sender, int level, const char *format, va_list args)
{
	(void)args;
	level &= 0xff;
	if (!sender || level > AV_LOG_INFO)
		return;
	if (level > AV_LOG_ERROR && strncmp(format, "concealing", 10))
		return;
	if (*(const AVClass **)sender != avcodec_get_class())
		return;
	atomic_int *errors = ((AVCodecContext *)sender)->opaque;
	if (errors)
		atomic_fetch_add(errors, 1);
}

static void watch_log(void) { av_log_set_callback(count_error); }

// watch_errors hangs a counter on a context. FFmpeg's threads copy the context and its
// opaque pointer, so they count into the same one.
static void *watch_errors(void *context)
{
	atomic_int *errors = calloc(1, sizeof *errors);
	((AVCodecContext *)context)->opaque = errors;
	return errors;
}

static int load_errors(void *errors) { return atomic_load((atomic_int *)errors); }
*/
import "C"

import (
	"sync"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// quiet turns FFmpeg's messages into counts, for the process. go-astiav's own callback is
// no way to collect messages: it formats them with vsprintf into 1024 bytes, which a long
// string in a file overruns.
var quiet = sync.OnceFunc(func() { C.watch_log() })

// errorCount is the number of errors that a decoder and its threads have logged. Many
// decoders conceal damage and return no error, but all log it.
type errorCount struct{ c unsafe.Pointer }

// watchErrors must come before the context is opened. It returns nil without memory.
func watchErrors(cc *astiav.CodecContext) *errorCount {
	c := C.watch_errors(inside(unsafe.Pointer(cc)))
	if c == nil {
		return nil
	}
	return &errorCount{c}
}

func (e *errorCount) load() int { return int(C.load_errors(e.c)) }

// free must come after the context is freed.
func (e *errorCount) free() { C.free(e.c) }

// inside is FFmpeg's pointer in a go-astiav value, which each holds in its first field.
func inside(v unsafe.Pointer) unsafe.Pointer { return *(*unsafe.Pointer)(v) }

// damage collects what went wrong with the packets of a stream.
type damage struct {
	marked int // packets that did not decode cleanly
	first  int // number of the first of them, counted from 1
	latest int
	errors int  // of those logged, how many are accounted for
	frames bool // the decoder gave a frame that it calls damaged
}

// mark counts packet n once.
func (d *damage) mark(n int) {
	if d.latest == n && d.marked > 0 {
		return
	}
	if d.marked == 0 || n < d.first {
		d.first = n
	}
	d.marked, d.latest = d.marked+1, max(d.latest, n)
}

// logged marks packet n if the decoder has logged more errors than before.
func (d *damage) logged(errors, n int) {
	if errors > d.errors {
		d.errors = errors
		d.mark(n)
	}
}

func (d *damage) any() bool { return d.count() > 0 }

// count is at least 1 if anything is damaged.
func (d *damage) count() int {
	if d.frames {
		return max(1, d.marked)
	}
	return d.marked
}

// since reports whether there is damage, and none before packet n.
func (d *damage) since(n int) bool { return d.marked > 0 && d.first >= n }
