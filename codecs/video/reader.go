package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/asticode/go-astiav"
)

// Reader decodes a video frame by frame. It holds a few frames whatever the length of the
// video, is not safe for concurrent use, and must be closed.
type Reader struct {
	path    string
	opts    Options
	info    Info
	track   *track
	graph   *graph
	in      input
	geom    geometry
	last    *astiav.Frame // a second reference to the frame pushed last, for the fps filter's end
	out     *astiav.Frame
	pix     []uint8
	origin  int64 // Start, in the timeline's units
	lastT   int64 // time of the frame pushed last, relative to origin
	lastFor int64 // and its duration
	held    bool  // track.frame() is decoded and not yet pushed
	ended   bool  // the decoder has no more
	shut    bool  // the graph has been told the end
	closed  bool
	count   int
	err     error // what every further call of Next returns
}

// Open opens a file, decodes the first wanted frame, and stands before it. The context
// holds for all the Reader's reading, not for Open alone. Errors wrap [ErrNotVideo],
// [ErrNoVideoStream], [ErrEmpty], [ErrCorrupt], [ErrLimit], [ErrUnsupportedCodec],
// [ErrOptions], the file system's or the context's.
//
// The same file and options give the same bytes, whatever the number of threads.
func Open(ctx context.Context, path string, o Options) (*Reader, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Limits = o.Limits.withDefaults()
	if err := o.Limits.extent(o.W, o.H); err != nil {
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

// newReader takes the demuxer over, also on failure.
func newReader(ctx context.Context, path string, d *demuxer, o Options) (*Reader, error) {
	info := d.info()
	track, err := newTrack(ctx, path, d, o)
	if err != nil {
		return nil, err
	}
	r := &Reader{path: path, opts: o, info: info, track: track, last: astiav.AllocFrame(), out: astiav.AllocFrame()}
	if r.last == nil || r.out == nil {
		err = errNoMemory
	} else {
		err = r.prime()
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// prime finds the first frame to give, which decides the output size, and its graph.
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

// first decodes up to the first frame at or after Start. The frames before it are decoded
// and dropped: seeking by a container's index is not exact in half of the formats.
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

// Info is what the file says about itself, see [Probe], and what decoding has shown so
// far: Truncated, Damaged, DamagedFrames and Jumps are final once Next has returned io.EOF.
func (r *Reader) Info() Info {
	return r.track.outcome().amend(r.info)
}

// Size is the width and height of the frames that Next gives.
func (r *Reader) Size() (w, h int) { return r.geom.outW, r.geom.outH }

// Next gives the next frame, [h, w, 3], and its time after the first frame of the video.
// The bytes are the Reader's own and stay until the following call. After the last frame
// the error is io.EOF. Others wrap [ErrEmpty] (a video shorter than half a frame at
// Options.Rate), [ErrLimit], [ErrCorrupt], the file system's or the
// context's; an error is final, and every later call repeats it.
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

// Close frees everything. It may be called more than once; Next must not follow.
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
