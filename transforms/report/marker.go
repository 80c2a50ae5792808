package report

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// Marker says that a request is done. It is written after everything else of
// the request, so where it stands the rest does too.
type Marker struct {
	Fingerprint string `json:"fingerprint"` // see request.Request.Fingerprint
	Result      Result `json:"result"`
}

// maxMarkerBytes bounds a marker that is read back.
const maxMarkerBytes = 1 << 20

// WriteMarker writes the marker of a result in the run's folder.
func WriteMarker(dir, fingerprint string, r Result) error {
	path := filepath.Join(dir, Place{r.Family, r.ID}.Marker())
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(Marker{Fingerprint: fingerprint, Result: r})
	})
}

// Done returns the result of an earlier run that did the same, or false: there
// is no marker, it is another request's, or a file that it names is gone.
func Done(dir, fingerprint string, p Place) (Result, bool) {
	m, ok := readMarker(filepath.Join(dir, p.Marker()))
	if !ok || m.Fingerprint != fingerprint {
		return Result{}, false
	}
	r := m.Result
	for _, file := range []string{r.Output, r.OBJ, r.Poster, p.Tokens()} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			return Result{}, false
		}
	}
	r.Skipped = true
	return r, true
}

// readMarker reads a marker; one that cannot be read is as good as none.
func readMarker(path string) (m Marker, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return m, false
	}
	defer f.Close()
	err = json.NewDecoder(io.LimitReader(f, maxMarkerBytes)).Decode(&m)
	return m, err == nil
}
