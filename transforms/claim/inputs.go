package claim

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/morton-gen/morton/internal/store"
)

// Inputs are the files that a run reads, by what they are and by where they are. It
// is safe for concurrent use in stores alone.
type Inputs struct {
	nodes   map[node]string   // file -> a name of it
	places  map[string]string // path without links -> a name of it
	folders map[string]string // folder -> the same without links
}

// node identifies a file, whatever its names.
type node struct{ device, inode uint64 }

// NewInputs returns the inputs with these names. The files need not exist.
func NewInputs(paths ...string) *Inputs {
	in := &Inputs{nodes: map[node]string{}, places: map[string]string{}, folders: map[string]string{}}
	for _, path := range paths {
		if path == "" {
			continue
		}
		if n, ok := nodeOf(path); ok {
			in.nodes[n] = path
		}
		in.places[in.resolve(path)] = path
		if store.Stored(path) {
			continue
		}
		if real, err := filepath.EvalSymlinks(path); err == nil {
			in.places[in.resolve(real)] = path
		}
	}
	return in
}

// At returns the input at path, or one that would be read from there. It follows
// hard and symbolic links, also of folders above a missing file.
func (in *Inputs) At(path string) (input string, ok bool) {
	if in == nil {
		return "", false
	}
	if n, ok := nodeOf(path); ok {
		if input, ok := in.nodes[n]; ok {
			return input, true
		}
	}
	input, ok = in.places[in.resolve(path)]
	return input, ok
}

func nodeOf(path string) (node, bool) {
	if store.Stored(path) {
		return node{}, false
	}
	info, err := os.Stat(path)
	if err != nil {
		return node{}, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return node{}, false
	}
	return node{uint64(s.Dev), s.Ino}, true
}

// resolve returns path with the links of its folder followed.
func (in *Inputs) resolve(path string) string {
	if store.Stored(path) {
		return store.Join(path)
	}
	folder, base := filepath.Split(filepath.Clean(path))
	real, known := in.folders[folder]
	if !known {
		real = Resolve(folder)
		in.folders[folder] = real
	}
	return filepath.Join(real, base)
}

// Resolve returns the absolute path of a folder, with links resolved as far as it
// exists. A place in a store has no links.
func Resolve(folder string) string {
	if store.Stored(folder) {
		return store.Join(folder)
	}
	path, err := filepath.Abs(folder)
	if err != nil {
		return filepath.Clean(folder) // the best name without a working directory
	}
	for rest := ""; ; {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Join(real, rest)
		}
		up := filepath.Dir(path)
		if up == path {
			return filepath.Join(path, rest)
		}
		path, rest = up, filepath.Join(filepath.Base(path), rest)
	}
}
