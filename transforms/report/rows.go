package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// Names of the files in a run's folder.
const (
	ResultsFile  = "results.jsonl"
	FailuresFile = "failures.jsonl"
	SummaryFile  = "summary.json"
)

// ErrRows reports a file of rows that cannot be read.
var ErrRows = errors.New("bad rows")

// maxRowBytes bounds a line that is read back.
const maxRowBytes = 1 << 20

// ReadResults reads the results of earlier runs; no file means none.
func ReadResults(dir string) ([]Result, error) { return readRows[Result](dir, ResultsFile) }

// ReadFailures reads the failures of earlier runs; no file means none.
func ReadFailures(dir string) ([]Failure, error) { return readRows[Failure](dir, FailuresFile) }

func readRows[T any](dir, name string) ([]T, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var rows []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxRowBytes)
	for number := 1; lines.Scan(); number++ {
		var row T
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("report: %w: %s line %d: %w", ErrRows, f.Name(), number, err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("report: %w: %s: %w", ErrRows, f.Name(), err)
	}
	return rows, nil
}

func writeRows[T any](dir, name string, rows []T) error {
	return atomicfile.Write(filepath.Join(dir, name), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		for i := range rows {
			if err := e.Encode(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
