package report

import "fmt"

// FScoreMeasure names the measure of whether a result follows its input: the F-score
// at 1% of the input's longest side.
const FScoreMeasure = "fscore_1pct"

// AstrayBelow is the F-score below which a result does not follow its input. Nine in
// ten points of one surface are then further away than the threshold.
const AstrayBelow = 0.1

// Astray reports whether a result was made along an input and does not follow it.
func (r *Result) Astray() bool {
	f, ok := r.Measures[FScoreMeasure]
	return ok && f < AstrayBelow
}

// astrayText is the note about it on the page.
func (r *Result) astrayText() string {
	if !r.Astray() {
		return ""
	}
	return fmt.Sprintf("This result does not follow its input: F-score %.2g at 1%% of the input's longest side, under %g.", r.Measures[FScoreMeasure], AstrayBelow)
}
