package gltf

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A GLB, all numbers little-endian:
//
//	0  "glTF" | version u32 = 2 | length u32 of the whole file
//	12 length u32 | "JSON" | document, padded with spaces to 4 bytes
//	.. length u32 | "BIN\0" | buffer 0, padded with zeros to 4 bytes   (optional)
//	.. further chunks, which readers skip
const (
	glbMagic    = "glTF"
	chunkJSON   = "JSON"
	chunkBIN    = "BIN\x00"
	headerBytes = 12
	chunkBytes  = 8
)

var byteOrderMark = []byte{0xEF, 0xBB, 0xBF}

// split returns the JSON document and the binary chunk of data, or nil for a
// missing one. Both are views into data.
func split(data []byte) (document, bin []byte, err error) {
	if bytes.HasPrefix(data, []byte(glbMagic)) {
		return splitGLB(data)
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(data, byteOrderMark), " \t\r\n")
	if len(text) == 0 || text[0] != '{' {
		return nil, nil, fmt.Errorf("%w: neither a GLB header nor a JSON object", ErrNotGLTF)
	}
	return text, nil, nil
}

func splitGLB(data []byte) (document, bin []byte, err error) {
	if len(data) < headerBytes {
		return nil, nil, fmt.Errorf("%w: %d bytes, a GLB header has %d", ErrCorrupt, len(data), headerBytes)
	}
	if v := binary.LittleEndian.Uint32(data[4:]); v != 2 {
		return nil, nil, fmt.Errorf("%w: GLB version %d, and only 2 is read", ErrNotGLTF, v)
	}
	length := binary.LittleEndian.Uint32(data[8:])
	if length < headerBytes || uint64(length) > uint64(len(data)) {
		return nil, nil, fmt.Errorf("%w: header says %d bytes, file has %d", ErrCorrupt, length, len(data))
	}
	kind, document, rest, err := nextChunk(data[headerBytes:length])
	if err != nil {
		return nil, nil, err
	}
	if kind != chunkJSON {
		return nil, nil, fmt.Errorf("%w: first chunk is %q, not JSON", ErrCorrupt, kind)
	}
	document = bytes.TrimRight(document, "\x00") // Some writers pad with zeros.
	if len(rest) == 0 {
		return document, nil, nil
	}
	kind, bin, _, err = nextChunk(rest)
	if err != nil || kind != chunkBIN {
		return document, nil, err
	}
	return document, bin, nil
}

func nextChunk(data []byte) (kind string, body, rest []byte, err error) {
	if len(data) < chunkBytes {
		return "", nil, nil, fmt.Errorf("%w: %d bytes where a chunk should start", ErrCorrupt, len(data))
	}
	n := binary.LittleEndian.Uint32(data)
	kind, data = string(data[4:8]), data[chunkBytes:]
	if uint64(n) > uint64(len(data)) {
		return "", nil, nil, fmt.Errorf("%w: chunk of %d bytes, %d left", ErrCorrupt, n, len(data))
	}
	return kind, data[:n], data[n:], nil
}
