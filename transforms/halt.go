package transforms

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
)

// Prism's in-process worker closes its response channel when the context of a run
// is cancelled, while bundles still send on it: a race that can end the process
// (seen under the race detector with Beam 2.77). A deadline panics outright. So a
// run in this process gets a context without either, and stages watch the
// caller's context by way of this table.
var (
	haltMu    sync.Mutex
	halts     = map[string]*halt{}
	haltCount int
	// haltPrefix begins the names of this process: to a worker in another one they
	// mean nothing, and the runner's own context is all there is.
	haltPrefix = fmt.Sprintf("%016x-", rand.Uint64())
)

type halt struct {
	by   context.Context
	work sync.WaitGroup // attempts that are running

	tally tally
}

// errOver ends what a runner still has going when it has given up on the run.
var errOver = errors.New("the run is over")

// HaltWith has the stages whose Settings.Run is the returned name end with a
// fault when ctx ends, in this process. When the runner is back, over waits for
// what it left going, such as other bundles of a job that failed; from then on
// stages of that name do nothing.
func HaltWith(ctx context.Context) (name string, over func()) {
	haltMu.Lock()
	defer haltMu.Unlock()
	haltCount++
	name = fmt.Sprint(haltPrefix, haltCount)
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
		return ctx, func() { cancel(nil) }
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
