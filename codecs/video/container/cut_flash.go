package container

import (
	"bytes"
	"encoding/binary"
	"io"
)

// cutFLV checks the file's end, which has the length of the tag before it:
//
//	1 kind, 3 body length, 7 times and stream, body, 4 length of all that
//
// The first such length, without a tag, is 0.
func cutFLV(r io.ReaderAt, size int64) bool {
	const header, tag = 9, 11
	if size == header {
		return false
	}
	b := make([]byte, 4)
	if size < header+4 || !readAll(r, b, size-4) {
		return true
	}
	n := int64(binary.BigEndian.Uint32(b))
	if n == 0 && size == header+4 {
		return false
	}
	at := size - 4 - n
	if n < tag || at < header || !readAll(r, b, at) {
		return true
	}
	return n != tag+int64(binary.BigEndian.Uint32(b)&0xffffff)
}

// cutASF compares the file's size with that in its properties, 40 bytes after their key.
// In an unfinished recording the size is 0 and bit 0 at 88 is set.
func cutASF(r io.ReaderAt, size int64) bool {
	const sizeAt, flagsAt, length = 40, 88, 104
	head := make([]byte, min(size, 1<<16))
	if !readAll(r, head, 0) {
		return true
	}
	at := bytes.Index(head, []byte("\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"))
	if at < 0 || at+length > len(head) {
		return false
	}
	told := binary.LittleEndian.Uint64(head[at+sizeAt:])
	live := head[at+flagsAt]&1 != 0
	return !live && told > uint64(size)
}

func readAll(r io.ReaderAt, b []byte, at int64) bool {
	n, _ := r.ReadAt(b, at)
	return n == len(b)
}
