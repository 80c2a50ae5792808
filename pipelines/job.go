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
	// ErrJob reports an invalid job.
	ErrJob = errors.New("invalid job")
	// ErrRun reports a pipeline that its runner did not complete.
	ErrRun = errors.New("the run failed")
	// ErrCancelled reports a run whose context was cancelled. What was done by
	// then is published.
	ErrCancelled = errors.New("the run was cancelled")
	// ErrTooManyFailed reports a run with more failures than Settings.MaxFailed.
	ErrTooManyFailed = errors.New("too many inputs failed")
)

// Bounds on a job.
const (
	MaxWorkers  = 64
	MaxShards   = 9999    // limited by the digits in a shard's name
	MaxInFlight = 1 << 16 // requests or slots: far more than a device holds
)

// Job describes a run of a pipeline. Settings.Action is set by the pipeline.
type Job struct {
	Settings transforms.Settings
	Requests []request.Request
	Runner   string // a name Beam knows; empty means "direct"
	Workers  int    // branches that may run concurrently; 0 means 1
	Shards   int    // tokenize: number of output files; 0 means 1
	Command  string // the command line, for the page
	Begun    time.Time

	elsewhere bool   // submitted, perhaps by another process with other flags
	from      string // if elsewhere: the working directory of that process

	prepared string                             // the action passed to Prepare
	markers  map[request.Family][]report.Marker // markers found by Prepare
}

// InProcess reports whether the job's workers are in this process, so that they
// share its models and events.
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
	case j.Settings.InFlight < 0 || j.Settings.InFlight > MaxInFlight:
		return fmt.Errorf("pipelines: %w: %d in flight, from 0 to %d", ErrJob, j.Settings.InFlight, MaxInFlight)
	case j.Settings.Spec.Slots < 0 || j.Settings.Spec.Slots > MaxInFlight:
		return fmt.Errorf("pipelines: %w: %d slots, from 0 to %d", ErrJob, j.Settings.Spec.Slots, MaxInFlight)
	case j.Settings.InputTime < 0:
		return fmt.Errorf("pipelines: %w: an input time of %v", ErrJob, j.Settings.InputTime)
	}
	return nil
}
