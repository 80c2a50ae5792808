package request

import (
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/internal/store"
)

// files is a set of files by identity, not by spelling.
type files struct {
	spelled map[string]bool
	found   map[stamp][]os.FileInfo
}

// stamp is equal for two names of one file, and rarely for two files.
type stamp struct{ size, time int64 }

// add reports whether path is a new file, and adds it. A missing file is
// identified by its spelling.
func (s *files) add(path string) bool {
	if s.spelled == nil {
		s.spelled, s.found = map[string]bool{}, map[stamp][]os.FileInfo{}
	}
	clean := path
	if !store.Stored(path) {
		clean = filepath.Clean(path)
	}
	if s.spelled[clean] {
		return false
	}
	s.spelled[clean] = true
	if store.Stored(path) { // an object has one name
		return true
	}
	info, err := os.Stat(path)
	if err != nil {
		return true
	}
	key := stamp{info.Size(), info.ModTime().UnixNano()}
	for _, other := range s.found[key] {
		if os.SameFile(info, other) {
			return false
		}
	}
	s.found[key] = append(s.found[key], info)
	return true
}
