package errkind

import "errors"

// New makes a sentinel, as errors.New does, with a kind: lower-case words joined by
// _.
func New(kind, text string) error { return &sentinel{kind, text} }

type sentinel struct{ kind, text string }

func (e *sentinel) Error() string { return e.text }

// Of returns the kind of the first error in err's tree that has one, in the order of
// [errors.As]: wrapping errors come before wrapped ones. It returns "" if none has.
func Of(err error) string {
	if s := new(sentinel); errors.As(err, &s) {
		return s.kind
	}
	return ""
}
