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

// JobsFolder is the folder in Settings.Out with what processes say of a run to each other.
const JobsFolder = "jobs"

// StopFile is the file in Settings.Out by which workers in other processes learn that
// their run is given up. A runner tells them late: Flink cancels a job at once, and ends
// its worker when the bundle has come to its end, or after half a minute.
func StopFile(run string) string { return filepath.Join(JobsFolder, run+".stop") }

// RecordFile is the file in Settings.Out that is there as long as a run of other
// processes is not over. A runner may never tell its workers so: Flink keeps them where a
// task manager was lost and the job begun again.
func RecordFile(run string) string { return filepath.Join(JobsFolder, run+".json") }

// lookEvery is how often a worker looks for the files, lookStored how often in a store, and
// lookAgain how often the record must be missing.
const (
	lookEvery  = 500 * time.Millisecond
	lookStored = 5 * time.Second
	lookAgain  = 3
)

// errStopped ends what a worker does for a run that is given up.
var errStopped = errors.New("the run is given up")

var (
	runOver   = make(chan struct{})
	closeOver = sync.OnceFunc(func() { close(runOver) })
)

// RunOver is closed when the run of another process that this one has worked for is over.
func RunOver() <-chan struct{} { return runOver }

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
