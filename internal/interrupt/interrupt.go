// Package interrupt ends waiting for work that checks no context.
package interrupt

import "context"

// Wait runs work and returns its error. If ctx ends first, it returns the cause at once
// while work continues in the background. So work must only compute and read, such as
// long geometry: it must not write files, or memory that is used after an error. A panic
// of work is raised again by Wait.
func Wait(ctx context.Context, work func() error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	type end struct {
		err   error
		panic any
	}
	done := make(chan end, 1)
	go func() {
		var e end
		defer func() {
			e.panic = recover()
			done <- e
		}()
		e.err = work()
	}()
	select {
	case e := <-done:
		if e.panic != nil {
			panic(e.panic)
		}
		return e.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Value is [Wait] for work that returns a value. After an error the value is
// zero.
func Value[T any](ctx context.Context, work func() (T, error)) (T, error) {
	var value, none T
	if err := Wait(ctx, func() (err error) {
		value, err = work()
		return err
	}); err != nil {
		return none, err
	}
	return value, nil
}
