package transforms

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// JobsFolder is the folder in Settings.Out with what processes say of a run to each other.
const JobsFolder = "jobs"

// StopFile is the file in Settings.Out by which workers in other processes learn that
// their run is given up. A runner tells them late: Flink cancels a job at once, and ends
// its worker when the bundle has come to its end, or after half a minute.
func StopFile(run string) string { return filepath.Join(JobsFolder, run+".stop") }

// stopEvery is how often a worker looks for the file.
const stopEvery = 500 * time.Millisecond

// errStopped ends what a worker does for a run that is given up.
var errStopped = errors.New("the run is given up")

// join has attempts for the run of another process end when it is given up.
func (s *stage) join() {
	name := s.Settings.Run
	if name == "" || strings.HasPrefix(name, haltPrefix) {
		return
	}
	haltMu.Lock()
	defer haltMu.Unlock()
	if halts[name] == nil {
		by, stop := context.WithCancelCause(context.Background())
		halts[name] = &halt{by: by}
		go awaitFile(filepath.Join(s.Settings.Out, StopFile(name)), func() { stop(errStopped) })
	}
}

// awaitFile calls found when a file is there. It looks until the process ends, as
// workers for one run do.
func awaitFile(path string, found func()) {
	for range time.Tick(stopEvery) {
		if _, err := os.Stat(path); err == nil {
			found()
			return
		}
	}
}

// AwaitAttempts waits until this process works on nothing, at most so long. It serves a
// worker whose context has ended.
func AwaitAttempts(most time.Duration) {
	haltMu.Lock()
	var all []*halt
	for _, h := range halts {
		all = append(all, h)
	}
	haltMu.Unlock()
	over := make(chan struct{})
	go func() {
		var wait sync.WaitGroup
		for _, h := range all {
			wait.Go(h.work.Wait)
		}
		wait.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(most):
	}
}
