package family

import (
	"context"
	"errors"
	"io"
	"iter"
	"math"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/mesh/meshfile"
)

// Condition says what was wrong with an input that was read all the same.
type Condition struct {
	Truncated     bool // it ends too early
	DamagedFrames int  // about so many are wrong or missing
}

// Film is a clip that is read while it is used, so that it need not be in memory. It
// serves one reader at a time.
type Film struct {
	Path    string
	Options video.Options // with a Rate, W and H

	watch     func(frames, of int) // private, since Beam takes no element with a function
	condition Condition
	frames    int
	err       error
}

// Watch has f called after every frame, with the number of frames so far, and in all as
// far as the file says, or 0.
func (f *Film) Watch(watch func(frames, of int)) { f.watch = watch }

// Frames opens the file and gives its frames, [h, w, 3] bytes that stay until the next
// one; it closes the file at the end of the loop. Each loop begins at the first frame.
// An error ends it, and is one of [ErrNotFile], [ErrEmptyFile] or of codecs/video.
func (f *Film) Frames(ctx context.Context) iter.Seq2[[]uint8, error] {
	return func(yield func([]uint8, error) bool) {
		f.condition, f.frames, f.err = Condition{}, 0, nil
		if f.err = f.read(ctx, yield); f.err != nil {
			yield(nil, f.err)
		}
	}
}

// Err returns what ended the latest loop over Frames, or nil if that was not the file.
func (f *Film) Err() error { return f.err }

// Condition is that of the file as far as the latest loop over Frames came.
func (f *Film) Condition() Condition { return f.condition }

// Len returns the number of frames that the latest loop over Frames has given.
func (f *Film) Len() int { return f.frames }

// read yields frames until there are no more, or no more are wanted.
func (f *Film) read(ctx context.Context, yield func([]uint8, error) bool) (err error) {
	if _, err := meshfile.Head(f.Path); err != nil {
		return err
	}
	r, err := video.Open(ctx, f.Path, f.Options)
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

// expected is how many frames the file gives if it is as long as it says, or 0.
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
