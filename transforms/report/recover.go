package report

import (
	"os"
	"path/filepath"
	"time"

	"github.com/morton-gen/morton/transforms/request"
)

// Recover returns the outcomes that a run which was cut off has left behind: the
// results whose markers stand. Those from before it began count as skipped.
// Requests that were not reached, and those that failed, have no outcome.
func Recover(dir, action, model string, requests []request.Request, begun time.Time) []Outcome {
	var outcomes []Outcome
	for i := range requests {
		r := &requests[i]
		p := Place{r.Family, r.ID}
		done, ok := Done(dir, r.Fingerprint(action, model), p)
		if !ok {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, p.Marker()))
		done.Request = *r // of the user's own fields the latest count
		done.Skipped = err == nil && info.ModTime().Before(begun)
		outcomes = append(outcomes, Outcome{Done: &done})
	}
	return outcomes
}
