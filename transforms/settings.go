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

// Settings are what the stages of one run share. They travel with the graph.
type Settings struct {
	Spec   family.Spec `json:"spec"`   // Family is that of each request
	Action string      `json:"action"` // see package report
	Out    string      `json:"out"`    // the run's folder
	// Overwrite does again what is done, and replaces files that no run made.
	Overwrite bool `json:"overwrite,omitempty"`
	// InFlight is how many requests of a bundle are begun and not yet done. 0 means twice
	// the model's slots, so one always waits for a slot.
	InFlight int `json:"in_flight,omitempty"`
	// InputLimit is the most bytes of an input that are copied from a store; 0 means
	// store.MaxCopy.
	InputLimit int64 `json:"input_limit,omitempty"`
	// InputTime is how long one input may take to be read; 0 means any time.
	InputTime time.Duration `json:"input_time,omitempty"`
	// MaxFailed is how many inputs may fail before the rest are not begun.
	MaxFailed report.Threshold `json:"max_failed,omitzero"`
	// Shards is how many files the samples of a run that tokenizes are dealt to; 0 means 1.
	Shards int `json:"shards,omitempty"`
	// Run names the run, for what ends it early: see [HaltWith].
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

// stage is what every DoFn of ours begins with: settings, and the models it has
// leased. Beam runs one instance on one goroutine.
type stage struct {
	Settings Settings

	leases map[request.Family]*family.Lease
}

// lease returns the claim on the model of a family, which is kept until Teardown.
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

// attempt runs work on an item of a family, see the function of that name.
func (s *stage) attempt(ctx context.Context, f request.Family, work func(context.Context, family.Model) error) error {
	return attempt(ctx, s.Settings.Run, s.lease(f), work)
}

// policy says what the result of a request may replace.
func (s *stage) policy(r request.Request) claim.Policy {
	return claim.Policy{Overwrite: s.Settings.Overwrite, Inputs: claim.NewInputs(r.Files()...)}
}

// Teardown gives the models back. Portable runners never call it: there the
// process keeps its models until it ends.
func (s *stage) Teardown() {
	for _, l := range s.leases {
		l.Release()
	}
	s.leases = nil
}
