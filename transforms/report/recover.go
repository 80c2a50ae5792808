package report

import (
	"github.com/morton-gen/morton/transforms/request"
)

// Recover returns the outcomes that a run which was cut off has left behind: the
// results whose markers stand. Those of other runs count as skipped. Requests that were
// not reached, and those that failed, have no outcome. Relative inputs are relative to
// the folder from; empty means here.
func Recover(dir, action, model, run, from string, requests []request.Request) []Outcome {
	var outcomes []Outcome
	for i := range requests {
		r := &requests[i]
		there := r.In(from)
		done, ok := Done(dir, there.Fingerprint(action, model), run, Place{r.Family, r.ID})
		if !ok {
			continue
		}
		done.Request = *r // of the user's own fields the latest count
		outcomes = append(outcomes, Outcome{Done: &done})
	}
	return outcomes
}
