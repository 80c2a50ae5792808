package claim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/internal/store"
)

// Errors a caller can branch on.
var (
	// ErrNotOurs reports a file in the place of a result that no run made.
	ErrNotOurs = errkind.New("not_ours", "no run of morton made it")
	// ErrChanged reports a file that was changed after a run made it.
	ErrChanged = errkind.New("changed", "changed since a run made it")
	// ErrInput reports an input in the place of a result.
	ErrInput = errkind.New("is_input", "an input of this run")
	// ErrFiles reports invalid claims.
	ErrFiles = errors.New("bad list of files")
)

// File is a marker's claim of one file.
type File struct {
	Path   string `json:"path"` // relative to the run's folder
	Size   int64  `json:"size"` // in bytes
	SHA256 string `json:"sha256"`
}

// Files are claims. While a file is replaced there are two for its path.
type Files []File

// maxFiles bounds the claims of one marker. A page has a file per drawn result.
const maxFiles = 1 << 23

// Validate returns an error wrapping [ErrFiles] for an invalid claim, such as one
// of a file outside the run's folder.
func (f Files) Validate() error {
	if len(f) > maxFiles {
		return fmt.Errorf("claim.Validate: %w: %d files, at most %d", ErrFiles, len(f), maxFiles)
	}
	for _, c := range f {
		if sum, err := hex.DecodeString(c.SHA256); !filepath.IsLocal(c.Path) || c.Size < 0 || err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("claim.Validate: %w: %q of %d bytes, SHA-256 %q", ErrFiles, c.Path, c.Size, c.SHA256)
		}
	}
	return nil
}

// Of returns the claims of one path.
func (f Files) Of(path string) Files {
	var of Files
	for _, c := range f {
		if c.Path == path {
			of = append(of, c)
		}
	}
	return of
}

// byPath returns the claims of each path.
func (f Files) byPath() map[string]Files {
	all := make(map[string]Files, len(f))
	for _, c := range f {
		all[c.Path] = append(all[c.Path], c)
	}
	return all
}

// And returns the claims of both, those of f first.
func (f Files) And(other Files) Files {
	all := slices.Clone(f)
	known := make(map[File]bool, len(f))
	for _, c := range f {
		known[c] = true
	}
	for _, c := range other {
		if !known[c] {
			known[c] = true
			all = append(all, c)
		}
	}
	return all
}

// Whole reports whether every claimed file is in dir unchanged. Contents are
// read only if the size matches.
func (f Files) Whole(dir string) bool {
	for _, c := range f {
		if got, err := describe(dir, c.Path, func(n int64) bool { return n == c.Size }); err != nil || got != c {
			return false
		}
	}
	return true
}

// errSize ends reading a file of the wrong size.
var errSize = errors.New("another size")

// describe reads the file at path in dir if its size is wanted.
func describe(dir, path string, wanted func(size int64) bool) (File, error) {
	place := store.Join(dir, path)
	if store.Stored(place) { // saves a download
		if info, err := store.Lstat(place); err != nil {
			return File{}, err
		} else if !wanted(info.Size()) {
			return File{}, errSize
		}
	}
	f, err := store.Open(place)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return File{}, err
	case !info.Mode().IsRegular():
		return File{}, &fs.PathError{Op: "read", Path: place, Err: fs.ErrInvalid}
	case !wanted(info.Size()):
		return File{}, errSize
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	return File{Path: path, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}
