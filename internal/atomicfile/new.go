package atomicfile

import (
	"io"
	"path/filepath"
)

// New is [Replace] for a path that must be free; otherwise the error wraps
// fs.ErrExist.
func New(path string, fill func(io.Writer) error) error {
	f, err := filled(path, fill)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := f.Sync(); err != nil {
		return err
	}
	if err := Move(f.Name(), path); err != nil {
		return err
	}
	f.done = true
	if err := f.Close(); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}
