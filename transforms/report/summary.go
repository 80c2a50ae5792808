package report

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// Summary counts a run, the way `morton --json` prints it and summary.json holds
// it.
type Summary struct {
	Action  string         `json:"action"`
	Out     string         `json:"out"`
	Done    int            `json:"done"` // with the skipped
	Skipped int            `json:"skipped"`
	Failed  int            `json:"failed"`
	Kinds   map[string]int `json:"failure_kinds,omitempty"`
	Drawn   int            `json:"drawn"`   // tokens, by this run
	Seconds float64        `json:"seconds"` // of wall time
	// RequestSeconds sums the Seconds of the results of this run. Requests share a device,
	// so it may be more than the wall time.
	RequestSeconds float64 `json:"request_seconds"`
	Complete       bool    `json:"complete"` // false if the run was cut off or stopped
	// Unreached counts the requests that a run with too many failures, or one that was
	// interrupted, did not begin; CutOff those that an interrupted one did not end.
	Unreached int `json:"unreached,omitempty"`
	CutOff    int `json:"cut_off,omitempty"`
	// Truncated and Damaged count the results of such inputs, with the skipped.
	Truncated int `json:"truncated,omitempty"`
	Damaged   int `json:"damaged,omitempty"`
}

func summarize(outcomes []Outcome) Summary {
	var s Summary
	for _, o := range outcomes {
		if o.Failed == nil {
			s.addResult(o.Done)
			continue
		}
		s.Failed++
		if s.Kinds == nil {
			s.Kinds = map[string]int{}
		}
		s.Kinds[o.Failed.Kind]++
	}
	return s
}

func (s *Summary) addResult(r *Result) {
	s.Done++
	if r.Truncated {
		s.Truncated++
	}
	if r.Damaged {
		s.Damaged++
	}
	if r.Skipped {
		s.Skipped++
		return
	}
	s.Drawn += r.Drawn
	s.RequestSeconds += r.Seconds
}

// ReadSummary reads the summary of the last run into a folder.
func ReadSummary(dir string) (s Summary, err error) {
	data, err := os.ReadFile(filepath.Join(dir, SummaryFile))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(data, &s)
}

func writeSummary(dir string, s Summary) error {
	return atomicfile.Write(filepath.Join(dir, SummaryFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	})
}
