package isolated

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/internal/errkind"
)

// ErrCrashed reports a file on which the decoding process ended, or answered nonsense.
var ErrCrashed = errkind.New("crashed", "the decoder crashed")

// errStart reports a child that could not be started, which is no fault of the file.
var errStart = errors.New("cannot start the decoder's process; --decode-in-process does without")

// sentinels are the errors that a child may report, by their kind.
var sentinels = func() map[string]error {
	all := map[string]error{}
	for _, e := range []error{video.ErrNotVideo, video.ErrNoVideoStream, video.ErrEmpty, video.ErrCorrupt, video.ErrLimit, video.ErrUnsupportedCodec} {
		all[errkind.Of(e)] = e
	}
	return all
}()

// failure is an error on its way between processes.
type failure struct {
	Kind  string        `json:"kind,omitempty"` // see errkind
	Errno syscall.Errno `json:"errno,omitempty"`
	Text  []byte        `json:"text"` // may hold a path that is not UTF-8
}

func failureOf(err error, memory int64) *failure {
	text := err.Error()
	if errors.Is(err, video.ErrMemory) && memory > 0 {
		text += fmt.Sprintf(" of %d bytes (--decode-memory sets it)", memory)
	}
	f := &failure{Kind: errkind.Of(err), Text: []byte(text[:min(len(text), maxMessage/2)])}
	errors.As(err, &f.Errno)
	return f
}

// remote is an error of a child: its text, and what it wraps.
type remote struct {
	text string
	is   []error
}

func (e *remote) Error() string   { return e.text }
func (e *remote) Unwrap() []error { return e.is }

func (f *failure) error(path string) error {
	e := &remote{text: string(f.Text)}
	if s := sentinels[f.Kind]; s != nil {
		e.is = append(e.is, s)
	}
	if f.Errno != 0 {
		e.is = append(e.is, &fs.PathError{Op: "read", Path: path, Err: f.Errno})
	}
	return e
}

// crash is why a child cannot be used any more.
type crash struct {
	why    string
	memory int64 // the limit that it was over, or 0
}

func (c *crash) Error() string { return c.why }

// of is the error of a file on which a child crashed.
func (c *crash) of(place, path string) error {
	if c.memory > 0 {
		return fmt.Errorf("%s: %w: %s: decoding it takes more than %d bytes of memory (--decode-memory sets it)", place, video.ErrLimit, path, c.memory)
	}
	return fmt.Errorf("%s: %w: %s: %s", place, ErrCrashed, path, c.why)
}
