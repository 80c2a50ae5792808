package atomicfile

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// Write gives the file at path the bytes that fill writes. They go to a fresh
// hidden name in the same folder, are synced, and take the wanted name by a
// rename; on any error nothing is left behind and the old file stays. Missing
// folders are made.
func Write(path string, fill func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".partial-*-"+filepath.Base(path))
	if err != nil {
		return err
	}
	if err := finish(f, fill); err != nil {
		f.Close()
		os.Remove(f.Name())
		return err
	}
	return os.Rename(f.Name(), path)
}

// finish fills, syncs and closes f, which is for its owner alone until then.
func finish(f *os.File, fill func(io.Writer) error) error {
	w := bufio.NewWriter(f)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}
