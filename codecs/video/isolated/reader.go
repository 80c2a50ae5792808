package isolated

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/morton-gen/morton/codecs/video"
)

// reader implements [video.Frames] by a child.
type reader struct {
	*session
	opts  video.Options
	info  video.Info
	w, h  int
	pix   []uint8
	at    time.Duration
	count int
	most  int   // frames that it may give
	err   error // repeated by every further call of Next
}

// closing is how long a child may take to end early.
const closing = time.Second

func open(ctx context.Context, d Decoder, path string, o video.Options) (*reader, error) {
	r := &reader{session: newSession(ctx, d, request{Op: opOpen, Path: []byte(path), Options: o}), opts: o, most: o.MaxFrames}
	if r.most == 0 {
		r.most = math.MaxInt
	}
	err := r.retry("video.Open", func() error {
		if err := r.ready(); err != nil {
			return err
		}
		return r.opened()
	}, nil)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// opened reads the first reply.
func (r *reader) opened() error {
	kind, err := r.kind()
	if err != nil {
		return err
	}
	switch kind {
	case replyOpened:
	case replyError:
		_, err := r.over(kind)
		return err
	default:
		return r.broken(fmt.Errorf("a reply %q before the first", kind))
	}
	m, err := r.message()
	if err != nil {
		return err
	}
	if err := r.check(m); err != nil {
		return r.broken(err)
	}
	r.info, r.w, r.h = m.Info, m.W, m.H
	r.pix = make([]uint8, 3*r.w*r.h)
	return nil
}

// check bounds the size of frames, which decides what is allocated.
func (r *reader) check(m message) error {
	switch {
	case m.W < 1 || m.H < 1 || r.opts.W > 0 && (m.W != r.opts.W || m.H != r.opts.H) || r.pix != nil && (m.W != r.w || m.H != r.h):
		return fmt.Errorf("frames of %d x %d", m.W, m.H)
	case r.opts.Limits.Extent(m.W, m.H) != nil:
		return fmt.Errorf("frames of %d x %d over the limit", m.W, m.H)
	}
	return nil
}

// frame reads the next frame. At the end it returns io.EOF, or the child's error, and the
// session is over.
func (r *reader) frame() error {
	kind, err := r.kind()
	if err != nil {
		return err
	}
	if kind != replyFrame {
		m, err := r.over(kind)
		if c := new(crash); errors.As(err, &c) {
			return err
		}
		if valid(m.Info) {
			r.info = m.Info
		}
		if err == nil {
			err = io.EOF
		}
		return err
	}
	var b [frameHeaderBytes]byte
	if _, err := io.ReadFull(r.p.out, b[:]); err != nil {
		return r.broken(err)
	}
	if _, err := io.ReadFull(r.p.out, r.pix); err != nil {
		return r.broken(err)
	}
	var head frameHeader
	head.get(b[:])
	r.at = head.at
	r.info.DamagedFrames, r.info.Damaged = int(head.damaged), head.damaged > 0
	r.info.Jumps, r.info.Truncated = int(head.jumps), head.truncated
	return nil
}

// again reads what was read before.
func (r *reader) again() error {
	if err := r.opened(); err != nil {
		return err
	}
	for range r.count {
		if err := r.frame(); err != nil {
			return err
		}
	}
	return nil
}

// Next implements [video.Frames].
func (r *reader) Next() ([]uint8, time.Duration, error) {
	if r.err == nil {
		r.err = r.retry("video.Next", r.frame, r.again)
	}
	switch {
	case r.err != nil:
		return nil, 0, r.err
	case r.count == r.most:
		r.end()
		r.err = fmt.Errorf("video.Next: %w: %s: it answered more frames than were asked for", ErrCrashed, r.ask.Path)
		return nil, 0, r.err
	}
	r.count++
	return r.pix, r.at, nil
}

// Info implements [video.Frames].
func (r *reader) Info() video.Info { return r.info }

// Size implements [video.Frames].
func (r *reader) Size() (w, h int) { return r.w, r.h }

// Close implements [video.Frames]. It ends the session early, if it is not over.
func (r *reader) Close() error {
	if r.p != nil {
		info := r.info
		slow := time.AfterFunc(closing, r.p.kill)
		defer slow.Stop()
		err := writeJSON(r.p.in, 0, request{Op: opStop})
		for err == nil {
			err = r.frame()
		}
		if r.p != nil { // it did not end
			r.end()
		}
		r.info = info
	}
	r.err = fmt.Errorf("reader is closed")
	return nil
}
