package engine

import "github.com/morton-gen/morton/models/system"

// Errors a caller can branch on.
var (
	// ErrClosed reports a request to an engine that was closed.
	ErrClosed = system.ErrClosed
	// ErrTooLong reports a request with more rows or positions than the tables hold.
	ErrTooLong = system.ErrTooLong
	// ErrRequest reports a request that makes no sense.
	ErrRequest = system.ErrRequest
)
