package report

import "github.com/morton-gen/morton/transforms/request"

// Recover returns the outcomes that a run which was cut off has left behind: the
// results whose markers stand. Requests without one are in neither list.
func Recover(dir, action, model string, requests []request.Request) []Outcome {
	var outcomes []Outcome
	for i := range requests {
		r := &requests[i]
		if done, ok := Done(dir, r.Fingerprint(action, model), Place{r.Family, r.ID}); ok {
			outcomes = append(outcomes, Outcome{Done: &done})
		}
	}
	return outcomes
}
