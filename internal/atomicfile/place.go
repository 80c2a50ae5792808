package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// errUnsupported reports a rename that the system or the file system does not
// support.
var errUnsupported = errors.New("no such rename here")

// Move renames the file at temp to path if path is free. Otherwise the error
// wraps [fs.ErrExist], and both files stay. A file that appears concurrently is
// never lost.
func Move(temp, path string) error {
	err := renameNew(temp, path)
	if errors.Is(err, errUnsupported) {
		err = linkNew(temp, path)
	}
	if errors.Is(err, syscall.EXDEV) {
		return across(temp, path, func(near string) error { return Move(near, path) })
	}
	return err
}

// linkNew does the same by a hard link, which never replaces.
func linkNew(temp, path string) error {
	err := os.Link(temp, path)
	if err == nil {
		return os.Remove(temp)
	}
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "rename", Path: path, Err: fs.ErrExist}
	}
	return os.Rename(temp, path) // the best on a file system with neither
}

// Swap replaces the file at path by the one at temp. If may rejects the old file,
// both stay and the error wraps [fs.ErrExist]. may is called after the exchange, so
// a file that appears concurrently is never lost.
func Swap(temp, path string, may func(path string) bool) error {
	err := exchange(temp, path)
	switch {
	case errors.Is(err, errUnsupported):
		if !may(path) {
			return &fs.PathError{Op: "replace", Path: path, Err: fs.ErrExist}
		}
		return os.Rename(temp, path)
	case errors.Is(err, syscall.EXDEV):
		return across(temp, path, func(near string) error { return Swap(near, path, may) })
	case errors.Is(err, fs.ErrNotExist):
		return Move(temp, path) // the old file is gone
	case err != nil:
		return err
	}
	if !may(temp) {
		refused := &fs.PathError{Op: "replace", Path: path, Err: fs.ErrExist}
		return errors.Join(refused, exchange(temp, path))
	}
	return os.Remove(temp)
}

// across copies temp beside path, calls place with the copy, then removes temp.
func across(temp, path string, place func(near string) error) error {
	from, err := os.Open(temp)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := Create(path)
	if err != nil {
		return err
	}
	defer to.Abort()
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	if err := to.Sync(); err != nil {
		return err
	}
	if err := place(to.TempPath()); err != nil {
		return err
	}
	to.done = true
	return errors.Join(to.Close(), os.Remove(temp))
}

// renameError names the file that could not be renamed, or reports an
// unsupported rename.
func renameError(err error, temp, path string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.ENOTSUP):
		return fmt.Errorf("%w: %w", errUnsupported, err)
	}
	return &os.LinkError{Op: "rename", Old: temp, New: path, Err: err}
}
