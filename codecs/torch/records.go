package torch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// readTable returns the archive's entries by name. It reads the directory at the
// end of the file and no entry.
func readTable(r io.ReaderAt, sizeBytes int64) (map[string]*zip.File, error) {
	n, err := entryCount(r, sizeBytes)
	if err != nil {
		return nil, err
	}
	if n > MaxRecords {
		return nil, fmt.Errorf("%w: archive of %d entries, limit %d", ErrLimit, n, MaxRecords)
	}
	z, err := zip.NewReader(&meter{r, maxTableBytes}, sizeBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: archive: %w", ErrFormat, err)
	}
	entries := make(map[string]*zip.File, len(z.File))
	for _, f := range z.File {
		if entries[f.Name] != nil {
			return nil, fmt.Errorf("%w: archive has two entries %.100q", ErrFormat, f.Name)
		}
		entries[f.Name] = f
	}
	return entries, nil
}

// meter is a reader that fails with [ErrLimit] after a number of bytes.
type meter struct {
	r    io.ReaderAt
	left int64
}

func (m *meter) ReadAt(p []byte, at int64) (int, error) {
	if m.left -= int64(len(p)); m.left < 0 {
		return 0, fmt.Errorf("%w: archive's table of more than %d bytes", ErrLimit, maxTableBytes)
	}
	return m.r.ReadAt(p, at)
}

const (
	endBytes     = 22 // of the end record, without its comment
	locatorBytes = 20 // of the zip64 locator before it
)

// entryCount returns the number of entries in the archive's end record:
//
//	"PK\5\6" | 4 x u16, the last two of them entries | 2 x u32 | u16 comment bytes | comment
//
// archive/zip allocates that many before it reads the first one.
func entryCount(r io.ReaderAt, sizeBytes int64) (uint64, error) {
	tail := make([]byte, min(sizeBytes, endBytes+locatorBytes+1<<16))
	base := sizeBytes - int64(len(tail))
	if _, err := r.ReadAt(tail, base); err != nil && err != io.EOF {
		return 0, err
	}
	end := bytes.LastIndex(tail[:max(0, len(tail)-endBytes+4)], []byte("PK\x05\x06"))
	if end < 0 {
		return 0, fmt.Errorf("%w: no end of an archive", ErrFormat)
	}
	n := uint64(binary.LittleEndian.Uint16(tail[end+10:]))
	if end < locatorBytes || !bytes.HasPrefix(tail[end-locatorBytes:], []byte("PK\x06\x07")) {
		return n, nil
	}
	at := binary.LittleEndian.Uint64(tail[end-locatorBytes+8:])
	wide := make([]byte, 40) // "PK\6\6" ... u64 entries
	if at > uint64(sizeBytes) {
		return 0, fmt.Errorf("%w: end of the archive at byte %d of %d", ErrFormat, at, sizeBytes)
	}
	if _, err := r.ReadAt(wide, int64(at)); err != nil {
		return 0, fmt.Errorf("%w: end of the archive: %w", ErrFormat, err)
	}
	return max(n, binary.LittleEndian.Uint64(wide[32:])), nil
}
