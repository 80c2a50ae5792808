package report

import (
	"testing"

	"github.com/morton-gen/morton/transforms/family"
)

// TestUnended counts the results that a limit ended: not those that a model ended, and not those of
// kinds that have no end.
func TestUnended(t *testing.T) {
	var all []Outcome
	for _, m := range []family.Measures{nil, {"joints": 3, "ended": 1}, {"joints": 6, "ended": 0}, {"ended": 0}} {
		all = append(all, Outcome{Done: &Result{Measures: m}})
	}
	if s := summarize(all); s.Done != 4 || s.Unended != 2 {
		t.Errorf("%d done, %d unended, want 4 and 2", s.Done, s.Unended)
	}
}
