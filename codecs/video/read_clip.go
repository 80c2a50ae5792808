package video

import (
	"context"
	"errors"
	"fmt"
	"io"

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
	c, err := r.readAll()
	info := r.Info()
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, info, err
	}
	return c, info, nil
}

func (r *Reader) readAll() (*clip.Clip, error) {
	w, h := r.Size()
	c := &clip.Clip{H: h, W: w, Rate: r.opts.Rate}
	if !r.resampled() {
		c.Rate = r.info.Rate
	}
	c.Pix = make([]uint8, 0, r.expectedBytes())
	for {
		frame, _, err := r.Next()
		if err == io.EOF {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
		if n := int64(len(c.Pix)) + int64(len(frame)); n > r.opts.Limits.MaxClipBytes {
			return nil, fmt.Errorf("video.ReadClip: %w: %s: more than %d bytes of pixels", ErrLimit, r.path, r.opts.Limits.MaxClipBytes)
		}
		c.Pix = append(c.Pix, frame...)
		c.T++
	}
}

// expectedBytes estimates the clip's size to avoid growing. The file's count may be
// wrong, so the estimate is capped.
func (r *Reader) expectedBytes() int {
	n := int64(r.info.Frames)
	if r.resampled() {
		n = int64(r.info.Duration.Seconds()*r.opts.Rate.Hz()) + 1
	}
	if r.opts.MaxFrames > 0 {
		n = min(n, int64(r.opts.MaxFrames))
	}
	const most = 64 << 20
	frame := int64(len(r.pix))
	return int(min(n, most/frame+1) * frame)
}
