package container

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
)

// maxElements bounds the walk over a file's top-level elements.
const maxElements = 4096

// CutShort reports whether a file ends before its top-level structure does. It finds
// one missing byte without decoding. MPEG streams and live recordings have no length:
// for these it detects a cut transport packet only, and decoding detects a damaged last
// packet. Extra bytes after a complete structure are ignored.
func CutShort(r io.ReaderAt, size int64, c Format) bool {
	switch c.Demuxer {
	case "mov":
		return cutWalk(r, size, &boxes{})
	case "avi":
		return cutWalk(r, size, riffs{})
	case "matroska":
		return cutWalk(r, size, elements{})
	case "ogg":
		return cutOgg(r, size)
	case "gif":
		return cutGIF(r, size)
	case "flv":
		return cutFLV(r, size)
	case "asf":
		return cutASF(r, size)
	case "mpegts":
		return cutPackets(r, size)
	}
	return false
}

// cutPackets reports a cut last packet. Transport packets have one length, and the
// first may be incomplete.
func cutPackets(r io.ReaderAt, size int64) bool {
	head := make([]byte, min(size, HeadBytes))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return true
	}
	first, stride := transportPackets(head)
	if stride == 0 {
		return true
	}
	if stride == 192 { // the timestamp precedes the sync byte
		first += 192 - 4
	}
	return (size-int64(first))%int64(stride) != 0
}

// toEnd is the length of an element that extends to the end of the file.
const toEnd = -1

// structure is a format's layout of top-level elements.
type structure interface {
	// length receives the next 16 bytes, fewer at the file's end. It returns the length
	// of header and body together, or ok = false if the header is cut.
	length(head []byte) (n int64, ok bool)
	// over reports that head, after at least one element, is not an element.
	over(head []byte) bool
}

// cutWalk steps from element to element.
func cutWalk(r io.ReaderAt, size int64, s structure) bool {
	head := make([]byte, 16)
	at := int64(0)
	for i := 0; i < maxElements && at < size; i++ {
		got, _ := r.ReadAt(head, at)
		if i > 0 && s.over(head[:got]) {
			return false
		}
		n, ok := s.length(head[:got])
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

// boxes is ISO's structure. A file is complete once its index and its frames have been
// seen.
type boxes struct{ index, frames, fragments bool }

func (b *boxes) over(head []byte) bool {
	if !b.index || !b.frames {
		return false
	}
	return len(head) < 8 || !outermostBox(string(head[4:8]))
}

// HasFragments reports whether an ISO file has its frames in fragments.
func HasFragments(r io.ReaderAt, size int64) bool {
	var b boxes
	cutWalk(r, size, &b)
	return b.fragments
}

// outermostBox reports whether a box may follow index and frames.
func outermostBox(kind string) bool {
	switch kind {
	case "moov", "mdat", "moof", "mfra", "free", "skip", "wide", "uuid", "meta", "sidx", "styp", "ssix", "prft", "emsg", "udta":
		return true
	}
	return false
}

func (b *boxes) length(head []byte) (int64, bool) {
	if len(head) >= 8 {
		switch string(head[4:8]) {
		case "moov":
			b.index = true
		case "mdat":
			b.frames = true
		case "moof":
			b.fragments = true
		}
	}
	return boxLength(head)
}

// riffs is AVI's structure: one RIFF list, and more in a long file.
type riffs struct{}

func (riffs) length(head []byte) (int64, bool) { return riffLength(head) }
func (riffs) over(head []byte) bool            { return !bytes.HasPrefix(head, []byte("RIFF")) }

// elements is Matroska's structure: an EBML header and a segment, perhaps repeated,
// with voids and checksums between.
type elements struct{}

func (elements) length(head []byte) (int64, bool) { return elementLength(head) }

func (elements) over(head []byte) bool {
	for _, id := range []string{"\x1a\x45\xdf\xa3", "\x18\x53\x80\x67", "\xec", "\xbf"} {
		if n := min(len(id), len(head)); string(head[:n]) == id[:n] {
			return false
		}
	}
	return true
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

// riffLength reads "RIFF", u32 length. Writers store 0 or all ones until they finish.
func riffLength(head []byte) (int64, bool) {
	if len(head) < 8 {
		return 0, false
	}
	n := int64(binary.LittleEndian.Uint32(head[4:]))
	return 8 + n + n&1, n != 0
}

// elementLength reads an EBML id and length. The number of leading zero bits gives the
// size of each; a length of all ones is unknown.
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

// oggTail contains at least one whole page, of at most 65307 bytes.
const oggTail = 1 << 17

// cutOgg checks that the last page ends with the file and has the end-of-stream
// flag.
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
