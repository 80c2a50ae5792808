package request

import (
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/morton-gen/morton/internal/store"
)

// expandStored is expand for a pattern in a store. The bucket and everything before the
// first pattern character is literal.
func expandStored(pattern string) (paths []string, fault, err error) {
	base, rest := doublestar.SplitPattern(pattern)
	if !store.Stored(base) || !doublestar.ValidatePattern(rest) {
		return nil, nil, filepath.ErrBadPattern
	}
	hidden := strings.HasPrefix(rest, ".") || strings.Contains(rest, "/.")
	take := func(name string) {
		if isHidden(name) && !hidden {
			return
		}
		if ok, _ := doublestar.Match(rest, name); ok { // the pattern is valid
			paths = append(paths, store.Join(base, name))
		}
	}
	if strings.Contains(rest, "/") || strings.Contains(rest, "**") {
		literal := rest[:strings.IndexAny(rest, `*?[{\`)]
		err = store.Walk(base, literal, func(name string, _ fs.FileInfo) error {
			take(name)
			return nil
		})
	} else {
		var entries []fs.DirEntry
		entries, err = store.ReadDir(base)
		for _, e := range entries {
			if !e.IsDir() {
				take(e.Name())
			}
		}
	}
	switch {
	case err != nil: // the run reports it, unless no word is valid
		return []string{pattern}, err, nil
	case len(paths) == 0:
		return []string{pattern}, noMatch(pattern, nil), nil
	}
	return paths, nil, nil
}

// isHidden reports whether a part of a name starts with a dot.
func isHidden(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") }
