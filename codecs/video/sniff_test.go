package video

import (
	"bytes"
	"testing"
)

func TestSniff(t *testing.T) {
	ts := make([]byte, 600)
	ts[0], ts[188], ts[376] = 0x47, 0x47, 0x47
	m2ts := make([]byte, 600)
	m2ts[4], m2ts[196], m2ts[388] = 0x47, 0x47, 0x47
	for _, c := range []struct {
		head string
		want string
	}{
		{"\x00\x00\x00\x18ftypisom", "mp4"},
		{"\x00\x00\x00\x14ftypqt  ", "mov"},
		{"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "mov"},
		{"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "webm"},
		{"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska", "matroska"},
		{"RIFF\x00\x00\x00\x00AVI LIST", "avi"},
		{"RIFF\x00\x00\x00\x00WAVEfmt ", "audio"},
		{"RIFF\x00\x00\x00\x00WEBPVP8 ", ""},
		{"OggS\x00\x02", "ogg"},
		{"\x00\x00\x01\xba\x44", "mpeg"},
		{"\x00\x00\x01\xb3\x14", "mpegvideo"},
		{string(ts), "mpegts"},
		{string(m2ts), "mpegts"},
		{string(ts[:377]), "mpegts"},
		{string(ts[:376]), ""},
		{"ID3\x04\x00", "audio"},
		{"\xff\xfb\x90\x64", "audio"},
		{"\xff\xf1\x50\x80", "audio"},
		{"\xff\xff\xff\xff", ""},
		{"fLaC", "audio"},
		{"\x89PNG\r\n\x1a\n", ""},
		{"", ""},
		{"\x00", ""},
		{"\x00\x00\x00", ""},
		{"RIFF", ""},
		{"ftyp", ""},
	} {
		if got := sniff([]byte(c.head)); got.name != c.want {
			t.Errorf("%q: %q, want %q", c.head[:min(len(c.head), 12)], got.name, c.want)
		}
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x18ftypisom"))
	f.Add([]byte("\x1a\x45\xdf\xa3\x82\x00\x00\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("RIFF\xff\xff\xff\xffAVI LIST"))
	f.Add([]byte("OggS\x00\x04aaaaaaaaaaaaaaaaaaaa\x01\x01a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		sniff(b)
		for _, demuxer := range []string{"mov", "avi", "matroska", "ogg", "mpegts"} {
			if len(b) > 0 {
				cutShort(bytes.NewReader(b), int64(len(b)), container{demuxer, demuxer})
			}
		}
	})
}
