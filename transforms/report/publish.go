package report

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/morton-gen/morton/transforms/request"
)

// Actions, as they stand in reports.
const (
	Generate   = "generate"
	Tokenize   = "tokenize"
	Detokenize = "detokenize"
)

// Run says what is published about a run besides its outcomes.
type Run struct {
	Action  string    `json:"action"`
	Command string    `json:"command"` // what was typed
	Begun   time.Time `json:"begun"`
	// Own, if set, is the family whose rows are all this run's: those of earlier
	// runs go. Shards belong to one run; results add up.
	Own request.Family `json:"own,omitempty"`
	// Asked is the number of requests; those without an outcome were not reached.
	Asked int `json:"asked"`
	// Partial marks a run that was cut off, with Unreached and CutOff as in Summary, as far
	// as they are known.
	Partial   bool `json:"partial,omitempty"`
	Unreached int  `json:"unreached,omitempty"`
	CutOff    int  `json:"cut_off,omitempty"`
}

// Publish writes what a run leaves in its folder, each file whole or not at all:
// results.jsonl and failures.jsonl by family and id, together with the rows of
// earlier runs; the tokens of each family's results in one shard, and the page,
// unless the run tokenizes; and summary.json, which counts this run alone.
func Publish(dir string, outcomes []Outcome, run Run) (Summary, error) {
	summary := Summarize(dir, outcomes, run)
	results, failures, err := publishRows(dir, outcomes, run)
	if err != nil {
		return summary, err
	}
	summary.Seconds = time.Since(run.Begun).Seconds()
	if run.Action != Tokenize {
		if err := writePage(dir, results, failures, run, summary); err != nil {
			return summary, err
		}
	}
	return summary, writeSummary(dir, summary)
}

// Summarize counts a run up to now, and writes nothing.
func Summarize(dir string, outcomes []Outcome, run Run) Summary {
	s := summarize(outcomes)
	s.Action, s.Out, s.Seconds = run.Action, dir, time.Since(run.Begun).Seconds()
	s.Unreached, s.CutOff = run.Unreached, run.CutOff
	if !run.Partial { // of a run that was cut off, failures elsewhere have no outcome either
		s.Unreached = max(0, run.Asked-len(outcomes))
	}
	s.Complete = !run.Partial && s.Unreached == 0
	return s
}

func publishRows(dir string, outcomes []Outcome, run Run) ([]Result, []Failure, error) {
	results, err := ReadResults(dir)
	if err != nil {
		return nil, nil, err
	}
	failures, err := ReadFailures(dir)
	if err != nil {
		return nil, nil, err
	}
	results, failures = merge(dir, results, failures, outcomes, run.Own)
	if run.Action != Tokenize {
		if err := joinFamilies(dir, results); err != nil {
			return nil, nil, err
		}
	}
	if err := writeRows(dir, ResultsFile, results); err != nil {
		return nil, nil, err
	}
	return results, failures, writeRows(dir, FailuresFile, failures)
}

// joinFamilies writes a shard a family and notes it in the results, which are
// in order of families.
func joinFamilies(dir string, results []Result) error {
	for len(results) > 0 {
		f := results[0].Family
		n := slices.IndexFunc(results, func(r Result) bool { return r.Family != f })
		if n < 0 {
			n = len(results)
		}
		for i := range results[:n] {
			results[i].Shard = TokensFile(f)
		}
		if err := JoinTokens(dir, filepath.Join(dir, TokensFile(f)), results[:n]); err != nil {
			return err
		}
		results = results[n:]
	}
	return nil
}
