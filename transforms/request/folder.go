package request

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// folder is a folder of the file system as an fs.FS. Unlike os.DirFS it takes
// names that are not UTF-8, so that no file is passed over in silence.
type folder string

func (d folder) path(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

// Open opens a file of the folder.
func (d folder) Open(name string) (fs.File, error) { return os.Open(d.path(name)) }

// Stat follows links.
func (d folder) Stat(name string) (fs.FileInfo, error) { return os.Stat(d.path(name)) }

// ReadDir lists a folder of the folder.
func (d folder) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(d.path(name)) }

// folderFault returns an error wrapping [ErrFolder] if path is a folder. It says
// what to type instead.
func folderFault(path string) error {
	if !isFolder(path) {
		return nil
	}
	pattern := commonPattern(path)
	if pattern == "" {
		return fmt.Errorf("%w: %s is a folder, and empty", ErrFolder, path)
	}
	return fmt.Errorf("%w: %s is a folder; its files are --input '%s'", ErrFolder, path, strings.ReplaceAll(pattern, "'", `'\''`))
}

// maxListed bounds the entries that [commonPattern] looks at.
const maxListed = 1000

// commonPattern returns the pattern of the most common extension in a folder, or
// of what lies deeper; it is "" for an empty folder.
func commonPattern(dir string) string {
	f, err := os.Open(dir)
	if err != nil {
		return path.Join(escape(dir), "*")
	}
	defer f.Close()
	entries, _ := f.ReadDir(maxListed) // what was read before an error counts
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
		if c := cmp.Compare(counts[ext], counts[best]); best == "" || c > 0 || c == 0 && ext < best {
			best = ext
		}
	}
	switch {
	case len(counts) > 0:
		return path.Join(escape(dir), "*"+best)
	case deeper:
		return path.Join(escape(dir), "**", "*.*")
	}
	return ""
}
