package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// attempts bounds the search for a free name. With 64 random bits a second
// attempt already indicates another problem.
const attempts = 16

// File is a temporary file with its final path. It is not safe for concurrent
// use.
type File struct {
	*os.File
	path string
	done bool
}

// Create creates a hidden temporary file in the folder of path, which must
// exist. The error wraps [fs.ErrNotExist] or [fs.ErrPermission].
func Create(path string) (*File, error) {
	for range attempts {
		f, err := os.OpenFile(tempName(path), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil && hold(f) {
			return &File{File: f, path: path}, nil
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("atomicfile.Create: no free name beside %s: %w", path, fs.ErrExist)
}

// tempName keeps the extension, since muxers depend on it.
func tempName(path string) string {
	folder, base := filepath.Split(path)
	return filepath.Join(folder, partialName()+"-"+base)
}

// TempPath is the path of the file before Commit.
func (f *File) TempPath() string { return f.Name() }

// Commit syncs and closes the file and renames it to its path, replacing an old
// file. On failure the temporary file is removed and the old file stays.
func (f *File) Commit() error {
	if f.done {
		return fmt.Errorf("atomicfile.Commit: %w", os.ErrClosed)
	}
	f.done = true
	err := f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if aside(f.path) {
		return nil
	}
	return SyncFolder(filepath.Dir(f.path))
}

// Abort removes the temporary file. After Commit or Abort it does nothing.
func (f *File) Abort() error {
	if f.done {
		return nil
	}
	f.done = true
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// SyncFolder makes the renames in a folder survive a power cut.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
