package video

import (
	"bytes"
	"encoding/binary"
)

// container is a file format, detected by its first bytes.
type container struct {
	name    string // reported by Info
	demuxer string // FFmpeg's name; empty for sound or unknown files
}

// lengthless reports whether files of this format have no length field.
func (c container) lengthless() bool {
	switch c.demuxer {
	case "mpeg", "mpegts", "mpegvideo", "m4v", "h264", "hevc":
		return true
	}
	return false
}

var (
	notMedia  = container{}
	audioOnly = container{name: "audio"}
)

// sniffBytes is the size of the head that sniff examines: enough for a stream that
// starts inside a packet, of 2048 bytes in a program stream.
const sniffBytes = 4096

// sniff returns the container of a file that begins with head. FFmpeg's own probing
// chooses among 350 formats, some of which open other files.
func sniff(head []byte) container {
	for _, s := range []func([]byte) container{sniffISO, sniffEBML, sniffRIFF, sniffMagic, sniffMPEG, sniffAnnexB, sniffAudio} {
		if c := s(head); c != notMedia {
			return c
		}
	}
	return notMedia
}

// magics are the formats with a fixed magic string.
var magics = []struct {
	magic string
	container
}{
	{"OggS", container{"ogg", "ogg"}},
	{"GIF87a", container{"gif", "gif"}},
	{"GIF89a", container{"gif", "gif"}},
	{"FLV\x01", container{"flv", "flv"}},
	{"DKIF\x00\x00", container{"ivf", "ivf"}},
	{"YUV4MPEG2 ", container{"y4m", "yuv4mpegpipe"}},
	// ASF's header object, also for WMV.
	{"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", container{"asf", "asf"}},
	// MXF's key of a header partition.
	{"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", container{"mxf", "mxf"}},
}

func sniffMagic(head []byte) container {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.container
		}
	}
	return notMedia
}

// sniffISO detects an ISO file. A box is its length (4 bytes), then its type (4 bytes);
// ftyp continues with the major brand.
func sniffISO(head []byte) container {
	if len(head) < 8 {
		return notMedia
	}
	switch string(head[4:8]) {
	case "ftyp":
		if len(head) >= 12 && string(head[8:12]) == "qt  " {
			return container{"mov", "mov"}
		}
		return container{"mp4", "mov"}
	case "moov", "mdat", "wide", "free", "skip", "pnot":
		return container{"mov", "mov"}
	}
	return notMedia
}

func sniffEBML(head []byte) container {
	if !bytes.HasPrefix(head, []byte{0x1a, 0x45, 0xdf, 0xa3}) {
		return notMedia
	}
	if bytes.Contains(head[:min(len(head), 64)], []byte("webm")) {
		return container{"webm", "matroska"}
	}
	return container{"matroska", "matroska"}
}

func sniffRIFF(head []byte) container {
	if len(head) < 12 || string(head[:4]) != "RIFF" {
		return notMedia
	}
	switch string(head[8:12]) {
	case "AVI ":
		return container{"avi", "avi"}
	case "WAVE":
		return audioOnly
	}
	return notMedia
}

func sniffMPEG(head []byte) container {
	switch {
	case packHeader(head) >= 0:
		return container{"mpeg", "mpeg"}
	case bytes.HasPrefix(head, []byte{0, 0, 1, 0xb3}):
		return container{"mpegvideo", "mpegvideo"}
	case bytes.HasPrefix(head, []byte{0, 0, 1, 0xb0}):
		return container{"m4v", "m4v"}
	}
	if _, stride := transportPackets(head); stride > 0 {
		return container{"mpegts", "mpegts"}
	}
	return notMedia
}

// packHeader finds a program stream's pack. One not at the start must also have its
// marker bits (MPEG-1: 0010, MPEG-2: 01).
func packHeader(head []byte) int {
	magic := []byte{0, 0, 1, 0xba}
	if bytes.HasPrefix(head, magic) {
		return 0
	}
	at := bytes.Index(head, magic)
	if at < 0 || at+13 > len(head) {
		return -1
	}
	b := head[at+4:]
	mpeg1 := b[0]&0xf1 == 0x21 && b[2]&1 == 1 && b[4]&1 == 1 && b[5]&0x80 == 0x80 && b[7]&1 == 1
	mpeg2 := b[0]&0xc4 == 0x44 && b[2]&4 == 4 && b[4]&4 == 4 && b[5]&1 == 1 && b[8]&3 == 3
	if mpeg1 || mpeg2 {
		return at
	}
	return -1
}

// strides are the lengths of a transport packet: plain, with a timestamp before, and
// with error correction after.
var strides = []int{188, 192, 204}

// transportPackets searches for the sync bytes of three successive packets, or eight if
// the file starts inside a packet. It returns the offset of the first, and a stride of 0
// if there is none.
func transportPackets(head []byte) (first, stride int) {
	for _, stride := range strides {
		plain := 0
		if stride == 192 {
			plain = 4
		}
		for first := range stride {
			n := 8
			if first == plain {
				n = 3
			}
			if synced(head, first, stride, n) {
				return first, stride
			}
		}
	}
	return 0, 0
}

func synced(head []byte, first, stride, n int) bool {
	if len(head) <= first+(n-1)*stride {
		return false
	}
	for i := range n {
		if head[first+i*stride] != 0x47 {
			return false
		}
	}
	return true
}

// sniffAudio detects common sound files, so that they get their own error.
func sniffAudio(head []byte) container {
	for _, magic := range []string{"ID3", "fLaC", "#!AMR", ".snd"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return audioOnly
		}
	}
	if len(head) < 4 {
		return notMedia
	}
	v := binary.BigEndian.Uint32(head)
	sync, adts := v>>21 == 0x7ff, v>>16&0xfff6 == 0xfff0
	version, layer, bitrate, rate := v>>19&3, v>>17&3, v>>12&15, v>>10&3
	if adts || sync && version != 1 && layer != 0 && bitrate != 15 && bitrate != 0 && rate != 3 {
		return audioOnly
	}
	return notMedia
}
