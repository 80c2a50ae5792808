package video

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/asticode/go-astiav"
)

// track returns the frames of a file's video stream with their times, equal on every
// machine. Threads change no bit of an intact stream, but decoders conceal damage with
// what other threads have ready by then. So when damage is found, the file is decoded
// again with one thread, up to the next frame. Frames returned before are correct:
// packets finish in order, so a frame comes after all errors before it.
type track struct {
	ctx    context.Context
	path   string
	limits Limits
	dec    *decoder
	given  int
	over   outcome // state of dec once it is closed
}

// outcome is the final state of a closed decoder.
type outcome struct {
	packets, damaged, jumps int
	truncated               bool
}

// amend adds the outcome to a file's Info.
func (o outcome) amend(i Info) Info {
	i.Truncated, i.Damaged, i.DamagedFrames, i.Jumps = o.truncated, o.damaged > 0, o.damaged, o.jumps
	return i
}

// newTrack takes ownership of the demuxer, also on failure.
func newTrack(ctx context.Context, path string, d *demuxer, o Options) (*track, error) {
	dec, err := newDecoder(d, o.Limits, threads(o.Threads))
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return &track{ctx: ctx, path: path, limits: o.Limits, dec: dec}, nil
}

// next puts the next frame into frame(), with its time as Pts, or returns io.EOF.
func (t *track) next() error {
	if t.dec == nil {
		return io.EOF
	}
	err := t.dec.next()
	if t.dec.threads > 1 && t.dec.damage.any() {
		err = t.again()
	}
	if err != nil {
		return err
	}
	t.given++
	return nil
}

// noFrame returns the reason why there is no first frame.
func (t *track) noFrame(err error, i Info) error {
	switch o := t.outcome(); {
	case err != io.EOF:
		return err
	case o.packets > 0 || i.Frames > 0 || o.truncated:
		return fmt.Errorf("%w: no frame in %d packets", ErrCorrupt, o.packets)
	}
	return ErrEmpty
}

// again decodes up to the next frame with one thread.
func (t *track) again() error {
	if err := t.close(); err != nil {
		return err
	}
	d, err := openDemuxer(t.ctx, t.path, t.limits)
	if err != nil {
		return err
	}
	if t.dec, err = newDecoder(d, t.limits, 1); err != nil {
		return errors.Join(err, d.close())
	}
	for range t.given {
		if err := t.dec.next(); err != nil {
			return err
		}
	}
	return t.dec.next()
}

// frame is the latest frame, valid until the next call of next.
func (t *track) frame() *astiav.Frame { return t.dec.frame }

// time is the timeline that placed the latest frame.
func (t *track) time() *timeline { return t.dec.time }

func (t *track) outcome() outcome {
	if t.dec == nil {
		return t.over
	}
	return outcome{t.dec.packets, t.dec.damaged(), t.dec.time.jumps, t.dec.truncated()}
}

func (t *track) close() error {
	if t.dec == nil {
		return nil
	}
	t.over = t.outcome()
	d := t.dec.demuxer
	t.dec.free()
	t.dec = nil
	return d.close()
}
