package atomicfile

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// Write is [Replace] that makes missing folders.
func Write(path string, fill func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return Replace(path, fill)
}

// Replace gives the file at path the bytes that fill writes, through a buffer; on
// any error nothing is left behind and the old file stays. The folder must exist.
func Replace(path string, fill func(io.Writer) error) error {
	f, err := filled(path, fill)
	if err != nil {
		return err
	}
	return f.Commit()
}

// filled is [Create] with the bytes that fill writes, through a buffer; on any error,
// and if fill panics, nothing is left behind.
func filled(path string, fill func(io.Writer) error) (*File, error) {
	f, err := Create(path)
	if err != nil {
		return nil, err
	}
	whole := false
	defer func() {
		if !whole {
			f.Abort()
		}
	}()
	w := bufio.NewWriter(f)
	if err := fill(w); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	whole = true
	return f, nil
}

// WriteFile is [Write] of bytes that are at hand.
func WriteFile(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
