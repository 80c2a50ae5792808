package video

import (
	"bytes"
	"encoding/binary"
)

// container is a file format as its first bytes tell it.
type container struct {
	name    string // what Info reports
	demuxer string // FFmpeg's name; empty if there is only sound or nothing to read
}

// lengthless reports whether a file of this format tells nowhere how long it is.
func (c container) lengthless() bool {
	switch c.demuxer {
	case "mpeg", "mpegts", "mpegvideo":
		return true
	}
	return false
}

var (
	notMedia  = container{}
	audioOnly = container{name: "audio"}
)

// sniffBytes is how much of the head sniff looks at: enough for Matroska's document type
// and for three transport packets.
const sniffBytes = 1024

// sniff names the container of a file that begins with head. FFmpeg's own probing would
// guess among 350 formats, some of which open other files.
func sniff(head []byte) container {
	for _, s := range []func([]byte) container{sniffISO, sniffEBML, sniffRIFF, sniffMPEG, sniffAudio} {
		if c := s(head); c != notMedia {
			return c
		}
	}
	if bytes.HasPrefix(head, []byte("OggS")) {
		return container{"ogg", "ogg"}
	}
	return notMedia
}

// sniffISO: a box is its length (4 bytes), then its type (4 bytes); ftyp continues with
// the major brand.
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
	case bytes.HasPrefix(head, []byte{0, 0, 1, 0xba}):
		return container{"mpeg", "mpeg"}
	case bytes.HasPrefix(head, []byte{0, 0, 1, 0xb3}):
		return container{"mpegvideo", "mpegvideo"}
	case transportPackets(head, 0, 188), transportPackets(head, 4, 192):
		return container{"mpegts", "mpegts"}
	}
	return notMedia
}

// transportPackets looks for the sync byte at the start of three packets.
func transportPackets(head []byte, first, stride int) bool {
	if len(head) <= first+2*stride {
		return false
	}
	return head[first] == 0x47 && head[first+stride] == 0x47 && head[first+2*stride] == 0x47
}

// sniffAudio knows the usual sound files, so that they are told from noise.
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
