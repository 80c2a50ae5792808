package main

import "context"

// orInterrupted runs work that only reads, and returns early if ctx ends. The work may
// be deep in geometry, which checks no context. The error is work's, or that of ctx.
func orInterrupted(ctx context.Context, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
