package video

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
)

// maxElements bounds the walk over a file's outermost elements.
const maxElements = 4096

// cutShort reports whether a file ends before its outermost structure does, which shows
// one missing byte without decoding anything. MPEG streams and live recordings carry no
// length: of these it says false unless a transport packet is cut, and otherwise only a
// damaged last packet gives a cut away.
func cutShort(r io.ReaderAt, size int64, c container) bool {
	switch c.demuxer {
	case "mov":
		return cutWalk(r, size, boxLength)
	case "avi":
		return cutWalk(r, size, riffLength)
	case "matroska":
		return cutWalk(r, size, elementLength)
	case "ogg":
		return cutOgg(r, size)
	case "mpegts":
		return cutPackets(r, size)
	}
	return false
}

// cutPackets: transport packets have one length, 188 bytes, or 192 with a time in front.
func cutPackets(r io.ReaderAt, size int64) bool {
	var sync [1]byte
	if _, err := r.ReadAt(sync[:], 0); err != nil {
		return true
	}
	if sync[0] == 0x47 {
		return size%188 != 0
	}
	return size%192 != 0
}

// toEnd is the length of an element that reaches to the end of the file by definition.
const toEnd = -1

// cutWalk steps from element to element. length gets the next 16 bytes, fewer at the
// file's end, and returns header and body together, or ok = false if even the header is cut.
func cutWalk(r io.ReaderAt, size int64, length func(head []byte) (n int64, ok bool)) bool {
	head := make([]byte, 16)
	at := int64(0)
	for i := 0; i < maxElements && at < size; i++ {
		got, _ := r.ReadAt(head, at)
		n, ok := length(head[:got])
		if !ok || n > size-at {
			return true
		}
		if n == toEnd {
			return false
		}
		at += n
	}
	return false
}

// boxLength reads an ISO box header: u32 length, type, and u64 length if the first is 1.
func boxLength(head []byte) (int64, bool) {
	if len(head) < 8 {
		return 0, false
	}
	n := int64(binary.BigEndian.Uint32(head))
	switch {
	case n == 0:
		return toEnd, true
	case n == 1 && len(head) >= 16:
		n = int64(binary.BigEndian.Uint64(head[8:]))
		return n, n >= 16
	}
	return n, n >= 8
}

// riffLength reads "RIFF", u32 length. Writers put 0 or all ones there until they finish.
func riffLength(head []byte) (int64, bool) {
	if len(head) < 8 {
		return 0, false
	}
	n := int64(binary.LittleEndian.Uint32(head[4:]))
	return 8 + n + n&1, n != 0
}

// elementLength reads an EBML id and length. The count of leading zero bits of each gives
// its bytes; a length of all ones is unknown.
func elementLength(head []byte) (int64, bool) {
	if len(head) == 0 {
		return 0, false
	}
	id := bits.LeadingZeros8(head[0]) + 1
	if id > 4 || len(head) <= id {
		return 0, false
	}
	w := bits.LeadingZeros8(head[id]) + 1
	if w > 8 || len(head) < id+w {
		return 0, false
	}
	n := int64(head[id]) & (1<<(8-w) - 1)
	for _, b := range head[id+1 : id+w] {
		n = n<<8 | int64(b)
	}
	if n == 1<<(7*w)-1 {
		return toEnd, true
	}
	return int64(id+w) + n, true
}

// oggTail holds at least one whole page, whose length is at most 65307.
const oggTail = 1 << 17

// cutOgg looks at the last page, which must end with the file and carry the
// end-of-stream flag.
func cutOgg(r io.ReaderAt, size int64) bool {
	tail := make([]byte, min(size, oggTail))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return true
	}
	at := bytes.LastIndex(tail, []byte("OggS"))
	if at < 0 || len(tail)-at < 27 {
		return true
	}
	page := tail[at:]
	segments := int(page[26])
	if len(page) < 27+segments {
		return true
	}
	n := 27 + segments
	for _, s := range page[27 : 27+segments] {
		n += int(s)
	}
	const endOfStream = 4
	return n != len(page) || page[5]&endOfStream == 0
}
