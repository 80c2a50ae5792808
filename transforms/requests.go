package transforms

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	beam.RegisterDoFn(&readFn{})
	beam.RegisterDoFn(&branchFn{})
	beam.RegisterDoFn(&skipFn{})
}

// ReadRequests returns the requests of a manifest as a PCollection of
// [request.Request]. The graph has the manifest's path and not its lines, so its
// size does not grow with the run. Input paths are not changed, since reports
// show them as given.
func ReadRequests(s beam.Scope, path string) beam.PCollection {
	s = s.Scope("ReadRequests")
	return beam.ParDo(s, &readFn{Path: path}, beam.Impulse(s))
}

type readFn struct{ Path string }

// ProcessElement emits the requests. An unreadable manifest fails the bundle.
func (f *readFn) ProcessElement(_ context.Context, _ []byte, emit func(request.Request)) error {
	file, err := store.Open(f.Path)
	if err != nil {
		return err
	}
	defer file.Close()
	requests, err := request.DecodeManifest(file, request.Request{})
	if err != nil {
		return fmt.Errorf("%w: %s", err, f.Path)
	}
	for _, r := range requests {
		emit(r)
	}
	return nil
}

// Spread splits requests into n branches by a stable hash of their ids. Each branch
// has its own Reshuffle: Prism puts all pending elements of a stage into one bundle,
// so n branches run n bundles at once, at most 8. The branch of a request does not
// affect its result.
func Spread(s beam.Scope, n int, requests beam.PCollection) []beam.PCollection {
	s = s.Scope("Spread")
	branches := make([]beam.PCollection, max(n, 1))
	for i := range branches {
		mine := requests
		if len(branches) > 1 {
			mine = beam.ParDo(s, &branchFn{Branch: i, Of: len(branches)}, requests)
		}
		branches[i] = beam.Reshuffle(s, mine)
	}
	return branches
}

type branchFn struct{ Branch, Of int }

// ProcessElement keeps the requests of one branch.
func (f *branchFn) ProcessElement(r request.Request, emit func(request.Request)) {
	if place(r.ID, f.Of) == f.Branch {
		emit(r)
	}
}

// place maps an id to one of n places, the same on every machine.
func place(id string, n int) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % uint32(n))
}

// SkipDone passes on the requests that still need work. A request ends here if an earlier run, or an earlier
// attempt of this one, did the same (see [report.Done]), or if a file that must not be replaced is in its place.
// After too many failures (Settings.MaxFailed) it passes on nothing. Requests in progress then finish, and the
// run reports everything.
func SkipDone(s beam.Scope, settings Settings, requests beam.PCollection) (todo, outcomes beam.PCollection) {
	return beam.ParDo2(s.Scope("SkipDone"), &skipFn{stage: stage{Settings: settings}}, requests)
}

type skipFn struct {
	stage

	done    chan looked
	flights int
}

// looked is what was found of a request: the result of an earlier run, a reason why it cannot
// be written, or neither.
type looked struct {
	request request.Request
	result  *report.Result
	err     error
}

// ProcessElement also compares the model's name, since another model gives another
// result. In a store, each look at a file takes an answer, so many requests are looked at
// at once, and leave in the order in which that ends. Emitters are not safe for concurrent
// use, so only this function and FinishBundle emit.
func (f *skipFn) ProcessElement(ctx context.Context, r request.Request, todo func(request.Request), out func(report.Outcome)) error {
	if f.stopped() {
		return nil // Publish counts it as not reached
	}
	if r.Family == "" { // see Detokenize: it has no earlier result
		todo(r)
		return nil
	}
	var name string
	err := f.attempt(ctx, r.Family, func(_ context.Context, m family.Model) error {
		name = m.Name()
		return nil
	})
	noteLoads(ctx)
	if err != nil {
		return f.settle(ctx, r, stageDecode, err, out)
	}
	if f.done == nil {
		n := 1
		if store.Stored(f.Settings.Out) {
			n = store.AtOnce / 4 // a result has some four files
		}
		f.done = make(chan looked, n)
	}
	f.flights++
	policy := f.policy(r)
	go func() { f.done <- f.look(r, name, policy) }()
	for f.flights == cap(f.done) || len(f.done) > 0 {
		if err := f.pass(ctx, <-f.done, todo, out); err != nil {
			return err
		}
	}
	return nil
}

// look looks for what stands at the place of a request's result.
func (f *skipFn) look(r request.Request, model string, policy claim.Policy) looked {
	if !f.Settings.Overwrite {
		key := r.Fingerprint(f.Settings.Action, model)
		if done, ok := report.Done(f.Settings.Out, key, f.Settings.Run, report.Place{Family: r.Family, ID: r.ID}); ok {
			done.Request = r // the latest user fields apply
			return looked{request: r, result: &done}
		}
	}
	return looked{request: r, err: report.Vacant(f.Settings.Out, report.Result{Request: r, Action: f.Settings.Action}, policy)}
}

func (f *skipFn) pass(ctx context.Context, l looked, todo func(request.Request), out func(report.Outcome)) error {
	f.flights--
	switch {
	case l.result != nil:
		f.finish(ctx, *l.result, out)
	case l.err != nil:
		return f.settle(ctx, l.request, stageWrite, l.err, out)
	case !f.stopped():
		todo(l.request)
	}
	return nil
}

// FinishBundle waits for the requests in progress. It emits into the global window, the only
// one supported.
func (f *skipFn) FinishBundle(ctx context.Context, todo func(request.Request), out func(report.Outcome)) error {
	for f.flights > 0 {
		if err := f.pass(ctx, <-f.done, todo, out); err != nil {
			return err
		}
	}
	return nil
}
