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

// TestSummaryAddsTimes sums times and bytes of this run's results, not of those that an earlier run made.
func TestSummaryAddsTimes(t *testing.T) {
	s := summarize([]Outcome{
		{Done: &Result{Seconds: 2, Waited: 0.5, Drawn: 7, BytesRead: 10, BytesWritten: 100}},
		{Done: &Result{Seconds: 1, Waited: 0.25, Drawn: 1, BytesWritten: 200}},
		{Done: &Result{Seconds: 4, Waited: 8, Drawn: 9, BytesRead: 40, BytesWritten: 400, Skipped: true}},
		{Failed: &Failure{Kind: "bad_input"}},
	})
	if s.RequestSeconds != 3 || s.WaitedSeconds != 0.75 || s.Drawn != 8 || s.BytesRead != 10 || s.BytesWritten != 300 || s.Skipped != 1 || s.Failed != 1 {
		t.Errorf("%+v", s)
	}
}
