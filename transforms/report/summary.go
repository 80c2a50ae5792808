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
	Action   string         `json:"action"`
	Out      string         `json:"out"`
	Done     int            `json:"done"` // with the skipped
	Skipped  int            `json:"skipped"`
	Failed   int            `json:"failed"`
	Kinds    map[string]int `json:"failure_kinds,omitempty"`
	Drawn    int            `json:"drawn"` // tokens, by this run
	Seconds  float64        `json:"seconds"`
	Complete bool           `json:"complete"` // false if the run was cut off or stopped
	// Unreached counts the requests that a run with too many failures did not begin.
	Unreached int `json:"unreached,omitempty"`
	// Astray counts the results that do not follow their inputs, see [Result.Astray].
	Astray int `json:"astray,omitempty"`
}

func summarize(outcomes []Outcome) Summary {
	var s Summary
	for _, o := range outcomes {
		if o.Done != nil && o.Done.Astray() {
			s.Astray++
		}
		switch {
		case o.Failed != nil:
			s.Failed++
			if s.Kinds == nil {
				s.Kinds = map[string]int{}
			}
			s.Kinds[o.Failed.Kind]++
		case o.Done.Skipped:
			s.Done++
			s.Skipped++
		default:
			s.Done++
			s.Drawn += o.Done.Drawn
		}
	}
	return s
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
