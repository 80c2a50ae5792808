package transforms

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/report"
)

// JobsFolder is the folder in Settings.Out through which processes communicate about a
// run.
const JobsFolder = "jobs"

// StopFile is the file in Settings.Out that tells workers in other processes that their
// run is cancelled. A runner tells them late: Flink cancels a job at once, but ends its
// worker only after the bundle or half a minute.
func StopFile(run string) string { return filepath.Join(JobsFolder, run+".stop") }

// RecordFile is the file in Settings.Out that exists until a run of other processes is
// over. A runner may never tell its workers: Flink keeps them if it lost a task manager
// and restarted the job.
func RecordFile(run string) string { return filepath.Join(JobsFolder, run+".json") }

// lookEvery is how often a worker checks the files, lookStored how often in a store, and
// lookAgain how often the record must be missing in a row.
const (
	lookEvery  = 500 * time.Millisecond
	lookStored = 5 * time.Second
	lookAgain  = 3
)

// errStopped ends a worker's attempts for a cancelled run.
var errStopped = errors.New("the run is given up")

var (
	runOver   = make(chan struct{})
	closeOver = sync.OnceFunc(func() { close(runOver) })
)

// RunOver returns a channel that is closed when the run of another process that this one
// works for is over.
func RunOver() <-chan struct{} { return runOver }

// join ends attempts for the run of another process when it is cancelled.
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
		go watchRun(s.Settings.Out, name, func() { stop(errStopped) }, closeOver, s.exchanger(name))
	}
}

// exchanger returns what keeps the run's tally in step with those of other workers.
func (s *stage) exchanger(name string) func() {
	limit, with := s.Settings.MaxFailed, newSharing(s.Settings.Out, name)
	if limit == (report.Threshold{}) {
		return func() {}
	}
	return func() {
		haltMu.Lock()
		t := &halts[name].tally
		mine := shared{t.done, t.failed}
		haltMu.Unlock()
		others := with.exchange(mine)
		haltMu.Lock()
		defer haltMu.Unlock()
		t.others = others
		t.judge(limit)
	}
}

// watchRun looks for the files of a run until it is over.
func watchRun(out, name string, stop, over, exchange func()) {
	look := func(file string) error {
		_, err := store.Lstat(store.Join(out, file))
		return err
	}
	every := lookEvery
	if store.Stored(out) {
		every = lookStored
	}
	seen, missed := false, 0
	for range time.Tick(every) {
		if err := look(StopFile(name)); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, store.ErrUnavailable) {
			stop()
		}
		switch {
		case !errors.Is(look(RecordFile(name)), fs.ErrNotExist):
			seen, missed = true, 0
			exchange()
		case seen: // else this process has another file system
			if missed++; missed == lookAgain {
				over()
				return
			}
		}
	}
}

// AwaitAttempts waits, at most for a duration, until no attempt runs in this process.
// It is for a worker whose context has ended.
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
