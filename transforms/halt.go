package transforms

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// Prism's in-process worker closes its response channel when a run's context is
// cancelled. Bundles may still send on it, which can end the process (seen under the
// race detector with Beam 2.77). A deadline panics outright. So a run in this process
// gets a context without either, and stages watch the caller's through this table.
var (
	haltMu    sync.Mutex
	halts     = map[string]*halt{}
	haltCount int
	// haltPrefix begins the run names of this process. The table also has runs of other
	// processes: see join.
	haltPrefix = fmt.Sprintf("%016x-", rand.Uint64())
)

type halt struct {
	by   context.Context
	work sync.WaitGroup // running attempts

	tally tally
}

// errOver ends the work that a runner left after it gave up on a run.
var errOver = errors.New("the run is over")

// NewRunName returns a name that is unique across processes.
func NewRunName() string {
	haltMu.Lock()
	defer haltMu.Unlock()
	haltCount++
	return fmt.Sprint(haltPrefix, haltCount)
}

// HaltWith ends stages of this process with a fault when ctx ends: those whose
// Settings.Run is the returned name. Call over when the runner has returned. It waits
// for bundles that the runner left running; later stages of that name do nothing.
func HaltWith(ctx context.Context) (name string, over func()) {
	name = NewRunName()
	haltMu.Lock()
	defer haltMu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	h := &halt{by: ctx}
	halts[name] = h
	return name, func() {
		cancel(errOver)
		haltMu.Lock()
		delete(halts, name)
		haltMu.Unlock()
		h.work.Wait()
	}
}

// halting returns ctx, which also ends with the context registered under the name. The
// caller must call the returned function when its work is done.
func halting(ctx context.Context, name string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	haltMu.Lock()
	defer haltMu.Unlock()
	h := halts[name]
	switch {
	case h == nil && strings.HasPrefix(name, haltPrefix):
		cancel(errOver)
		return ctx, func() {}
	case h == nil:
		return ctx, func() { cancel(nil) }
	case h.by.Err() != nil:
		cancel(context.Cause(h.by))
		return ctx, func() {}
	}
	h.work.Add(1)
	stop := context.AfterFunc(h.by, func() { cancel(context.Cause(h.by)) })
	return ctx, func() {
		stop()
		cancel(nil)
		h.work.Done()
	}
}
