package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/asticode/go-astiav"
)

// Reader decodes a video frame by frame, in memory that does not depend on its length. It
// is not safe for concurrent use and must be closed.
type Reader struct {
	path    string
	opts    Options
	info    Info
	track   *track
	graph   *graph
	in      input
	geom    geometry
	last    *astiav.Frame // a reference to the frame pushed last, for the fps filter's end
	out     *astiav.Frame
	pix     []uint8
	origin  int64 // Start, in the timeline's units
	lastT   int64 // time of the frame pushed last, relative to origin
	lastFor int64 // and its duration
	held    bool  // track.frame() is decoded and not yet pushed
	ended   bool  // the decoder is drained
	shut    bool  // the graph's input has ended
	closed  bool
	count   int
	err     error // repeated by every further call of Next
}

// Open opens a file and decodes the first frame to return. The context applies to all
// reading, not to Open alone. Errors wrap [ErrNotVideo], [ErrNoVideoStream],
// [ErrEmpty], [ErrCorrupt], [ErrLimit], [ErrUnsupportedCodec] or [ErrOptions], or are
// the file system's or the context's.
//
// The same file and options give the same bytes, whatever the number of threads.
func Open(ctx context.Context, path string, o Options) (*Reader, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Limits = o.Limits.withDefaults()
	if err := o.Limits.Extent(o.W, o.H); err != nil {
		return nil, wrap("video.Open", err, path, nil)
	}
	d, err := openDemuxer(ctx, path, o.Limits)
	if err != nil {
		return nil, fmt.Errorf("video.Open: %w", err)
	}
	r, err := newReader(ctx, path, d, o)
	if err != nil {
		return nil, wrap("video.Open", err, path, nil)
	}
	return r, nil
}

// newReader takes ownership of the demuxer, also on failure.
func newReader(ctx context.Context, path string, d *demuxer, o Options) (*Reader, error) {
	info := d.info()
	track, err := newTrack(ctx, path, d, o)
	if err != nil {
		return nil, err
	}
	r := &Reader{path: path, opts: o, info: info, track: track, last: astiav.AllocFrame(), out: astiav.AllocFrame()}
	if r.last == nil || r.out == nil {
		err = ErrMemory
	} else {
		err = r.prime()
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// prime finds the first frame, which determines the output size, and builds its
// graph.
func (r *Reader) prime() error {
	if err := r.first(); err != nil {
		return err
	}
	r.held = true
	if err := r.buildGraph(); err != nil {
		return err
	}
	r.pix = make([]uint8, 3*r.geom.outW*r.geom.outH)
	return nil
}

// first decodes up to the first frame at or after Start. It does not seek, since a
// container's index is inexact in half of the formats.
func (r *Reader) first() error {
	if err := r.track.next(); err != nil {
		return r.track.noFrame(err, r.info)
	}
	r.origin = unitsOf(r.opts.Start, r.track.time().base)
	for r.track.time().last < r.origin {
		if err := r.track.next(); err == io.EOF {
			return fmt.Errorf("%w at or after %v", ErrEmpty, r.opts.Start)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Info returns what [Probe] does and what decoding has shown so far. Truncated, Damaged,
// DamagedFrames and Jumps are final once Next has returned io.EOF.
func (r *Reader) Info() Info {
	return r.track.outcome().amend(r.info)
}

// Size is the width and height of the frames that Next returns.
func (r *Reader) Size() (w, h int) { return r.geom.outW, r.geom.outH }

// Next returns the next frame, [h, w, 3], and its time relative to the first frame of
// the video. The bytes are valid until the next call. After the last frame the error is
// io.EOF. Other errors wrap [ErrEmpty] (a video shorter than half a frame at
// Options.Rate), [ErrLimit] or [ErrCorrupt], or are the file system's or the context's.
// Errors are final: later calls repeat them.
func (r *Reader) Next() ([]uint8, time.Duration, error) {
	if r.err == nil {
		r.err = r.advance()
	}
	if r.err == io.EOF {
		return nil, 0, io.EOF
	}
	if r.err != nil {
		return nil, 0, wrap("video.Next", r.err, r.path, nil)
	}
	return r.pix, r.opts.Start + ticks(r.out.Pts(), r.graph.timeBase()), nil
}

// Close frees all resources. It may be called more than once. Next must not be
// called after it.
func (r *Reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.graph != nil {
		r.graph.free()
		r.graph = nil
	}
	for _, f := range []*astiav.Frame{r.last, r.out} {
		if f != nil {
			f.Free()
		}
	}
	r.err = fmt.Errorf("reader is closed")
	return r.track.close()
}
