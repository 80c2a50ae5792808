package video

/*
#cgo pkg-config: libavcodec libavformat libavutil
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>

static int begins(const char *s, const char *prefix) { return !strncmp(s, prefix, strlen(prefix)); }

// decoder_error selects errors and concealed pictures, which have a lower level.
static int decoder_error(int level, const char *format)
{
	return level <= AV_LOG_ERROR || begins(format, "concealing");
}

// demuxer_error selects errors except the end of the file, which is checked elsewhere.
static int demuxer_error(int level, const char *format)
{
	if (begins(format, "File ended prematurely") || strstr(format, "partial file"))
		return 0;
	return level <= AV_LOG_ERROR || begins(format, "Packet mismatch");
}

// count_error counts the errors of our demuxers and decoders without formatting a
// message. Ours have a counter in opaque.
static void count_error(void *sender, int level, const char *format, va_list args)
{
	(void)args;
	atomic_int *errors = NULL;
	level &= 0xff;
	if (!sender || level > AV_LOG_INFO)
		return;
	if (*(const AVClass **)sender == avcodec_get_class() && decoder_error(level, format))
		errors = ((AVCodecContext *)sender)->opaque;
	else if (*(const AVClass **)sender == avformat_get_class() && demuxer_error(level, format))
		errors = ((AVFormatContext *)sender)->opaque;
	if (errors)
		atomic_fetch_add(errors, 1);
}

static void watch_log(void) { av_log_set_callback(count_error); }

static void *new_counter(void) { return calloc(1, sizeof(atomic_int)); }
static int load_errors(void *errors) { return atomic_load((atomic_int *)errors); }

// FFmpeg's threads copy the context with its opaque pointer, so they share the counter.
static void watch_decoder(void *context, void *errors) { ((AVCodecContext *)context)->opaque = errors; }
static void watch_demuxer(void *context, void *errors) { ((AVFormatContext *)context)->opaque = errors; }
*/
import "C"

import (
	"sync"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// quiet turns FFmpeg's messages into counts, process-wide. go-astiav's callback is
// unsafe: it formats messages with vsprintf into 1024 bytes, which a long string in a
// file overflows.
var quiet = sync.OnceFunc(func() { C.watch_log() })

// errorCount is the number of errors that a demuxer, or a decoder and its threads, have
// logged. Many conceal or skip damage without returning an error, but log it.
type errorCount struct{ c unsafe.Pointer }

// watchDecoder must be called before the context is opened. It returns nil if out of
// memory.
func watchDecoder(cc *astiav.CodecContext) *errorCount {
	c := C.new_counter()
	if c == nil {
		return nil
	}
	C.watch_decoder(inside(unsafe.Pointer(cc)), c)
	return &errorCount{c}
}

// watchDemuxer is watchDecoder for a demuxer.
func watchDemuxer(fc *astiav.FormatContext) *errorCount {
	c := C.new_counter()
	if c == nil {
		return nil
	}
	C.watch_demuxer(inside(unsafe.Pointer(fc)), c)
	return &errorCount{c}
}

func (e *errorCount) load() int { return int(C.load_errors(e.c)) }

// free must be called after the watched context is freed. e may be nil.
func (e *errorCount) free() {
	if e != nil {
		C.free(e.c)
	}
}

// inside returns the FFmpeg pointer of a go-astiav value, its first field.
func inside(v unsafe.Pointer) unsafe.Pointer { return *(*unsafe.Pointer)(v) }

// damage records which packets of a stream are damaged.
type damage struct {
	marked int // packets that did not decode cleanly
	first  int // number of the first of them, from 1
	latest int
	errors int  // logged errors already accounted for
	frames bool // the decoder flagged a frame as damaged
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

// count returns at least 1 if anything is damaged.
func (d *damage) count() int {
	if d.frames {
		return max(1, d.marked)
	}
	return d.marked
}

// since reports whether there is damage, but none before packet n.
func (d *damage) since(n int) bool { return d.marked > 0 && d.first >= n }
