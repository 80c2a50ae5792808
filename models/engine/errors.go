package engine

import (
	"errors"

	"github.com/morton-gen/morton/internal/errkind"
)

// Errors a caller can branch on.
var (
	// ErrClosed reports a request to an engine that was closed.
	ErrClosed = errors.New("engine is closed")
	// ErrTooLong reports a request with more rows or positions than the tables hold.
	ErrTooLong = errkind.New("too_long", "sequence is too long for the model")
	// ErrRequest reports a request that makes no sense.
	ErrRequest = errkind.New("bad_request", "bad request")
)
