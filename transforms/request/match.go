package request

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Matches are what patterns name.
type Matches struct {
	Paths []string // see [Match]
	Again int      // names that were left out, of files named before
}

// Match returns the files that the patterns name, each once, sorted within a
// pattern. A pattern is that of filepath.Match; "**" stands for any number of
// folders, and "{a,b}" for one of the words. Hidden files are matched only by
// patterns that name the dot, and "**" follows no link to a folder, since links
// may go round.
//
// What has no pattern character, or is there under that very name, is a path and
// stays whether or not there is such a file: its failure belongs to the run. So
// do a pattern that nothing fits and a folder, if anything else is named. A file
// counts once however it is spelled, and through links of both kinds.
//
// The error wraps [ErrNoMatch], [ErrFolder], or filepath.ErrBadPattern.
func Match(patterns []string) ([]string, error) {
	m, err := Expand(patterns)
	return m.Paths, err
}

// Expand is [Match] that also counts what it left out.
func Expand(patterns []string) (Matches, error) {
	var m Matches
	var faults []error // of patterns that name no file
	var seen files
	for _, p := range patterns {
		paths, fault, err := expand(p)
		if err != nil {
			return m, fmt.Errorf("request.Match: %w: %s", err, p)
		}
		if fault != nil {
			faults = append(faults, fault)
		}
		for _, path := range paths {
			if seen.add(path) {
				m.Paths = append(m.Paths, path)
			} else {
				m.Again++
			}
		}
	}
	if len(faults) > 0 && len(faults) == len(patterns) {
		return Matches{}, fmt.Errorf("request.Match: %w", faults[0])
	}
	return m, nil
}

// expand returns the paths of one pattern. A fault says why it names no file; the
// pattern is then the only path.
func expand(pattern string) (paths []string, fault, err error) {
	if _, err := os.Lstat(pattern); err == nil || !isPattern(pattern) {
		return []string{pattern}, folderFault(pattern), nil
	}
	paths, err = glob(pattern)
	if err != nil {
		return nil, nil, err
	}
	if paths = slices.DeleteFunc(paths, isFolder); len(paths) == 0 {
		return []string{pattern}, fmt.Errorf("%w: %s", ErrNoMatch, pattern), nil
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil, nil
}

func isPattern(s string) bool { return strings.ContainsAny(s, `*?[{\`) }

// glob returns what fits a pattern, folders too.
func glob(pattern string) ([]string, error) {
	options := []doublestar.GlobOption{doublestar.WithNoHidden()}
	if strings.Contains(pattern, "**") {
		options = append(options, doublestar.WithNoFollow())
	}
	base, rest := doublestar.SplitPattern(filepath.ToSlash(filepath.Clean(pattern)))
	paths, err := doublestar.Glob(folder(base), rest, options...)
	if errors.Is(err, doublestar.ErrBadPattern) {
		return nil, filepath.ErrBadPattern
	}
	for i, p := range paths {
		paths[i] = filepath.Join(base, p)
	}
	return paths, err
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// escape keeps characters of a name from being read as a pattern.
func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`, `}`, `\}`).Replace(name)
}
