package request

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/morton-gen/morton/internal/store"
)

// Matches are the files that patterns name.
type Matches struct {
	Paths []string // see [Match]
	Again int      // repeated names of one file, left out
}

// Match returns the files that the patterns name, each once, sorted within a pattern. A pattern is that of
// filepath.Match; "**" stands for any number of folders, and "{a,b}" for one of the words. In a store it is
// matched against keys. Hidden files are matched only by patterns with the dot, and "**" does not follow links to
// folders, since these may form cycles.
//
// A word without pattern characters is a path, and so is the name of an existing file. A path is returned even if
// it does not exist, since its failure belongs to the run. Among other words that also holds for a pattern
// without matches and a folder, and always for a folder that cannot be listed. A file counts once, however it is
// spelled or linked.
//
// The error wraps [ErrNoMatch], [ErrFolder], or filepath.ErrBadPattern.
func Match(patterns []string) ([]string, error) {
	m, err := Expand(patterns)
	return m.Paths, err
}

// Expand is [Match] that also counts what it left out.
func Expand(patterns []string) (Matches, error) {
	var m Matches
	var faults []error // of patterns without a file
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

// expand returns the paths of one pattern. fault is the reason why it names no
// file; the pattern is then the only path.
func expand(pattern string) (paths []string, fault, err error) {
	switch _, err := store.Lstat(pattern); {
	case errors.Is(err, store.ErrUnavailable): // to ask for a folder would take as long
		return []string{pattern}, err, nil
	case err == nil || !isPattern(pattern):
		return []string{pattern}, folderFault(pattern), nil
	}
	if store.Stored(pattern) {
		return expandStored(pattern)
	}
	paths, closed, err := glob(pattern)
	if err != nil {
		return nil, nil, err
	}
	paths = slices.DeleteFunc(paths, isFolder)
	if len(paths) == 0 {
		fault = noMatch(pattern, closed)
	}
	if paths = slices.AppendSeq(paths, maps.Keys(closed)); len(paths) == 0 {
		paths = []string{pattern}
	}
	slices.Sort(paths)
	return slices.Compact(paths), fault, nil
}

// noMatch explains why a pattern has no matches. closed are the folders that could
// not be listed.
func noMatch(pattern string, closed map[string]error) error {
	for _, dir := range slices.Sorted(maps.Keys(closed)) {
		return fmt.Errorf("%w: %s (%w)", ErrNoMatch, pattern, closed[dir])
	}
	if strings.HasPrefix(pattern, "~") {
		return fmt.Errorf("%w: %s (in quotes ~ is not your home folder)", ErrNoMatch, pattern)
	}
	return fmt.Errorf("%w: %s", ErrNoMatch, pattern)
}

func isPattern(s string) bool { return strings.ContainsAny(s, `*?[{\`) }

// glob returns the matches of a pattern, folders too, and folders that could
// not be listed.
func glob(pattern string) (paths []string, closed map[string]error, err error) {
	options := []doublestar.GlobOption{doublestar.WithNoHidden()}
	if strings.Contains(pattern, "**") {
		options = append(options, doublestar.WithNoFollow())
	}
	base, rest := doublestar.SplitPattern(filepath.ToSlash(filepath.Clean(pattern)))
	dir := &folder{root: base, closed: map[string]error{}}
	paths, err = doublestar.Glob(dir, rest, options...)
	if errors.Is(err, doublestar.ErrBadPattern) {
		return nil, nil, filepath.ErrBadPattern
	}
	for i, p := range paths {
		paths[i] = filepath.Join(base, p)
	}
	return paths, dir.closed, err
}

func isFolder(path string) bool {
	info, err := store.Stat(path)
	return err == nil && info.IsDir()
}

// escape escapes pattern characters in a name.
func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`, `}`, `\}`).Replace(name)
}
