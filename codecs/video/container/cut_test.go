package container

import (
	"bytes"
	"testing"
)

func TestCutWalkOnMadeFiles(t *testing.T) {
	box := func(n int, body int) []byte {
		return append([]byte{0, 0, byte(n >> 8), byte(n), 'f', 'r', 'e', 'e'}, make([]byte, body)...)
	}
	mov := Format{"mp4", "mov"}
	mkv := Format{"webm", "matroska"}
	avi := Format{"avi", "avi"}
	gif, flv, asf := Format{"gif", "gif"}, Format{"flv", "flv"}, Format{"asf", "asf"}
	whole := []byte("\x00\x00\x00\x10moovabcdefgh\x00\x00\x00\x0cmdatabcd")
	whole = whole[:len(whole):len(whole)]
	const picture = "GIF89a\x01\x00\x01\x00\x80\x00\x00abcdef!\xf9\x01a\x00,aaaaaaaa\x00\x02\x01D\x00"
	const flash = "FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00\x09\x00\x00\x01aaaaaaaD\x00\x00\x00\x0c"
	properties := func(size, flags byte) []byte {
		b := make([]byte, 104)
		copy(b, "\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65")
		b[40], b[88] = size, flags
		return b
	}
	ebml := []byte{0x1a, 0x45, 0xdf, 0xa3, 0x81, 0}
	for i, c := range []struct {
		c    Format
		b    []byte
		want bool
	}{
		{mov, box(16, 8), false},
		{mov, box(16, 7), true},
		{mov, append(box(16, 8), 0, 0, 0), true}, // a header cut
		{mov, box(0, 100), false},                // to the end by definition
		{mov, box(4, 100), true},                 // shorter than its own header
		{mov, []byte{0, 0, 0, 1, 'm', 'd', 'a', 't', 0xff, 0, 0, 0, 0, 0, 0, 0}, true},
		{mov, []byte{0, 0, 0, 1, 'm', 'd', 'a', 't', 0, 0, 0, 0, 0, 0, 0, 16}, false},
		{mov, []byte{0, 0, 0, 1, 'm', 'd', 'a', 't', 0, 0, 0, 0, 0, 0, 0, 0}, true},
		{mkv, ebml, false},
		{mkv, append(ebml[:6:6], 0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), false}, // unknown length
		{mkv, append(ebml[:6:6], 0x18, 0x53, 0x80, 0x67, 0x40, 0x02, 1, 2), false},
		{mkv, append(ebml[:6:6], 0x18, 0x53, 0x80, 0x67, 0x40, 0x03, 1, 2), true},
		{mkv, []byte{0}, true},
		{avi, []byte("RIFF\x04\x00\x00\x00AVI "), false},
		{avi, []byte("RIFF\x05\x00\x00\x00AVI "), true},
		{avi, []byte("RIFF\x00\x00\x00\x00AVI "), true}, // never finished
		{Format{"mpeg", "mpeg"}, []byte{0, 0, 1, 0xba}, false},
		// Bytes after a whole structure cut nothing.
		{mov, append(whole, "\x00\x00\x00\x6ajunk"...), false},
		{mov, append(whole, 0, 0, 1), false},
		{mov, append(whole, "\x00\x00\x00\x6amoof"...), true},
		{mov, append(whole[:16:16], "\x00\x00\x00\x6ajunk"...), true}, // no frames yet
		{avi, []byte("RIFF\x04\x00\x00\x00AVI junk after it"), false},
		{avi, []byte("RIFF\x04\x00\x00\x00AVI RIFF\xff\x00\x00\x00AVIX"), true},
		{mkv, append(ebml[:6:6], "\x18\x53\x80\x67\x40\x02\x01\x02junk after it"...), false},
		{mkv, append(ebml[:6:6], "\x18\x53\x80\x67\x40\x02\x01\x02\x18\x53"...), true},
		{gif, []byte(picture + ";"), false},
		{gif, []byte(picture + ";junk"), false},
		{gif, []byte(picture), true},
		{gif, []byte(picture[:len(picture)-2]), true},
		{gif, []byte(picture[:14]), true},
		{flv, []byte(flash), false},
		{flv, []byte(flash[:len(flash)-1]), true},
		{flv, []byte(flash[:len(flash)-6]), true},
		{flv, []byte(flash[:13]), false}, // no tags
		{flv, []byte(flash[:12]), true},
		{asf, append(properties(200, 0), make([]byte, 96)...), false},
		{asf, append(properties(200, 0), make([]byte, 95)...), true},
		{asf, properties(200, 1), false}, // a live recording
	} {
		if got := CutShort(bytes.NewReader(c.b), int64(len(c.b)), c.c); got != c.want {
			t.Errorf("case %d: %v, want %v", i, got, c.want)
		}
	}
}
