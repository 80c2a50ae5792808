package transforms

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
)

// Bounds on retries for one item in one stage.
const (
	maxAttempts  = 3
	firstBackoff = 100 * time.Millisecond // grows fourfold
	maxRenewals  = 1                      // of a model after a lost device
)

// fault is an error that is not the item's fault: it fails the bundle.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

// attempt runs work on one item with the leased model. It returns nil, a fault,
// or the item's error. The context of work also ends with the context that
// [HaltWith] registered under the run's name.
func attempt(ctx context.Context, run string, lease *family.Lease, work func(context.Context, family.Model) error) error {
	ctx, cancel := halting(ctx, run)
	defer cancel()
	if ctx.Err() != nil {
		return fault{context.Cause(ctx)}
	}
	m, err := lease.Model()
	if err != nil {
		return fault{err}
	}
	renewals := 0
	for n := 1; ; n++ {
		err := guard(ctx, func() error { return work(ctx, m) })
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fault{context.Cause(ctx)}
		case lost(err) && renewals < maxRenewals:
			renewals++
			log.Warnf(ctx, "opening the model again: %v", err)
			if m, err = lease.Renew(m); err != nil {
				return fault{err}
			}
		case lost(err):
			return fault{err}
		case !transient(err) || n >= maxAttempts:
			return err
		default:
			if !sleep(ctx, firstBackoff<<(2*(n-1))) {
				return fault{context.Cause(ctx)}
			}
		}
	}
}

// guard turns a panic into an error of the item and logs the stack.
func guard(ctx context.Context, work func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Errorf(ctx, "panic: %v\n%s", p, debug.Stack())
			err = fmt.Errorf("transforms: %w: %v", report.ErrPanic, p)
		}
	}()
	return work()
}

// lost reports an error after which the model cannot be used.
func lost(err error) bool {
	return errors.Is(err, gpu.ErrDeviceLost) || errors.Is(err, engine.ErrClosed)
}

// transient reports a fault of a file system, most often one on a network, that
// may be gone at the next try, or an object that was replaced while it was read. A store
// that does not answer is none: its client has asked eight times, for some ten seconds.
func transient(err error) bool {
	for _, e := range []syscall.Errno{syscall.EAGAIN, syscall.EINTR, syscall.EBUSY, syscall.ESTALE, syscall.ETIMEDOUT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.Is(err, store.ErrReplaced)
}

// sleep waits. It returns false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
