package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
)

// Marker records which files of a place are ours, and whether its request is done.
// It is written twice: before the files of a result are moved to their places, to
// claim them, and after.
type Marker struct {
	// Fingerprint is that of the request (see request.Request.Fingerprint). It is
	// empty until the files are in their places.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Source identifies the input: see [Source]. Another input with the same name
	// is another result.
	Source string `json:"source,omitempty"`
	// Run names the run that made the result: see [Run]. A runner may retry a request
	// and then finds the result of its own run.
	Run    string      `json:"run,omitempty"`
	Files  claim.Files `json:"files"`
	Result Result      `json:"result"`
}

// ErrMarker reports a marker that cannot be read.
var ErrMarker = errors.New("not a marker of Morton")

// maxMarkerBytes bounds a marker.
const maxMarkerBytes = 1 << 20

// Whole reports whether the marker is of a finished result.
func (m *Marker) Whole() bool { return m.Fingerprint != "" }

// Of reports whether the marker is of a result that the action made from
// source.
func (m *Marker) Of(action, source string) bool {
	return m.Result.Action == action && m.Source == source
}

// By reports whether the run of that name made the result.
func (m *Marker) By(run string) bool { return run != "" && m.Run == run }

// ReadMarker reads the marker of a place. The error wraps [fs.ErrNotExist] if
// there is none, and [ErrMarker] if there is something else.
func ReadMarker(dir string, p Place) (Marker, error) {
	path := store.Join(dir, p.Marker())
	data, err := store.ReadFile(path, maxMarkerBytes)
	var m Marker
	switch {
	case errors.Is(err, store.ErrTooLarge):
		err = fmt.Errorf("%w: over %d bytes", ErrMarker, maxMarkerBytes)
	case err != nil:
		return Marker{}, err
	default:
		m, err = DecodeMarker(bytes.NewReader(data))
	}
	if err == nil && (Place{m.Result.Family, m.Result.ID}) != p {
		err = fmt.Errorf("%w: of %s/%s", ErrMarker, m.Result.Family, m.Result.ID)
	}
	if err != nil {
		return Marker{}, fmt.Errorf("report.ReadMarker: %s: %w", path, err)
	}
	return m, nil
}

// DecodeMarker reads the bytes of a marker. The error wraps [ErrMarker].
func DecodeMarker(r io.Reader) (m Marker, err error) {
	data, err := io.ReadAll(io.LimitReader(r, maxMarkerBytes+1))
	if err != nil {
		return m, err
	}
	if len(data) > maxMarkerBytes {
		return m, fmt.Errorf("%w: over %d bytes", ErrMarker, maxMarkerBytes)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return Marker{}, fmt.Errorf("%w: %w", ErrMarker, err)
	}
	if err := m.validate(); err != nil {
		return Marker{}, err
	}
	return m, nil
}

// validate refuses a marker that no run writes.
func (m *Marker) validate() error {
	if err := errors.Join(m.Files.Validate(), m.Result.validate()); err != nil {
		return fmt.Errorf("%w: %w", ErrMarker, err)
	}
	return nil
}

// EncodeMarker writes a marker.
func EncodeMarker(w io.Writer, m Marker) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(m)
}

// put writes the marker to its place. A first one must not replace anything.
func (m *Marker) put(dir string, first bool) error {
	path := store.Join(dir, Place{m.Result.Family, m.Result.ID}.Marker())
	if err := store.MkdirAll(store.Dir(path)); err != nil {
		return err
	}
	fill := func(w io.Writer) error { return EncodeMarker(w, *m) }
	if !first {
		return store.Replace(path, fill)
	}
	err := store.New(path, fill)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %w", claim.ErrNotOurs, err)
	}
	return err
}

// Done returns the result of an earlier run of the same request. It returns false if
// there is no marker, if it is of another request, or if one of its files changed. The
// result counts as skipped unless the run of that name made it.
func Done(dir, fingerprint, run string, p Place) (Result, bool) {
	m, err := ReadMarker(dir, p)
	if err != nil || m.Fingerprint != fingerprint || !m.Files.Whole(dir) {
		return Result{}, false
	}
	m.Result.Skipped = !m.By(run)
	return m.Result, true
}

func cutExt(name, ext string) (string, bool) {
	if filepath.Ext(name) != ext {
		return "", false
	}
	return name[:len(name)-len(ext)], true
}
