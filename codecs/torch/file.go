package torch

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// File is an open file. Its methods and those of its tensors are safe for
// concurrent use, except Close.
type File struct {
	root   any
	closer io.Closer
}

// Open reads the archive's directory and the pickle of the file at path, but no
// tensor. The error wraps [ErrFormat], [ErrLegacy], [ErrUnsafe] or [ErrLimit], or
// is the file system's.
func Open(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe would wait for its writer
	if err != nil {
		return nil, fmt.Errorf("torch.Open: %w", err)
	}
	file, err := openFile(f)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("torch.Open: %s: %w", path, err)
	}
	file.closer = f
	return file, nil
}

func openFile(f *os.File) (*File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %v", ErrFormat, info.Mode())
	}
	return Read(f, info.Size())
}

// Read is [Open] for sizeBytes bytes of r, which it retains.
func Read(r io.ReaderAt, sizeBytes int64) (*File, error) {
	if err := sniff(r); err != nil {
		return nil, err
	}
	a := &archive{r: r, sizeBytes: sizeBytes, storages: map[string]*storage{}}
	var err error
	if a.entries, err = readTable(r, sizeBytes); err != nil {
		return nil, err
	}
	if a.folder, err = a.findPickle(); err != nil {
		return nil, err
	}
	if err := a.checkOrder(); err != nil {
		return nil, err
	}
	in, err := a.readAll("data.pkl", MaxPickleBytes)
	if err != nil {
		return nil, err
	}
	root, err := (&machine{in: in, storage: a.storage}).run()
	if err != nil {
		return nil, err
	}
	return &File{root: root}, nil
}

// Root returns the file's object, nearly always a [*Dict]. The caller must not
// modify it.
func (f *File) Root() any { return f.root }

// Close closes the file. Its tensors can no longer be read.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// magicNumber starts a file from before version 1.6: a pickle of one long
// integer.
const magicNumber = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

// sniff returns an error for a file that is not an archive, judged by its first
// bytes.
func sniff(r io.ReaderAt) error {
	head := make([]byte, len(magicNumber))
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	switch text := string(head[:n]); {
	case n == 0:
		return fmt.Errorf("%w: an empty file", ErrFormat)
	case strings.HasPrefix(text, "PK\x03\x04"):
		return nil
	case text == magicNumber:
		return ErrLegacy
	case strings.HasPrefix(text, "\x80"):
		return fmt.Errorf("%w: a pickle without torch's archive", ErrFormat)
	}
	return fmt.Errorf("%w: it begins with %.8q", ErrFormat, head[:n])
}

// archive finds the records of a file.
type archive struct {
	r         io.ReaderAt
	sizeBytes int64
	entries   map[string]*zip.File
	folder    string // "NAME/", the folder of all records
	storages  map[string]*storage
}

// findPickle returns the folder of the one data.pkl.
func (a *archive) findPickle() (string, error) {
	var found []string
	for name := range a.entries {
		if folder, ok := strings.CutSuffix(name, "data.pkl"); ok && (folder == "" || strings.HasSuffix(folder, "/")) {
			found = append(found, folder)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%w: an archive with %d files data.pkl, not one", ErrFormat, len(found))
	}
	if a.entries[found[0]+"constants.pkl"] != nil {
		return "", fmt.Errorf("%w: a program of TorchScript; torch.save(torch.jit.load(path).state_dict(), new) keeps its weights", ErrFormat)
	}
	return found[0], nil
}

// checkOrder returns an error for big-endian numbers. Files from before version
// 2.1 have no byteorder record and are little-endian.
func (a *archive) checkOrder() error {
	if a.entries[a.folder+"byteorder"] == nil {
		return nil
	}
	order, err := a.readAll("byteorder", 16)
	if err == nil && string(order) != "little" {
		err = fmt.Errorf("%w: byte order %q", ErrFormat, order)
	}
	return err
}

// readAll returns all bytes of a small record.
func (a *archive) readAll(name string, limit int64) ([]byte, error) {
	s, err := newStorage(a.r, a.sizeBytes, a.entries[a.folder+name])
	if err != nil {
		return nil, err
	}
	if s.bytes > limit {
		return nil, fmt.Errorf("%w: %s of %d bytes, limit %d", ErrLimit, name, s.bytes, limit)
	}
	return s.read(0, s.bytes)
}

// storage returns the storage of a key. Its record must have at least n bytes.
func (a *archive) storage(key string, n int64) (*storage, error) {
	s := a.storages[key]
	if s == nil {
		f := a.entries[a.folder+"data/"+key]
		if f == nil {
			return nil, fmt.Errorf("%w: no record of storage %.40q", ErrFormat, key)
		}
		var err error
		if s, err = newStorage(a.r, a.sizeBytes, f); err != nil {
			return nil, err
		}
		a.storages[key] = s
	}
	if s.bytes < n {
		return nil, fmt.Errorf("%w: storage %.40q of %d bytes in a record of %d", ErrFormat, key, n, s.bytes)
	}
	return s, nil
}
