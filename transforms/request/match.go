package request

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Match returns the files that the patterns name, each once, sorted within a
// pattern. A pattern is that of filepath.Match, and "**" stands for any number
// of folders; hidden files are matched only by patterns that name the dot. What
// has no pattern character, or is there under that very name, is a path and
// stays whether or not there is such a file: its failure belongs to the run.
//
// The error wraps [ErrNoMatch], or filepath.ErrBadPattern.
func Match(patterns []string) ([]string, error) {
	var all []string
	seen := map[string]bool{}
	for _, p := range patterns {
		paths, err := matchOne(p)
		if err != nil {
			return nil, fmt.Errorf("request.Match: %w: %s", err, p)
		}
		for _, path := range paths {
			if !seen[path] {
				seen[path] = true
				all = append(all, path)
			}
		}
	}
	return all, nil
}

func matchOne(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, `*?[\`) {
		return []string{pattern}, nil
	}
	if _, err := os.Lstat(pattern); err == nil {
		return []string{pattern}, nil
	}
	paths, err := expand(filepath.ToSlash(pattern))
	if err != nil {
		return nil, err
	}
	if paths = slices.DeleteFunc(paths, isFolder); len(paths) == 0 {
		return nil, ErrNoMatch
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// expand is filepath.Glob with "**".
func expand(pattern string) ([]string, error) {
	before, after, deep := strings.Cut(pattern, "**")
	if !deep {
		paths, err := filepath.Glob(pattern)
		return slices.DeleteFunc(paths, func(p string) bool {
			return hidden(filepath.Base(p)) && !hidden(filepath.Base(pattern))
		}), err
	}
	roots := []string{"."}
	if before != "" {
		var err error
		if roots, err = filepath.Glob(strings.TrimSuffix(before, "/")); err != nil {
			return nil, err
		}
		if before == "/" {
			roots = []string{"/"}
		}
	}
	return descend(roots, strings.TrimPrefix(after, "/"))
}

// descend expands what follows a "**" in every folder below the roots.
func descend(roots []string, rest string) ([]string, error) {
	var all []string
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil // a folder that can't be opened holds no match
			}
			if path != root && hidden(d.Name()) {
				return fs.SkipDir
			}
			paths, err := expand(escape(path) + "/" + max(rest, "*"))
			all = append(all, paths...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return clean(all), nil
}

// escape keeps characters of a folder's name from being read as a pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func clean(paths []string) []string {
	for i, p := range paths {
		paths[i] = filepath.Clean(p)
	}
	return paths
}

func hidden(name string) bool {
	return strings.HasPrefix(name, ".") && name != "." && name != ".."
}
