package video

import (
	"errors"
	"fmt"
	"io"

	"github.com/asticode/go-astiav"
)

// This file feeds the Reader's filter graph: decoded frames go in one at a time,
// only when no output is left.

// advance puts the next output frame into r.out and r.pix.
func (r *Reader) advance() error {
	if r.opts.MaxFrames > 0 && r.count == r.opts.MaxFrames {
		return io.EOF
	}
	r.out.Unref()
	err := r.pull()
	if err == io.EOF && r.count == 0 {
		return fmt.Errorf("%w: shorter than half a frame at %d/%d", ErrEmpty, r.opts.Rate.Num, r.opts.Rate.Den)
	}
	if err != nil {
		return err
	}
	if r.count++; int64(r.count) > r.opts.Limits.MaxFrames {
		return over("frames", r.opts.Limits.MaxFrames, "a longer video")
	}
	if r.out.Width() != r.geom.outW || r.out.Height() != r.geom.outH {
		return fmt.Errorf("%w: filters gave %d x %d", ErrCorrupt, r.out.Width(), r.out.Height())
	}
	_, err = r.out.ImageCopyToBuffer(r.pix, 1)
	return err
}

// pull feeds the graph until it returns a frame. A finished graph is replaced if
// a frame of another shape is waiting.
func (r *Reader) pull() error {
	for {
		err := r.graph.pull(r.out)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, astiav.ErrEagain):
			err = r.feed()
		case !errors.Is(err, astiav.ErrEof):
			return err
		case !r.held:
			return io.EOF
		default:
			err = r.rebuild()
		}
		if err != nil {
			return err
		}
	}
}

// feed moves one decoded frame, or the end, into the graph.
func (r *Reader) feed() error {
	if err := r.decode(); err != nil {
		return err
	}
	if !r.held {
		return r.shutGraph(r.lastT + r.lastFor)
	}
	if inputOf(r.track.frame(), r.in.timeBase) != r.in {
		return r.shutGraph(r.track.time().last - r.origin)
	}
	return r.push()
}

// decode decodes the next frame, unless one is waiting or there are no more.
func (r *Reader) decode() error {
	if r.held || r.ended {
		return nil
	}
	switch err := r.track.next(); err {
	case nil:
		r.held = true
	case io.EOF:
		r.ended = true
	default:
		return err
	}
	return nil
}

func (r *Reader) push() error {
	f := r.track.frame()
	r.lastT = r.track.time().last - r.origin
	r.lastFor = r.track.time().shown
	f.SetPts(r.lastT)
	if r.opts.resampled() {
		r.last.Unref()
		if err := r.last.Ref(f); err != nil {
			return err
		}
	}
	r.held = false
	return r.graph.push(f)
}

// shutGraph ends the graph's input at a time. go-astiav cannot pass an end time to a
// filter, but the fps filter uses the last frame's time. So that frame is pushed again
// with the end as its time, and its output dropped.
func (r *Reader) shutGraph(end int64) error {
	if r.shut {
		return fmt.Errorf("%w: filters ask for more after the end", ErrCorrupt)
	}
	r.shut = true
	if r.opts.resampled() && r.last.Width() > 0 {
		r.last.SetPts(max(end, r.lastT+1))
		if err := r.graph.push(r.last); err != nil {
			return err
		}
	}
	return r.graph.push(nil)
}

// rebuild makes a graph for the waiting frame, with the output size of the
// first.
func (r *Reader) rebuild() error {
	if r.opts.W == 0 {
		r.opts.W, r.opts.H = r.geom.outW, r.geom.outH
	}
	return r.buildGraph()
}

func (r *Reader) buildGraph() error {
	f := r.track.frame()
	if err := r.opts.Limits.Extent(f.Width(), f.Height()); err != nil {
		return err
	}
	in := inputOf(f, r.track.time().base)
	filters, geom, err := r.plan(f, in)
	if err != nil {
		return err
	}
	g, err := newGraph(in, filters)
	if err != nil {
		return fmt.Errorf("%w: filters %q: %w", ErrCorrupt, filters, err)
	}
	if r.graph != nil {
		r.graph.free()
	}
	r.graph, r.in, r.geom, r.shut = g, in, geom, false
	return nil
}
