package shard

import (
	"fmt"
	"io"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/parquet-go/parquet-go"
)

// groupBytes is when a writer closes a row group. A reader decodes whole row
// groups, so it is also about what one At costs: a millisecond a group.
const groupBytes = 1 << 20

// maxGroups is Parquet's own bound on row groups.
const maxGroups = 1<<15 - 1

// Writer writes one shard. Equal samples in equal order give equal bytes. It
// is not safe for concurrent use.
type Writer struct {
	file    *atomicfile.File
	parquet *parquet.GenericWriter[any]
	row     parquet.Row
	pending int // bytes in the open row group
	groups  int
	err     error // the first failure; later calls return it
}

// Create begins a shard that will stand at path when Close succeeds. Until
// then it lives under a temporary name in the same folder.
func Create(path string) (*Writer, error) {
	file, err := atomicfile.Create(path)
	if err != nil {
		return nil, fmt.Errorf("shard.Create: %w", err)
	}
	return &Writer{file: file, parquet: newParquetWriter(file)}, nil
}

func newParquetWriter(to io.Writer) *parquet.GenericWriter[any] {
	return parquet.NewGenericWriter[any](to, fileSchema,
		parquet.Compression(&parquet.Zstd),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain),
		parquet.CreatedBy("morton", "1", "shard"))
}

// Write appends s. It keeps nothing of s. It returns an error wrapping
// [ErrSample], after which the writer can go on, or an I/O error, after which
// it cannot.
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
	w.row = appendRow(w.row[:0], s)
	if _, err := w.parquet.WriteRows([]parquet.Row{w.row}); err != nil {
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
	if w.groups++; w.groups > maxGroups {
		return fmt.Errorf("%w: %d row groups, start another shard", ErrLimit, maxGroups)
	}
	return w.parquet.Flush()
}

// Close finishes the file, syncs it and renames it to its place. After an
// error nothing stands there that was not there before.
func (w *Writer) Close() error {
	err := w.err
	w.err = ErrClosed
	if err == nil {
		err = w.parquet.Close()
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

// Abort gives the shard up and removes the temporary file. After Close or a
// first Abort it does nothing.
func (w *Writer) Abort() error {
	w.err = ErrClosed
	return w.file.Abort()
}
