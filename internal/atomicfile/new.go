package atomicfile

import (
	"bufio"
	"io"
	"path/filepath"
)

// New is [Replace] where nothing may stand at path: else the error wraps
// fs.ErrExist.
func New(path string, fill func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	w := bufio.NewWriter(f)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
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
