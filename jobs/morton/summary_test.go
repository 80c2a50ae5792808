package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/morton-gen/morton/transforms/report"
)

// TestSummaryTellsAstray says on the terminal how many results have nothing to do
// with their inputs, and does not if none has.
func TestSummaryTellsAstray(t *testing.T) {
	for astray, want := range map[int]string{
		0: "", 2: "2 of 3 results do not follow their inputs: F-score under 0.1 at 1% of the input's longest side\n",
	} {
		var out bytes.Buffer
		printSummary(&out, report.Summary{Action: report.Generate, Out: "out", Done: 3, Astray: astray})
		if got := strings.Contains(out.String(), "do not follow"); got != (want != "") || !strings.Contains(out.String(), want) {
			t.Errorf("%d astray:\n%s", astray, out.String())
		}
	}
}

// TestSummaryTellsUnended says how many results a limit ended.
func TestSummaryTellsUnended(t *testing.T) {
	for unended, want := range map[int]bool{0: false, 2: true} {
		var out bytes.Buffer
		printSummary(&out, report.Summary{Action: report.Generate, Out: "out", Done: 3, Unended: unended})
		if got := strings.Contains(out.String(), "2 of 3 results were ended by a limit"); got != want {
			t.Errorf("%d unended:\n%s", unended, out.String())
		}
	}
}
