package family

import (
	"context"
	"errors"
	"io"
	"iter"
	"math"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/mesh/meshfile"
)

// Condition describes defects of an input that was read all the same.
type Condition struct {
	Truncated     bool // ends early
	DamagedFrames int  // approximate number of wrong or missing frames
}

// Film is a clip that is read while it is used, so it need not fit in memory. It
// serves one reader at a time.
type Film struct {
	Path    string
	Options video.Options // with a Rate, W and H
	Decoder isolated.Decoder

	watch     func(frames, of int) // private, since Beam rejects elements with functions
	condition Condition
	frames    int
	err       error
}

// Watch calls f after every frame with the number of frames so far, and in all or 0 if
// unknown.
func (f *Film) Watch(watch func(frames, of int)) { f.watch = watch }

// Frames opens the file and yields its frames, [h, w, 3] bytes that are valid until
// the next one; it closes the file at the end of the loop. Each loop starts at the
// first frame. An error ends the loop. It is [ErrNotFile], [ErrEmptyFile] or one of
// codecs/video.
func (f *Film) Frames(ctx context.Context) iter.Seq2[[]uint8, error] {
	return func(yield func([]uint8, error) bool) {
		f.condition, f.frames, f.err = Condition{}, 0, nil
		if f.err = f.read(ctx, yield); f.err != nil {
			yield(nil, f.err)
		}
	}
}

// Err returns the file error that ended the latest loop over Frames, or nil.
func (f *Film) Err() error { return f.err }

// Condition is that of the file as far as the latest loop over Frames read it.
func (f *Film) Condition() Condition { return f.condition }

// Len returns the number of frames that the latest loop over Frames yielded.
func (f *Film) Len() int { return f.frames }

// read yields frames to the end, or until no more are wanted.
func (f *Film) read(ctx context.Context, yield func([]uint8, error) bool) (err error) {
	if _, err := meshfile.Head(f.Path); err != nil {
		return err
	}
	r, err := f.Decoder.Open(ctx, f.Path, f.Options)
	if err != nil {
		return err
	}
	defer func() {
		f.condition = conditionOf(r.Info())
		err = errors.Join(err, r.Close())
	}()
	total := f.expected(r.Info())
	for {
		frame, _, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		f.frames++
		if !yield(frame, nil) {
			return nil
		}
		if f.watch != nil {
			f.watch(f.frames, total)
		}
	}
}

// expected is the number of frames according to the file's length, or 0.
func (f *Film) expected(info video.Info) int {
	left := info.Duration - f.Options.Start
	if info.Duration <= 0 || left <= 0 {
		return 0
	}
	n := int(math.Round(left.Seconds() * f.Options.Rate.Hz()))
	if f.Options.MaxFrames > 0 {
		n = min(n, f.Options.MaxFrames)
	}
	return n
}

func conditionOf(i video.Info) Condition {
	return Condition{Truncated: i.Truncated, DamagedFrames: i.DamagedFrames}
}
