package request

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/morton-gen/morton/internal/store"
)

// folder is a folder as an fs.FS. Unlike os.DirFS it accepts names that are not
// UTF-8, and it records what it cannot list, so that no file is skipped
// silently.
type folder struct {
	root   string
	closed map[string]error // folders that cannot be listed, and why
}

func (d *folder) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

// Open opens a file of the folder.
func (d *folder) Open(name string) (fs.File, error) { return os.Open(d.path(name)) }

// Stat follows links.
func (d *folder) Stat(name string) (fs.FileInfo, error) {
	info, err := os.Stat(d.path(name))
	if errors.Is(err, fs.ErrPermission) {
		d.closed[d.path(name)] = err
	}
	return info, err
}

// ReadDir lists a subfolder.
func (d *folder) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(d.path(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		d.closed[d.path(name)] = err
	}
	return entries, err
}

// folderFault returns an error wrapping [ErrFolder] if path is a folder, or the file
// system's if it cannot be opened. It suggests a pattern.
func folderFault(path string) error {
	if !isFolder(path) {
		return nil
	}
	pattern, err := commonPattern(path)
	if err != nil {
		return err
	}
	if pattern == "" {
		return fmt.Errorf("%w: %s is a folder, and empty", ErrFolder, path)
	}
	return fmt.Errorf("%w: %s is a folder; its files are --input '%s'", ErrFolder, path, strings.ReplaceAll(pattern, "'", `'\''`))
}

// maxListed bounds the entries that [commonPattern] reads.
const maxListed = 1000

// besides are extensions of files that lie beside inputs: they are suggested only where
// nothing else is.
var besides = []string{".bin", ".json", ".jsonl", ".md", ".mtl", ".txt"}

func rank(ext string) int {
	if slices.Contains(besides, ext) {
		return 0
	}
	return 1
}

// commonPattern returns a pattern for the most common extension in a folder, or
// in its subfolders, or "" if it is empty.
func commonPattern(dir string) (string, error) {
	entries, err := someOf(dir)
	if err != nil {
		return "", err
	}
	counts := map[string]int{}
	best, deeper := "", false
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if e.IsDir() {
			deeper = true
			continue
		}
		ext := escape(filepath.Ext(e.Name()))
		counts[ext]++
		if best == "" || cmp.Or(cmp.Compare(rank(ext), rank(best)), cmp.Compare(counts[ext], counts[best]), cmp.Compare(best, ext)) > 0 {
			best = ext
		}
	}
	switch {
	case len(counts) > 0:
		return store.Join(escape(dir), "*"+best), nil
	case deeper:
		return store.Join(escape(dir), "**", "*.*"), nil
	}
	return "", nil
}

// someOf returns at least maxListed entries of a folder, or all. Entries read before
// an error count.
func someOf(dir string) ([]fs.DirEntry, error) {
	if store.Stored(dir) {
		return store.ReadDir(dir)
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, _ := f.ReadDir(maxListed)
	return entries, nil
}
