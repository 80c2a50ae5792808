package container

import (
	"bytes"
	"encoding/binary"
)

// Format is a container format. The zero value is an unknown one.
type Format struct {
	Name    string // mp4, mov, matroska, webm, …
	Demuxer string // FFmpeg's name; empty for sound or unknown files
}

// Lengthless reports whether files of this format have no length field.
func (c Format) Lengthless() bool {
	switch c.Demuxer {
	case "mpeg", "mpegts", "mpegvideo", "m4v", "h264", "hevc":
		return true
	}
	return false
}

var unknown = Format{}

// Audio is any file with sound alone.
var Audio = Format{Name: "audio"}

// HeadBytes is the size of the head that Detect examines: enough for a stream that
// starts inside a packet, of 2048 bytes in a program stream.
const HeadBytes = 4096

// Detect returns the container of a file that begins with head. FFmpeg's own probing
// chooses among 350 formats, some of which open other files.
func Detect(head []byte) Format {
	for _, s := range []func([]byte) Format{sniffISO, sniffEBML, sniffRIFF, sniffMagic, sniffMPEG, sniffAnnexB, sniffAudio} {
		if c := s(head); c != unknown {
			return c
		}
	}
	return unknown
}

// magics are the formats with a fixed magic string.
var magics = []struct {
	magic string
	Format
}{
	{"OggS", Format{"ogg", "ogg"}},
	{"GIF87a", Format{"gif", "gif"}},
	{"GIF89a", Format{"gif", "gif"}},
	{"FLV\x01", Format{"flv", "flv"}},
	{"DKIF\x00\x00", Format{"ivf", "ivf"}},
	{"YUV4MPEG2 ", Format{"y4m", "yuv4mpegpipe"}},
	// ASF's header object, also for WMV.
	{"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", Format{"asf", "asf"}},
	// MXF's key of a header partition.
	{"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02", Format{"mxf", "mxf"}},
}

func sniffMagic(head []byte) Format {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.Format
		}
	}
	return unknown
}

// sniffISO detects an ISO file. A box is its length (4 bytes), then its type (4 bytes);
// ftyp continues with the major brand.
func sniffISO(head []byte) Format {
	if len(head) < 8 {
		return unknown
	}
	switch string(head[4:8]) {
	case "ftyp":
		if len(head) >= 12 && string(head[8:12]) == "qt  " {
			return Format{"mov", "mov"}
		}
		return Format{"mp4", "mov"}
	case "moov", "mdat", "wide", "free", "skip", "pnot":
		return Format{"mov", "mov"}
	}
	return unknown
}

func sniffEBML(head []byte) Format {
	if !bytes.HasPrefix(head, []byte{0x1a, 0x45, 0xdf, 0xa3}) {
		return unknown
	}
	if bytes.Contains(head[:min(len(head), 64)], []byte("webm")) {
		return Format{"webm", "matroska"}
	}
	return Format{"matroska", "matroska"}
}

func sniffRIFF(head []byte) Format {
	if len(head) < 12 || string(head[:4]) != "RIFF" {
		return unknown
	}
	switch string(head[8:12]) {
	case "AVI ":
		return Format{"avi", "avi"}
	case "WAVE":
		return Audio
	}
	return unknown
}

func sniffMPEG(head []byte) Format {
	switch {
	case packHeader(head) >= 0:
		return Format{"mpeg", "mpeg"}
	case bytes.HasPrefix(head, []byte{0, 0, 1, 0xb3}):
		return Format{"mpegvideo", "mpegvideo"}
	case bytes.HasPrefix(head, []byte{0, 0, 1, 0xb0}):
		return Format{"m4v", "m4v"}
	}
	if _, stride := transportPackets(head); stride > 0 {
		return Format{"mpegts", "mpegts"}
	}
	return unknown
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
func sniffAudio(head []byte) Format {
	for _, magic := range []string{"ID3", "fLaC", "#!AMR", ".snd"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return Audio
		}
	}
	if len(head) < 4 {
		return unknown
	}
	v := binary.BigEndian.Uint32(head)
	sync, adts := v>>21 == 0x7ff, v>>16&0xfff6 == 0xfff0
	version, layer, bitrate, rate := v>>19&3, v>>17&3, v>>12&15, v>>10&3
	if adts || sync && version != 1 && layer != 0 && bitrate != 15 && bitrate != 0 && rate != 3 {
		return Audio
	}
	return unknown
}
