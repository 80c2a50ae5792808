package video

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
)

// ReadClip decodes a whole video into memory. The clip's rate is Options.Rate, or the
// source's nominal one. Errors are those of [Open] and [Reader.Next], or [ErrLimit] for a
// clip over Limits.MaxClipBytes. A truncated or damaged file gives the frames it has, and
// Info reports it.
func ReadClip(ctx context.Context, path string, o Options) (*clip.Clip, Info, error) {
	r, err := Open(ctx, path, o)
	if err != nil {
		return nil, Info{}, err
	}
	return Gather(r, path, o)
}

// Frames is a video that is read: a [Reader], or one of another process.
type Frames interface {
	Info() Info
	Size() (w, h int)
	Next() ([]uint8, time.Duration, error)
	Close() error
}

// Gather is [ReadClip] of frames that were opened with the path and the options. It closes
// them.
func Gather(r Frames, path string, o Options) (*clip.Clip, Info, error) {
	o.Limits = o.Limits.withDefaults()
	c, err := gather(r, path, o)
	info := r.Info()
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, info, err
	}
	return c, info, nil
}

func gather(r Frames, path string, o Options) (*clip.Clip, error) {
	w, h := r.Size()
	c := &clip.Clip{H: h, W: w, Rate: o.Rate}
	if !o.resampled() {
		c.Rate = r.Info().Rate
	}
	c.Pix = make([]uint8, 0, expectedBytes(r.Info(), 3*int64(w)*int64(h), o))
	for {
		frame, _, err := r.Next()
		if err == io.EOF {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
		if n := int64(len(c.Pix)) + int64(len(frame)); n > o.Limits.MaxClipBytes {
			return nil, wrap("video.ReadClip", over("clip-bytes", o.Limits.MaxClipBytes, "a longer clip of %d x %d", w, h), path, nil)
		}
		c.Pix = append(c.Pix, frame...)
		c.T++
	}
}

// expectedBytes estimates the clip's size to avoid growing. The file's count may be
// wrong, so the estimate is capped.
func expectedBytes(i Info, frame int64, o Options) int {
	n := int64(i.Frames)
	if o.resampled() {
		n = int64(i.Duration.Seconds()*o.Rate.Hz()) + 1
	}
	if o.MaxFrames > 0 {
		n = min(n, int64(o.MaxFrames))
	}
	const most = 64 << 20
	return int(min(n, most/frame+1) * frame)
}
