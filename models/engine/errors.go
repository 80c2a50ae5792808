package engine

import "errors"

// Errors a caller can branch on.
var (
	// ErrClosed reports a request to an engine that was closed.
	ErrClosed = errors.New("engine is closed")
	// ErrTooLong reports a request with more rows or positions than the tables hold.
	ErrTooLong = errors.New("sequence is too long for the model")
	// ErrRequest reports a request that makes no sense.
	ErrRequest = errors.New("bad request")
	// ErrBusy reports a request to an engine whose queue is full.
	ErrBusy = errors.New("the engine's queue is full")
)
