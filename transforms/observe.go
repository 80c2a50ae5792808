package transforms

import (
	"sync/atomic"

	"github.com/morton-gen/morton/transforms/report"
)

// EventKind is what happened to an item.
type EventKind int

// Events an observer sees.
const (
	Begun    EventKind = iota // and not done by an earlier run
	Started                   // with the model
	Advanced                  // by some frames
	Finished                  // written or skipped
	Failed                    // with its own outcome
	Faulted                   // its bundle failed
	Moved                     // for a job of other processes, not an item: into a new state
)

// Event is something that happened to one item in this process.
type Event struct {
	Kind    EventKind
	Stage   string
	ID      string
	Err     error
	Outcome *report.Outcome

	Frames, Of int    // Advanced: frames read so far and in all, 0 if unknown
	State      string // Moved: the runner's name of the state
}

var observer atomic.Pointer[func(Event)]

// Observe registers f for every event in this process; nil ends it. f runs on the
// goroutine of the stage. It serves progress output. For a run in other processes
// package pipelines reports what it sees. Reports, not events, have the exact counts.
func Observe(f func(Event)) {
	if f == nil {
		observer.Store(nil)
		return
	}
	observer.Store(&f)
}

// Notify tells the observer of an event, and counts it in [Metrics].
func Notify(e Event) {
	count(e)
	if f := observer.Load(); f != nil {
		(*f)(e)
	}
}
