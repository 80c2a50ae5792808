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
	folders map[string]map[string]fs.DirEntry // nil if it could not be listed
}

// NewStanding returns a Standing that has listed nothing yet.
func NewStanding(dir string) *Standing {
	return &Standing{dir: dir, folders: map[string]map[string]fs.DirEntry{}}
}

// Gone reports whether a file of the result is missing. Files in a folder that cannot
// be listed count as present.
func (s *Standing) Gone(r *Result) bool {
	for _, file := range []string{r.Output, Place{r.Family, r.ID}.Tokens()} {
		if file == "" {
			continue
		}
		folder := filepath.Dir(file)
		if entries := s.entries(folder); entries == nil {
			continue
		} else if _, there := entries[filepath.Base(file)]; !there {
			return true
		}
	}
	return false
}

// entries lists a folder by name. A missing folder is empty.
func (s *Standing) entries(folder string) map[string]fs.DirEntry {
	if known, listed := s.folders[folder]; listed {
		return known
	}
	list, err := store.ReadDir(store.Join(s.dir, folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.folders[folder] = nil
		return nil
	}
	entries := make(map[string]fs.DirEntry, len(list))
	for _, e := range list {
		entries[e.Name()] = e
	}
	s.folders[folder] = entries
	return entries
}
