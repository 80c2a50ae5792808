package container

import "bytes"

// sniffAnnexB detects a bare H.264 or HEVC stream: units after 00 00 01. The first
// unit must be one that can start a stream, and a sequence header must follow soon.
func sniffAnnexB(head []byte) Format {
	zeros := bytes.IndexByte(head, 1)
	if zeros < 2 || zeros > 3 || !bytes.Equal(head[:zeros], make([]byte, zeros)) {
		return unknown
	}
	for i, unit := range bytes.Split(head[zeros+1:], []byte{0, 0, 1}) {
		switch {
		case len(unit) < 3:
			return unknown
		case isH264Sequence(unit):
			return Format{"h264", "h264"}
		case isHEVCSequence(unit):
			return Format{"hevc", "hevc"}
		case i == 0 && !startsH264(unit) && !startsHEVC(unit):
			return unknown
		}
	}
	return unknown
}

// A H.264 unit begins with a zero bit, two bits of nal_ref_idc and five bits of
// type.
const (
	h264Info      = 6
	h264Sequence  = 7
	h264Delimiter = 9
)

func startsH264(unit []byte) bool { return unit[0] == h264Info || unit[0] == h264Delimiter }

// isH264Sequence reports whether unit is a sequence header: nal_ref_idc is not
// 0 and the profile is known.
func isH264Sequence(unit []byte) bool {
	if unit[0]&0x9f != h264Sequence || unit[0]&0x60 == 0 {
		return false
	}
	switch unit[1] {
	case 44, 66, 77, 83, 86, 88, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244:
		return true
	}
	return false
}

// A HEVC unit begins with a zero bit, six bits of type, six of layer and three of
// sublayer. Layer and sublayer are 0 and 1 at the start of a stream.
const (
	hevcVideo     = 32
	hevcSequence  = 33
	hevcDelimiter = 35
	hevcInfo      = 39
)

func hevcType(unit []byte) int {
	if unit[0]&0x81 != 0 || unit[1] != 1 {
		return -1
	}
	return int(unit[0] >> 1)
}

func startsHEVC(unit []byte) bool {
	t := hevcType(unit)
	return t == hevcDelimiter || t == hevcInfo
}

func isHEVCSequence(unit []byte) bool {
	t := hevcType(unit)
	return t == hevcVideo || t == hevcSequence
}
