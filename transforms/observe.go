package transforms

import (
	"sync/atomic"

	"github.com/morton-gen/morton/transforms/report"
)

// EventKind says what happened to an item.
type EventKind int

// Events an observer sees.
const (
	Begun    EventKind = iota // not done by an earlier run
	Started                   // with the model
	Advanced                  // by some frames
	Finished                  // written, or skipped
	Failed                    // with an outcome of its own
	Faulted                   // its bundle fails
	Moved                     // no item, but a job of other processes, into a state
)

// Event is something that happened to one item in this process.
type Event struct {
	Kind    EventKind
	Stage   string
	ID      string
	Err     error
	Outcome *report.Outcome

	Frames, Of int    // Advanced: frames read so far, and in all, 0 if that is unknown
	State      string // Moved: the runner's word
}

var observer atomic.Pointer[func(Event)]

// Observe has f called for every event in this process, on the goroutine of the
// stage; nil ends it. It serves progress lines: of a run in other processes its observer
// hears what package pipelines sees of it, and what counts is in the reports.
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
