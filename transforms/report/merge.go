package report

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/morton-gen/morton/transforms/request"
)

// merge joins what earlier runs left with the outcomes of this one. A request
// has one row, its latest. With own set, rows of that family which this run
// does not have are dropped, as are those whose files are gone. A failure
// without a family has no name that a later row could share: it goes when a run
// has another outcome of its input.
func merge(dir string, results []Result, failures []Failure, outcomes []Outcome, own request.Family) ([]Result, []Failure) {
	fresh := make(map[key]bool, len(outcomes))
	inputs := map[string]bool{}
	for i := range outcomes {
		fresh[outcomes[i].key()] = true
		inputs[outcomes[i].input()] = true
	}
	results = slices.DeleteFunc(results, func(r Result) bool {
		return fresh[r.key()] || r.Family == own || gone(dir, &r)
	})
	failures = slices.DeleteFunc(failures, func(f Failure) bool {
		if f.Family == "" {
			return inputs[f.Input]
		}
		return fresh[f.key()] || f.Family == own
	})
	for _, o := range outcomes {
		if o.Done != nil {
			results = append(results, *o.Done)
		} else {
			failures = append(failures, *o.Failed)
		}
	}
	slices.SortStableFunc(results, func(a, b Result) int { return byKey(a.key(), b.key()) })
	slices.SortStableFunc(failures, func(a, b Failure) int { return byKey(a.key(), b.key()) })
	return results, failures
}

// gone reports whether a file of the result is no longer there.
func gone(dir string, r *Result) bool {
	for _, file := range []string{r.Output, Place{r.Family, r.ID}.Tokens()} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, file)); os.IsNotExist(err) {
			return true
		}
	}
	return false
}
