package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/report"
)

// printSummary prints the result of a run.
func printSummary(w io.Writer, s report.Summary) {
	fmt.Fprintf(w, "%d done", s.Done)
	if s.Skipped > 0 {
		fmt.Fprintf(w, " (%d by an earlier run)", s.Skipped)
	}
	fmt.Fprintf(w, ", %d failed", s.Failed)
	if s.CutOff > 0 {
		fmt.Fprintf(w, ", %d cut off", s.CutOff)
	}
	if s.Unreached > 0 {
		fmt.Fprintf(w, ", %d not begun", s.Unreached)
	}
	fmt.Fprintf(w, ", in %.1f s of wall time", s.Seconds)
	if s.RequestSeconds > 0 {
		fmt.Fprintf(w, " (%.1f s summed over the requests)", s.RequestSeconds)
	}
	if s.Drawn > 0 {
		fmt.Fprintf(w, ", %d tokens sampled", s.Drawn)
	}
	fmt.Fprintln(w)
	printPlaces(w, s)
}

// printPlaces prints where the results are.
func printPlaces(w io.Writer, s report.Summary) {
	if bad := conditions(s); bad != "" {
		fmt.Fprintf(w, "inputs:   %s, though done (%s)\n", bad, join(s.Out, report.ResultsFile))
	}
	if s.Astray > 0 {
		fmt.Fprintf(w, "%d of %d results do not follow their inputs: F-score under %g at 1%% of the input's longest side\n",
			s.Astray, s.Done, report.AstrayBelow)
	}
	if s.Unended > 0 {
		fmt.Fprintf(w, "%d of %d results were ended by a limit, of faces or of a skeleton's joints, and not by the model\n", s.Unended, s.Done)
	}
	if s.Failed > 0 {
		fmt.Fprintf(w, "failures: %s (%s)\n", join(s.Out, report.FailuresFile), counts(s.Kinds))
	}
	if _, err := store.Stat(join(s.Out, report.PageFile)); s.Action != report.Tokenize && err == nil {
		fmt.Fprintf(w, "look at:  %s\n", join(s.Out, "index.html"))
	}
}

// conditions counts the inputs that were read with warnings; "" for none.
func conditions(s report.Summary) string {
	found := map[string]int{}
	if s.Truncated > 0 {
		found["truncated"] = s.Truncated
	}
	if s.Damaged > 0 {
		found["damaged"] = s.Damaged
	}
	return counts(found)
}

func join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }
