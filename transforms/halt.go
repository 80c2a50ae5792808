package transforms

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Prism's in-process worker closes its response channel when a run's context is
// cancelled. Bundles may still send on it, which can end the process (seen under the
// race detector with Beam 2.77). A deadline panics outright. So a run in this process
// gets a context without either, and stages watch the caller's through this table.
var (
	haltMu    sync.Mutex
	halts     = map[string]*halt{}
	haltCount int
	// haltPrefix begins the names of this process. A worker in another process
	// ignores them, and has the runner's own context alone.
	haltPrefix = fmt.Sprintf("%016x-", rand.Uint64())
)

type halt struct {
	by   context.Context
	work sync.WaitGroup // attempts that are running

	tally tally
}

// foreign are attempts for runs of other processes.
var foreign struct {
	sync.Mutex
	running int
	none    chan struct{} // closed when running is 0, if somebody waits
}

func countForeign(n int) {
	foreign.Lock()
	defer foreign.Unlock()
	foreign.running += n
	if foreign.running == 0 && foreign.none != nil {
		close(foreign.none)
		foreign.none = nil
	}
}

// AwaitAttempts waits until this process works on nothing for runs of other processes, at
// most so long. It serves a worker whose context has ended.
func AwaitAttempts(most time.Duration) {
	foreign.Lock()
	if foreign.running == 0 {
		foreign.Unlock()
		return
	}
	if foreign.none == nil {
		foreign.none = make(chan struct{})
	}
	none := foreign.none
	foreign.Unlock()
	select {
	case <-none:
	case <-time.After(most):
	}
}

// errOver ends what a runner still has going when it has given up on the run.
var errOver = errors.New("the run is over")

// NewRunName returns a name that no other run has, in this process or another.
func NewRunName() string {
	haltMu.Lock()
	defer haltMu.Unlock()
	haltCount++
	return fmt.Sprint(haltPrefix, haltCount)
}

// HaltWith ends stages of this process with a fault when ctx ends: those whose
// Settings.Run is the returned name. Call over when the runner has returned. It waits
// for bundles that the runner left going, and stages of that name then do nothing.
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

// halting returns ctx, ended also by what HaltWith knows by that name. The caller
// must call the function it returns when its work is done.
func halting(ctx context.Context, name string) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	if !strings.HasPrefix(name, haltPrefix) {
		countForeign(1)
		return ctx, func() { cancel(nil); countForeign(-1) }
	}
	haltMu.Lock()
	defer haltMu.Unlock()
	h := halts[name]
	if h == nil {
		cancel(errOver)
		return ctx, func() {}
	}
	if h.by.Err() != nil {
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
