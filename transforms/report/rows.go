package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/request"
)

// Names of the files in a run's folder.
const (
	ResultsFile  = "results.jsonl"
	FailuresFile = "failures.jsonl"
	SummaryFile  = "summary.json"
)

// ErrRows reports a file of rows that cannot be read.
var ErrRows = errors.New("bad rows")

// maxRowBytes bounds a line.
const maxRowBytes = 1 << 20

// maxRows bounds the rows of a file.
const maxRows = request.MaxRequests

// ReadResults reads the results of earlier runs. A missing file means none.
func ReadResults(dir string) ([]Result, error) {
	return readFile(dir, ResultsFile, DecodeResults)
}

// ReadFailures reads the failures of earlier runs. A missing file means none.
func ReadFailures(dir string) ([]Failure, error) {
	return readFile(dir, FailuresFile, DecodeFailures)
}

// DecodeResults reads rows. The error wraps [ErrRows] and names the line.
func DecodeResults(r io.Reader) ([]Result, error) { return decodeRows(r, (*Result).validate) }

// DecodeFailures is DecodeResults for failures.
func DecodeFailures(r io.Reader) ([]Failure, error) { return decodeRows(r, (*Failure).validate) }

// readRows reads both. With overwrite, an unreadable file has no rows.
func readRows(dir string, overwrite bool) (results []Result, failures []Failure, err error) {
	results, err = ReadResults(dir)
	if err != nil && !(overwrite && errors.Is(err, ErrRows)) {
		return nil, nil, suggestOverwrite(err)
	}
	failures, err = ReadFailures(dir)
	if err != nil && !(overwrite && errors.Is(err, ErrRows)) {
		return nil, nil, suggestOverwrite(err)
	}
	return results, failures, nil
}

// suggestOverwrite adds a remedy to the error of unreadable rows.
func suggestOverwrite(err error) error {
	if errors.Is(err, ErrRows) {
		return fmt.Errorf("%w (--overwrite makes the file anew)", err)
	}
	return err
}

func readFile[T any](dir, name string, decode func(io.Reader) ([]T, error)) ([]T, error) {
	path := store.Join(dir, name)
	f, err := store.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

func decodeRows[T any](r io.Reader, validate func(*T) error) ([]T, error) {
	var rows []T
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxRowBytes)
	for number := 1; lines.Scan(); number++ {
		if len(rows) == maxRows {
			return nil, fmt.Errorf("report: %w: over %d", ErrRows, maxRows)
		}
		var row T
		err := json.Unmarshal(lines.Bytes(), &row)
		if err == nil {
			err = validate(&row)
		}
		if err != nil {
			return nil, fmt.Errorf("report: %w: line %d: %w", ErrRows, number, err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("report: %w: %w", ErrRows, err)
	}
	return rows, nil
}

func encodeRows[T any](w io.Writer, rows []T) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for i := range rows {
		if err := e.Encode(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}
