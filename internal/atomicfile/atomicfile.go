package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// File is an unfinished file under a temporary name. It is an io.Writer and
// an io.WriterAt through the embedded file. Not safe for concurrent use.
type File struct {
	*os.File
	path string
	done bool
}

// createTries bounds the search for a free temporary name: with 64 random bits
// one try is enough unless the folder refuses new files.
const createTries = 16

// Create opens a new temporary file in path's folder, named
// ".<base>.<16 hex digits>.tmp". The file has the permissions an ordinary
// os.Create would give it.
func Create(path string) (*File, error) {
	dir, base := filepath.Split(path)
	if base == "" {
		return nil, fmt.Errorf("atomicfile.Create: %w: no file name in %q", fs.ErrInvalid, path)
	}
	for range createTries {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%016x.tmp", base, rand.Uint64()))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("atomicfile.Create: %w", err)
		}
		return &File{File: f, path: path}, nil
	}
	return nil, fmt.Errorf("atomicfile.Create: %w: no free temporary name beside %q", fs.ErrExist, path)
}

// Commit syncs the file, closes it, renames it to its place and syncs the
// folder. On an error the temporary file is gone and the place is untouched.
func (f *File) Commit() error {
	if f.done {
		return fmt.Errorf("atomicfile.Commit: %w: %s", fs.ErrClosed, f.path)
	}
	f.done = true
	err := f.Sync()
	if cerr := f.File.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("atomicfile.Commit: %w", err)
	}
	return syncFolder(filepath.Dir(f.path))
}

// Abort closes and removes the temporary file. After Commit or a first Abort
// it does nothing.
func (f *File) Abort() error {
	if f.done {
		return nil
	}
	f.done = true
	err := f.File.Close()
	if rerr := os.Remove(f.Name()); err == nil {
		err = rerr
	}
	return err
}

// syncFolder makes a rename in dir durable. Some file systems refuse to sync a
// folder; the rename itself has happened by then, so that is no failure.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	_ = d.Sync()
	return nil
}
