package report

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/morton-gen/morton/internal/store"
)

// Standing knows which files exist in a run's folder. It lists each folder once, on
// first use, since checking each file takes 50 ms in a store.
type Standing struct {
	dir     string
	folders map[string]listing
}

// listing is what a folder has, or why it could not be listed.
type listing struct {
	entries map[string]fs.DirEntry
	err     error
}

// NewStanding returns a Standing that has listed nothing yet.
func NewStanding(dir string) *Standing {
	return &Standing{dir: dir, folders: map[string]listing{}}
}

// Gone reports whether a file of the result is missing. Files in a folder that cannot
// be listed count as present.
func (s *Standing) Gone(r *Result) bool {
	files := []string{r.Output}
	if r.TokenCount > 0 { // quads along the surface have none
		files = append(files, Place{r.Family, r.ID}.Tokens())
	}
	for _, file := range files {
		if file == "" {
			continue
		}
		folder := filepath.Dir(file)
		if entries, err := s.list(folder); err != nil {
			continue
		} else if _, there := entries[filepath.Base(file)]; !there {
			return true
		}
	}
	return false
}

// list lists a folder, by names. One that is not there is empty.
func (s *Standing) list(folder string) (map[string]fs.DirEntry, error) {
	if known := s.folders[folder]; known.entries != nil || known.err != nil {
		return known.entries, known.err
	}
	list, err := store.ReadDir(store.Join(s.dir, folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.folders[folder] = listing{err: err}
		return nil, err
	}
	entries := make(map[string]fs.DirEntry, len(list))
	for _, e := range list {
		entries[e.Name()] = e
	}
	s.folders[folder] = listing{entries: entries}
	return entries, nil
}
