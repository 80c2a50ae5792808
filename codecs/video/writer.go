package video

import (
	"context"
	"errors"
	"fmt"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/internal/atomicfile"
)

// Writer encodes an MP4 frame by frame: H.264 (libx264), yuv420p, BT.709 limited range,
// index before the frames. It is not safe for concurrent use. Call Close or Abort at the
// end.
type Writer struct {
	ctx  context.Context
	path string
	file *atomicfile.File
	enc  *encoder
	mux  *muxer
	w, h int
	even []uint8 // the padded frame; nil if w and h are even
	t    int64
	err  error // the first error, final
	done bool
}

// Create starts an MP4 of w x h pixels at a constant rate. The file appears at path when
// Close succeeds.
//
// H.264 with subsampled chroma requires even sizes and even cropping. An odd width or
// height is made even by repeating the last column or row, so the file is one pixel larger.
// The same frames and options give the same bytes.
//
// Errors wrap [ErrOptions], [ErrLimit] or [ErrUnsupportedCodec], or are the file system's.
// A full disk is [syscall.ENOSPC], also in the Writer's methods.
func Create(ctx context.Context, path string, w, h int, rate clip.Rate, o EncodeOptions) (*Writer, error) {
	quiet()
	if err := errors.Join(ctx.Err(), o.Validate(), validFrame(w, h, rate)); err != nil {
		return nil, wrap("video.Create", err, path, nil)
	}
	file, err := atomicfile.Create(path)
	if err != nil {
		return nil, fmt.Errorf("video.Create: %w", err)
	}
	v := &Writer{ctx: ctx, path: path, file: file, w: w, h: h}
	if err := v.open(rate, o.withDefaults()); err != nil {
		return nil, wrap("video.Create", errors.Join(err, v.Abort()), path, nil)
	}
	return v, nil
}

func (v *Writer) open(rate clip.Rate, o EncodeOptions) error {
	w, h := v.w+v.w&1, v.h+v.h&1
	if w != v.w || h != v.h {
		v.even = make([]uint8, 3*w*h)
	}
	var err error
	if v.enc, err = newEncoder(w, h, rate, o); err != nil {
		return err
	}
	v.mux, err = newMuxer(v.file.TempPath(), v.path, v.enc.cc)
	return err
}

// WriteFrame encodes the next frame, [h, w, 3]. After an error wrapping [clip.ErrShape]
// for a wrong length the Writer remains usable; every other error is final.
func (v *Writer) WriteFrame(pix []uint8) error {
	if len(pix) != 3*v.w*v.h {
		return wrap("video.WriteFrame", fmt.Errorf("%w: %d bytes for %d x %d", clip.ErrShape, len(pix), v.w, v.h), v.path, nil)
	}
	if v.err == nil {
		v.err = v.encode(pix)
	}
	if v.err != nil {
		return wrap("video.WriteFrame", v.err, v.path, nil)
	}
	return nil
}

func (v *Writer) encode(pix []uint8) error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	if v.even != nil {
		padEven(v.even, pix, v.w, v.h)
		pix = v.even
	}
	err := v.enc.encode(pix, v.t, v.mux.write)
	v.t++
	return err
}

// padEven repeats the last column and row of [h, w, 3] where a side is odd.
func padEven(dst, src []uint8, w, h int) {
	stride := 3 * (w + w&1)
	for y := range h + h&1 {
		row := src[3*w*min(y, h-1):][:3*w]
		at := y * stride
		n := copy(dst[at:at+stride], row)
		copy(dst[at+n:at+stride], row[3*w-3:])
	}
}

// Close writes the buffered frames and the index, syncs, and renames the file to its
// path. Without a frame the error wraps [ErrEmpty]. After an error nothing is left
// behind.
func (v *Writer) Close() error {
	if v.done {
		return nil
	}
	if v.err == nil {
		v.err = v.finish()
	}
	if v.err != nil {
		return wrap("video.Close", errors.Join(v.err, v.Abort()), v.path, nil)
	}
	v.done = true
	if err := v.free(); err != nil {
		return wrap("video.Close", errors.Join(err, v.file.Abort()), v.path, nil)
	}
	if err := v.file.Commit(); err != nil {
		return fmt.Errorf("video.Close: %w", err)
	}
	return nil
}

func (v *Writer) finish() error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	if v.t == 0 {
		return ErrEmpty
	}
	if err := v.enc.finish(v.mux.write); err != nil {
		return err
	}
	return v.mux.finish()
}

// Abort removes the temporary file. After Close or Abort it does nothing.
func (v *Writer) Abort() error {
	if v.done {
		return nil
	}
	v.done = true
	if v.err == nil {
		v.err = fmt.Errorf("writer is aborted")
	}
	_ = v.free() // the file is about to be removed
	return v.file.Abort()
}

func (v *Writer) free() error {
	if v.enc != nil {
		v.enc.free()
		v.enc = nil
	}
	if v.mux == nil {
		return nil
	}
	err := v.mux.free()
	v.mux = nil
	return err
}

// Encode writes a clip to path: see [Create]. The clip must have a frame ([ErrEmpty]) and
// a rate ([ErrOptions]).
func Encode(ctx context.Context, path string, c *clip.Clip, o EncodeOptions) error {
	if err := c.Validate(); err != nil {
		return wrap("video.Encode", err, path, nil)
	}
	if c.T == 0 {
		return wrap("video.Encode", ErrEmpty, path, nil)
	}
	v, err := Create(ctx, path, c.W, c.H, c.Rate, o)
	if err != nil {
		return err
	}
	for t := range c.T {
		if err := v.WriteFrame(c.Frame(t)); err != nil {
			return errors.Join(err, v.Abort())
		}
	}
	return v.Close()
}
