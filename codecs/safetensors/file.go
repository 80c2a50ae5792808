package safetensors

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// File is an open, memory-mapped file. Its methods are safe for concurrent use,
// except Close.
type File struct {
	once   sync.Once
	mapped []byte // nil when closed
	header *header
}

// Open maps the file at path and checks its header. Tensor data is read from
// disk on access. The file must not shrink while it is open: an access beyond
// its end kills the process. The error wraps [ErrNotSafetensors], [ErrCorrupt]
// or [ErrLimit], or is the file system's.
func Open(path string) (*File, error) {
	b, err := mapFile(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors.Open: %s: %w", path, err)
	}
	h, err := parse(b)
	if err != nil {
		_ = unix.Munmap(b)
		return nil, fmt.Errorf("safetensors.Open: %s: %w", path, err)
	}
	return &File{mapped: b, header: h}, nil
}

func mapFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe would wait for its writer
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if !info.Mode().IsRegular() || size < prefixBytes || size != int64(int(size)) {
		return nil, fmt.Errorf("%w: %v of %d bytes", ErrNotSafetensors, info.Mode(), size)
	}
	return unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

// Close unmaps the file. Data slices of its tensors become invalid: an access
// kills the process.
func (f *File) Close() (err error) {
	f.once.Do(func() {
		b := f.mapped
		f.mapped = nil
		err = unix.Munmap(b)
	})
	return err
}

// Names returns the tensors' names, sorted.
func (f *File) Names() []string {
	return slices.Sorted(maps.Keys(f.header.tensors))
}

// Metadata returns a copy of the file's metadata, or nil if it has none.
func (f *File) Metadata() map[string]string {
	return maps.Clone(f.header.metadata)
}

// Tensor returns the named tensor. Its Data is a read-only view into the
// mapping, valid until Close and possibly unaligned. The error wraps
// [ErrNotFound] or [ErrClosed].
func (f *File) Tensor(name string) (Tensor, error) {
	if f.mapped == nil {
		return Tensor{}, fmt.Errorf("safetensors.Tensor: %w", ErrClosed)
	}
	e, ok := f.header.tensors[name]
	if !ok {
		return Tensor{}, fmt.Errorf("safetensors.Tensor: %w: %q", ErrNotFound, name)
	}
	data := f.mapped[f.header.end+e.from : f.header.end+e.to : f.header.end+e.to]
	return Tensor{DType: e.dtype, Shape: slices.Clone(e.shape), Data: data}, nil
}

// Parse parses a file's bytes, which it retains and which must not change. The
// errors are those of [Open].
func Parse(data []byte) (*File, error) {
	if len(data) < prefixBytes {
		return nil, fmt.Errorf("safetensors.Parse: %w: %d bytes", ErrNotSafetensors, len(data))
	}
	h, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("safetensors.Parse: %w", err)
	}
	f := &File{mapped: data, header: h}
	f.once.Do(func() {}) // nothing to unmap
	return f, nil
}
