package pipelines

import (
	"errors"
	"fmt"
	"time"

	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// Errors a caller can branch on.
var (
	// ErrJob reports a job that makes no sense.
	ErrJob = errors.New("invalid job")
	// ErrRun reports a pipeline that its runner could not bring to an end.
	ErrRun = errors.New("the run failed")
	// ErrCancelled reports a run whose context was cancelled; what was done by
	// then is published.
	ErrCancelled = errors.New("the run was cancelled")
	// ErrTooManyFailed reports a run with more failures than Settings.MaxFailed.
	ErrTooManyFailed = errors.New("too many inputs failed")
)

// Bounds of a job.
const (
	MaxWorkers = 64
	MaxShards  = 9999 // the digits in a shard's name
)

// Job is what a pipeline is asked to do. Settings.Action is filled in.
type Job struct {
	Settings transforms.Settings
	Requests []request.Request
	Runner   string // a name Beam knows; empty means "direct"
	Workers  int    // branches that may run at the same time; 0 means 1
	Shards   int    // tokenize: files to deal the samples to; 0 means 1
	Command  string // what was typed, for the page
	Begun    time.Time

	elsewhere bool   // it was submitted, perhaps by another process with other flags
	from      string // then: the working directory of that process

	prepared string                             // the action that Prepare was called for
	markers  map[request.Family][]report.Marker // that stood there then
}

// InProcess reports whether the job's workers are this process, so that it shares
// their models and sees each item's end.
func (j *Job) InProcess() bool {
	switch {
	case j.elsewhere:
		return false
	case j.Runner == "" || j.Runner == "direct":
		return true
	case j.Portable():
		return j.environment() == "LOOPBACK"
	}
	return false
}

// Validate returns an error wrapping [ErrJob].
func (j *Job) Validate() error {
	switch {
	case len(j.Requests) == 0:
		return fmt.Errorf("pipelines: %w: no requests", ErrJob)
	case j.Settings.Out == "":
		return fmt.Errorf("pipelines: %w: no folder to write to", ErrJob)
	case j.Workers < 0 || j.Workers > MaxWorkers:
		return fmt.Errorf("pipelines: %w: %d workers, from 0 to %d", ErrJob, j.Workers, MaxWorkers)
	case j.Shards < 0 || j.Shards > MaxShards:
		return fmt.Errorf("pipelines: %w: %d shards, from 0 to %d", ErrJob, j.Shards, MaxShards)
	case j.Settings.InFlight < 0 || j.Settings.Spec.Slots < 0:
		return fmt.Errorf("pipelines: %w: a negative number in flight", ErrJob)
	}
	return nil
}
