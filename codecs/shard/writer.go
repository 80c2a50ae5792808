package shard

import (
	"bufio"
	"fmt"
	"io"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// groupBytes is the size at which a writer ends a row group. A reader decodes
// whole row groups, so it sets the cost of one At: about a millisecond.
const groupBytes = 1 << 20

// maxGroups is Parquet's limit on row groups.
const maxGroups = 1<<15 - 1

// Writer writes one shard. Equal samples in equal order give equal bytes. It
// is not safe for concurrent use.
type Writer struct {
	file    *atomicfile.File
	buffer  *bufio.Writer
	parquet *fileWriter
	pending int   // bytes in the open row group
	err     error // the first failure, which later calls return
}

// Create starts a shard that appears at path when Close succeeds. Until then it
// has a temporary name in the same folder.
func Create(path string) (*Writer, error) {
	file, err := atomicfile.Create(path)
	if err != nil {
		return nil, fmt.Errorf("shard.Create: %w", err)
	}
	w, err := newWriter(file)
	if err != nil {
		file.Abort()
		return nil, fmt.Errorf("shard.Create: %w", err)
	}
	w.file = file
	return w, nil
}

func newWriter(to io.Writer) (*Writer, error) {
	b := bufio.NewWriter(to)
	p, err := newFileWriter(b)
	return &Writer{buffer: b, parquet: p}, err
}

// Write appends s and retains nothing of it. After an error wrapping
// [ErrSample] the writer remains usable; after an I/O error it does not.
func (w *Writer) Write(s Sample) error {
	if w.err != nil {
		return fmt.Errorf("shard.Write: %w", w.err)
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("shard.Write: %w", err)
	}
	if err := w.write(&s); err != nil {
		w.err = err
		return fmt.Errorf("shard.Write: %w", err)
	}
	return nil
}

func (w *Writer) write(s *Sample) error {
	if err := w.parquet.add(s); err != nil {
		return err
	}
	w.pending += s.sizeBytes()
	if w.pending < groupBytes {
		return nil
	}
	return w.flush()
}

func (w *Writer) flush() error {
	w.pending = 0
	if len(w.parquet.groups) == maxGroups {
		return fmt.Errorf("%w: %d row groups, start another shard", ErrLimit, maxGroups)
	}
	return w.parquet.flush()
}

// Close finishes the file, syncs it and renames it to its path. After an error,
// path is as it was before.
func (w *Writer) Close() error {
	err := w.err
	w.err = ErrClosed
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		w.file.Abort()
		return fmt.Errorf("shard.Close: %w", err)
	}
	if err := w.file.Commit(); err != nil {
		return fmt.Errorf("shard.Close: %w", err)
	}
	return nil
}

func (w *Writer) finish() error {
	if err := w.parquet.end(); err != nil {
		return err
	}
	return w.buffer.Flush()
}

// Abort discards the shard and removes the temporary file. After Close or Abort
// it does nothing.
func (w *Writer) Abort() error {
	w.err = ErrClosed
	return w.file.Abort()
}
