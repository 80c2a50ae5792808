package diskcache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// MaxBytes bounds a file. A pipeline is some kilobytes to some hundred; a network
// has about fifty.
const MaxBytes = 64 << 20

// maxFiles bounds the files of a folder: a driver's update begins a new one.
const maxFiles = 8

const (
	magic       = "mortonC1"
	headerBytes = len(magic) + sha256.Size + 4
	entryBytes  = sha256.Size + 4
)

var errFile = errors.New("not a cache file, or a damaged one")

// read returns a file's blobs, none where the file is of no use.
func read(path string, key Hash) map[Hash][]byte {
	f, err := os.Open(path)
	if err != nil {
		return map[Hash][]byte{}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return map[Hash][]byte{}
	}
	blobs, err := parse(data, key)
	if err != nil {
		return map[Hash][]byte{}
	}
	return blobs
}

// parse returns views of data, or an error wrapping errFile.
func parse(data []byte, key Hash) (map[Hash][]byte, error) {
	if len(data) < headerBytes+sha256.Size || len(data) > MaxBytes || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: %d bytes", errFile, len(data))
	}
	body, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if Hash(body[len(magic):headerBytes-4]) != key {
		return nil, fmt.Errorf("%w: of another driver or device", errFile)
	}
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, fmt.Errorf("%w: the checksum differs", errFile)
	}
	return entries(body[headerBytes:], binary.LittleEndian.Uint32(body[headerBytes-4:]))
}

// entries reads exactly n of them.
func entries(b []byte, n uint32) (map[Hash][]byte, error) {
	if uint64(n)*uint64(entryBytes) > uint64(len(b)) {
		return nil, fmt.Errorf("%w: %d entries in %d bytes", errFile, n, len(b))
	}
	blobs := make(map[Hash][]byte, n)
	for range n {
		if len(b) < entryBytes {
			return nil, fmt.Errorf("%w: it ends in an entry", errFile)
		}
		h, size := Hash(b[:sha256.Size]), uint64(binary.LittleEndian.Uint32(b[sha256.Size:]))
		b = b[entryBytes:]
		if size > uint64(len(b)) {
			return nil, fmt.Errorf("%w: a blob of %d bytes, %d left", errFile, size, len(b))
		}
		blobs[h] = b[:size:size]
		b = b[size:]
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", errFile, len(b))
	}
	return blobs, nil
}

// encode writes what fits: wanted blobs first, then others, each by hash, so that
// the same blobs give the same bytes.
func encode(key Hash, blobs map[Hash][]byte, wanted map[Hash]bool) []byte {
	var order []Hash
	for h := range blobs {
		order = append(order, h)
	}
	slices.SortFunc(order, func(a, b Hash) int {
		if wanted[a] != wanted[b] {
			if wanted[a] {
				return -1
			}
			return 1
		}
		return bytes.Compare(a[:], b[:])
	})
	out := append([]byte(magic), key[:]...)
	out = append(out, 0, 0, 0, 0)
	n := uint32(0)
	for _, h := range order {
		b := blobs[h]
		if len(out)+entryBytes+len(b)+sha256.Size > MaxBytes {
			continue
		}
		out = append(out, h[:]...)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(b)))
		out = append(out, b...)
		n++
	}
	binary.LittleEndian.PutUint32(out[headerBytes-4:], n)
	sum := sha256.Sum256(out)
	return append(out, sum[:]...)
}

// prune removes the oldest files of path's extension beyond maxFiles.
func prune(path string) error {
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "[^.]*"+filepath.Ext(path)))
	if err != nil || len(names) <= maxFiles {
		return err
	}
	age := map[string]int64{}
	for _, n := range names {
		if info, err := os.Stat(n); err == nil {
			age[n] = info.ModTime().UnixNano()
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(age[b], age[a]) })
	for _, n := range names[maxFiles:] {
		if e := os.Remove(n); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
