package transforms

import (
	"slices"
	"strings"

	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// tally counts what came to its end in this process, of one run. The workers of a run in
// other processes tell each other theirs, see [sharing].
type tally struct {
	done, failed int
	begun        int
	others       shared // of the run's other workers
	stopped      bool
	failures     []report.Outcome // of a run started by this process, one per attempt
}

// withTally calls f with the run's tally, unless the run is over or unnamed. f
// must not keep it.
func (s *stage) withTally(f func(*tally)) {
	s.join()
	haltMu.Lock()
	defer haltMu.Unlock()
	if h := halts[s.Settings.Run]; h != nil {
		f(&h.tally)
	}
}

func (s *stage) count(done, failed int) {
	s.withTally(func(t *tally) {
		t.done += done
		t.failed += failed
		t.judge(s.Settings.MaxFailed)
	})
}

// judge stops the run if too many have failed.
func (t *tally) judge(limit report.Threshold) {
	t.stopped = t.stopped || limit.Stops(t.done+t.others.Done, t.failed+t.others.Failed)
}

// begin notes a request that the run works on, and tells the observer.
func (s *stage) begin(r request.Request) {
	Notify(Event{Kind: Begun, Stage: stageDecode, ID: r.ID})
	s.withTally(func(t *tally) { t.begun++ })
}

// CountBegun returns the number of requests of a run that this process has started,
// without those an earlier run did. name is that of HaltWith.
func CountBegun(name string) int {
	haltMu.Lock()
	defer haltMu.Unlock()
	if h := halts[name]; h != nil {
		return h.tally.begun
	}
	return 0
}

// noteFailure keeps the outcome of a failed input for a run that ends before outcomes
// are published.
func (s *stage) noteFailure(o report.Outcome) {
	if strings.HasPrefix(s.Settings.Run, haltPrefix) {
		s.withTally(func(t *tally) { t.failures = append(t.failures, o) })
	}
}

// Failures returns the failures of a run in this process so far. name is that of
// HaltWith. An input appears again if its bundle was retried.
func Failures(name string) []report.Outcome {
	haltMu.Lock()
	defer haltMu.Unlock()
	if h := halts[name]; h != nil {
		return slices.Clone(h.tally.failures)
	}
	return nil
}

// stopped reports whether too many of the run's inputs have failed.
func (s *stage) stopped() (yes bool) {
	s.withTally(func(t *tally) { yes = t.stopped })
	return yes
}
