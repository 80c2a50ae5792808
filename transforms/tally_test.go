package transforms

import (
	"context"
	"testing"

	"github.com/morton-gen/morton/transforms/report"
)

// TestTallyIsOfOneRun checks that stages of one run share a count, also in the
// process of a worker, which did not begin the run, and those of others don't.
func TestTallyIsOfOneRun(t *testing.T) {
	var limit report.Threshold
	if err := limit.UnmarshalText([]byte("1")); err != nil {
		t.Fatal(err)
	}
	own, over := HaltWith(context.Background())
	other, otherOver := HaltWith(context.Background())
	defer otherOver()
	of := func(run string) *stage { return &stage{Settings: Settings{Run: run, MaxFailed: limit}} }
	for _, run := range []string{own, "another process' run"} {
		of(run).count(3, 1)
		if of(run).stopped() {
			t.Errorf("%s: stopped after one failure of one that may be", run)
		}
		of(run).count(0, 1)
		if !of(run).stopped() || of(run+"0").stopped() || of(other).stopped() {
			t.Errorf("%s: stopped %v, others %v, %v", run, of(run).stopped(), of(run+"0").stopped(), of(other).stopped())
		}
	}
	over()
	if of(own).count(0, 9); of(own).stopped() {
		t.Error("a run that is over still counts")
	}
	if of("").count(0, 9); of("").stopped() {
		t.Error("a run without a name counts")
	}
}
