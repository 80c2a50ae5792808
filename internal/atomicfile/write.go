package atomicfile

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
)

// Write is [Replace] that creates missing folders.
func Write(path string, fill func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return Replace(path, fill)
}

// Replace replaces the file at path by the bytes that fill writes through a
// buffer. On any error the old file stays and nothing is left behind. The folder
// must exist.
func Replace(path string, fill func(io.Writer) error) error {
	f, err := filled(path, fill)
	if err != nil {
		return err
	}
	return f.Commit()
}

// filled is [Create] with the bytes that fill writes through a buffer. On any error
// or panic of fill nothing is left behind.
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

// WriteFile is [Write] for a byte slice.
func WriteFile(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
