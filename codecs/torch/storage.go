package torch

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
)

// storage is one record of numbers.
type storage struct {
	r          io.ReaderAt
	name       string
	at, packed int64 // offset and size in the file
	bytes      int64 // once inflated
	deflated   bool
}

// maxRatio is the best compression ratio of deflate: 258 bytes in two bits.
const maxRatio = 1032

// newStorage returns the storage of an entry. It reads the 30 bytes before the
// entry's data.
func newStorage(r io.ReaderAt, sizeBytes int64, f *zip.File) (*storage, error) {
	at, err := f.DataOffset()
	if err != nil {
		return nil, fmt.Errorf("%w: record %.100q: %w", ErrFormat, f.Name, err)
	}
	s := &storage{r: r, name: f.Name, at: at, packed: int64(f.CompressedSize64), bytes: int64(f.UncompressedSize64), deflated: f.Method == zip.Deflate}
	switch {
	case f.Flags&1 != 0 || f.Method != zip.Store && f.Method != zip.Deflate:
		return nil, fmt.Errorf("%w: record %.100q is encrypted, or packed by method %d", ErrFormat, f.Name, f.Method)
	case at < 0 || at > sizeBytes || f.CompressedSize64 > uint64(sizeBytes-at):
		return nil, fmt.Errorf("%w: record %.100q leaves the file", ErrFormat, f.Name)
	case !s.deflated && f.CompressedSize64 != f.UncompressedSize64, f.UncompressedSize64/maxRatio > f.CompressedSize64:
		return nil, fmt.Errorf("%w: record %.100q of %d bytes cannot hold %d", ErrFormat, f.Name, f.CompressedSize64, f.UncompressedSize64)
	}
	return s, nil
}

// read returns n bytes from offset from, which must be inside the storage.
func (s *storage) read(from, n int64) ([]byte, error) {
	if s.deflated {
		return s.inflate(from, n)
	}
	b := make([]byte, n)
	if _, err := s.r.ReadAt(b, s.at+from); err != nil {
		return nil, fmt.Errorf("record %.100q: %w", s.name, err)
	}
	return b, nil
}

// inflate is read for a deflated record. The slice grows with the data, not with
// the size the archive claims.
func (s *storage) inflate(from, n int64) ([]byte, error) {
	in := flate.NewReader(io.NewSectionReader(s.r, s.at, s.packed))
	defer in.Close()
	var out bytes.Buffer
	_, err := io.CopyN(io.Discard, in, from)
	if err == nil {
		_, err = io.CopyN(&out, in, n)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: record %.100q: %w", ErrFormat, s.name, err)
	}
	return out.Bytes(), nil
}
