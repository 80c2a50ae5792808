package transforms

import (
	"context"
	"time"

	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// Settings are shared by the stages of one run. They are part of the graph.
type Settings struct {
	Spec   family.Spec `json:"spec"`   // Family is set per request
	Action string      `json:"action"` // see package report
	Out    string      `json:"out"`    // the run's folder
	// Overwrite repeats what is done and replaces files that no run made.
	Overwrite bool `json:"overwrite,omitempty"`
	// InFlight is the number of requests of a bundle in progress. 0 means twice the
	// model's slots, so that one always waits for a slot.
	InFlight int `json:"in_flight,omitempty"`
	// InputLimit is the largest input, in bytes, copied from a store; 0 means
	// store.MaxCopy.
	InputLimit int64 `json:"input_limit,omitempty"`
	// InputTime is how long one input may take to be read; 0 means any time.
	InputTime time.Duration `json:"input_time,omitempty"`
	// MaxFailed is how many inputs may fail before the rest are not begun.
	MaxFailed report.Threshold `json:"max_failed,omitzero"`
	// Shards is the number of files for the samples of a tokenizing run; 0 means 1.
	Shards int `json:"shards,omitempty"`
	// Run names the run for [HaltWith].
	Run string `json:"run,omitempty"`
}

func (s *Settings) inFlight() int {
	switch {
	case s.InFlight > 0:
		return s.InFlight
	case s.Spec.Slots > 0:
		return 2 * s.Spec.Slots
	}
	return 2 * engine.DefaultSlots
}

// stage is embedded in all our DoFns: settings and leased models. Beam runs an
// instance on one goroutine.
type stage struct {
	Settings Settings

	leases map[request.Family]*family.Lease
}

// lease returns the lease on the model of a family, kept until Teardown.
func (s *stage) lease(f request.Family) *family.Lease {
	s.join()
	if l := s.leases[f]; l != nil {
		return l
	}
	if s.leases == nil {
		s.leases = map[request.Family]*family.Lease{}
	}
	spec := s.Settings.Spec
	spec.Family = f
	s.leases[f] = family.Acquire(spec)
	return s.leases[f]
}

// attempt runs work on an item of a family: see the function attempt.
func (s *stage) attempt(ctx context.Context, f request.Family, work func(context.Context, family.Model) error) error {
	return attempt(ctx, s.Settings.Run, s.lease(f), work)
}

// policy returns what the result of a request may replace.
func (s *stage) policy(r request.Request) claim.Policy {
	return claim.Policy{Overwrite: s.Settings.Overwrite, Inputs: claim.NewInputs(r.Files()...)}
}

// Teardown releases the models. Portable runners never call it; the process
// then keeps its models until it ends.
func (s *stage) Teardown() {
	for _, l := range s.leases {
		l.Release()
	}
	s.leases = nil
}
