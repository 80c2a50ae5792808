// Package errkind makes sentinel errors that carry the word for them in a run's
// reports (see docs/reference/failures.md). The word is part of a file format, so
// it stands where the error is declared and never changes:
//
//	var ErrNotVideo = errkind.New("not_a_video", "not a video")
//
//	errkind.Of(fmt.Errorf("video.Open: %w: %s", ErrNotVideo, path)) // "not_a_video"
//
// It is not for errors of other modules, which carry no kind; package report names
// those.
package errkind

import "errors"

// New makes a sentinel, as errors.New does, of a kind: lower-case words joined by _.
func New(kind, text string) error { return &sentinel{kind, text} }

type sentinel struct{ kind, text string }

func (e *sentinel) Error() string { return e.text }

// Of returns the kind of the first error in err's tree that has one, in the order of
// [errors.As]: what wraps comes before what is wrapped. It returns "" if none has.
func Of(err error) string {
	if s := new(sentinel); errors.As(err, &s) {
		return s.kind
	}
	return ""
}
