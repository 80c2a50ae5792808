package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/morton-gen/morton/internal/store"
)

// Summary counts a run. morton --json prints it and summary.json contains it.
type Summary struct {
	Run     string         `json:"run,omitempty"` // the run's name, see [Run]
	Action  string         `json:"action"`
	Out     string         `json:"out"`
	Done    int            `json:"done"` // including skipped ones
	Skipped int            `json:"skipped"`
	Failed  int            `json:"failed"`
	Kinds   map[string]int `json:"failure_kinds,omitempty"`
	Drawn   int            `json:"drawn"`   // tokens sampled by this run
	Seconds float64        `json:"seconds"` // of wall time
	// RequestSeconds sums the Seconds of this run's results. Requests share a device, so
	// it may exceed the wall time.
	RequestSeconds float64 `json:"request_seconds"`
	// WaitedSeconds sums the time that these results waited for room on a device.
	WaitedSeconds float64 `json:"waited_seconds"`
	// BytesRead and BytesWritten sum those of these results: inputs, and media and tokens.
	BytesRead    int64 `json:"read_bytes"`
	BytesWritten int64 `json:"written_bytes"`

	Complete bool `json:"complete"` // false if the run was cut off or stopped
	// Unreached counts the requests that a run did not start, because of too many
	// failures or an interrupt. CutOff counts those that an interrupted run did not
	// finish.
	Unreached int `json:"unreached,omitempty"`
	CutOff    int `json:"cut_off,omitempty"`
	// Truncated and Damaged count the results of such inputs, skipped ones
	// included.
	Truncated int `json:"truncated,omitempty"`
	Damaged   int `json:"damaged,omitempty"`
	// Astray counts the results that do not follow their inputs: see [Result.Astray].
	Astray int `json:"astray,omitempty"`
	// Unended counts the results that a limit ended: see [Result.Unended].
	Unended int `json:"unended,omitempty"`
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
	if r.Astray() {
		s.Astray++
	}
	if r.Unended() {
		s.Unended++
	}
	if r.Skipped {
		s.Skipped++
		return
	}
	s.Drawn += r.Drawn
	s.RequestSeconds += r.Seconds
	s.WaitedSeconds += r.Waited
	s.BytesRead += r.BytesRead
	s.BytesWritten += r.BytesWritten
}

// ErrSummary reports a summary that cannot be read.
var ErrSummary = errors.New("bad summary")

// maxSummaryBytes bounds a summary.
const maxSummaryBytes = 1 << 20

// ReadSummary reads the summary of the last run into a folder. The error wraps
// [ErrSummary], or is the file system's.
func ReadSummary(dir string) (Summary, error) {
	f, err := store.Open(store.Join(dir, SummaryFile))
	if err != nil {
		return Summary{}, err
	}
	defer f.Close()
	return DecodeSummary(f)
}

// DecodeSummary reads the bytes of a summary. The error wraps [ErrSummary].
func DecodeSummary(r io.Reader) (s Summary, err error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSummaryBytes+1))
	if err != nil {
		return s, err
	}
	if len(data) > maxSummaryBytes {
		return s, fmt.Errorf("report: %w: over %d bytes", ErrSummary, maxSummaryBytes)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return Summary{}, fmt.Errorf("report: %w: %w", ErrSummary, err)
	}
	return s, nil
}

func encodeSummary(w io.Writer, s Summary) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}
