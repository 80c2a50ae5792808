package video

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Count decodes a whole video in bounded memory. It returns what [Probe] does, with the
// number of Frames, their Duration, and Truncated, Damaged, DamagedFrames and Jumps.
// Errors are those of [Open]; l bounds the file.
func Count(ctx context.Context, path string, l Limits) (Info, error) {
	o := Options{Limits: l.withDefaults()}
	d, err := openDemuxer(ctx, path, o.Limits)
	if err != nil {
		return Info{}, fmt.Errorf("video.Count: %w", err)
	}
	info := d.info()
	t, err := newTrack(ctx, path, d, o)
	if err != nil {
		return info, wrap("video.Count", err, path, nil)
	}
	info, err = t.count(info)
	if err := errors.Join(err, t.close()); err != nil {
		return info, wrap("video.Count", err, path, nil)
	}
	return info, nil
}

func (t *track) count(i Info) (Info, error) {
	for {
		err := t.next()
		if err == nil {
			continue
		}
		i = t.outcome().amend(i)
		switch {
		case t.given == 0:
			return i, t.noFrame(err, i)
		case err != io.EOF:
			return i, err
		}
		i.Frames, i.Duration = t.given, ticks(t.time().last+t.time().shown, t.time().base)
		return i, nil
	}
}
