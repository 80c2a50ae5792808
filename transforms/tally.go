package transforms

import "strings"

// tally counts what came to its end in this process, of one run. A worker process
// has one of its own: it stops by what it saw, and the launcher judges the whole.
type tally struct {
	done, failed int
	stopped      bool
}

// withTally calls f with the run's tally, unless the run is over or has no name.
// The caller must not keep it.
func (s *stage) withTally(f func(*tally)) {
	name := s.Settings.Run
	haltMu.Lock()
	defer haltMu.Unlock()
	h := halts[name]
	if h == nil && name != "" && !strings.HasPrefix(name, haltPrefix) {
		h = &halt{} // a run that another process began
		halts[name] = h
	}
	if h != nil {
		f(&h.tally)
	}
}

func (s *stage) count(done, failed int) {
	s.withTally(func(t *tally) {
		t.done += done
		t.failed += failed
		t.stopped = t.stopped || s.Settings.MaxFailed.Stops(t.done, t.failed)
	})
}

// stopped reports whether too many of the run's inputs have failed.
func (s *stage) stopped() (yes bool) {
	s.withTally(func(t *tally) { yes = t.stopped })
	return yes
}
