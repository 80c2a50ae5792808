package report

import (
	"github.com/morton-gen/morton/transforms/request"
)

// Recover returns the outcomes that a cut-off run left behind: the results with
// markers. Those of other runs count as skipped. Requests that failed or were not
// reached have no outcome. Relative inputs are relative to the folder from; empty means
// the working directory.
func Recover(dir, action, model, run, from string, requests []request.Request) []Outcome {
	var outcomes []Outcome
	for i := range requests {
		r := &requests[i]
		there := r.In(from)
		done, ok := Done(dir, there.Fingerprint(action, model), run, Place{r.Family, r.ID})
		if !ok {
			continue
		}
		done.Request = *r // the latest user fields apply
		outcomes = append(outcomes, Outcome{Done: &done})
	}
	return outcomes
}
