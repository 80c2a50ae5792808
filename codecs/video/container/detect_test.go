package container

import (
	"bytes"
	"testing"
)

func TestSniff(t *testing.T) {
	ts := make([]byte, 600)
	ts[0], ts[188], ts[376] = 0x47, 0x47, 0x47
	m2ts := make([]byte, 600)
	m2ts[4], m2ts[196], m2ts[388] = 0x47, 0x47, 0x47
	lead := make([]byte, 50+8*188)
	for i := 49; i < len(lead); i += 188 {
		lead[i] = 0x47
	}
	pack := "\x44\x00\x04\x00\x04\x01\x00\x00\x03\xf8"
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
		{string(lead), "mpegts"},
		{string(lead[:49+7*188]), ""}, // eight packets are wanted there
		{"rest of a pack\x00\x00\x01\xba" + pack, "mpeg"},
		{"rest of a pack\x00\x00\x01\xbaWithout its marker bits", ""},
		{"GIF89a\x10\x00\x10\x00", "gif"},
		{"GIF87a\x10\x00\x10\x00", "gif"},
		{"GIF88a\x10\x00\x10\x00", ""},
		{"FLV\x01\x05\x00\x00\x00\x09", "flv"},
		{"DKIF\x00\x00\x20\x00VP90", "ivf"},
		{"YUV4MPEG2 W64 H48 F25:1\n", "y4m"},
		{"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c\x00", "asf"},
		{"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04\x00", "mxf"},
		{"\x00\x00\x01\xb0\x01\x00\x00\x01\xb5", "m4v"},
		{"\x00\x00\x00\x01\x67\x64\x00\x0a", "h264"},
		{"\x00\x00\x01\x27\x42\xe0\x1e", "h264"},
		{"\x00\x00\x00\x01\x09\xf0\x00\x00\x00\x01\x67\x4d\x00\x0a", "h264"},
		{"\x00\x00\x00\x01\x67\x05\x00\x0a", ""}, // no such profile
		{"\x00\x00\x00\x01\x09\xf0\x00\x00\x00\x01\x65\x88\x84", ""},
		{"\x00\x00\x00\x01\x40\x01\x0c\x01", "hevc"},
		{"\x00\x00\x00\x01\x46\x01\x10\x00\x00\x00\x01\x40\x01\x0c", "hevc"},
		{"\x00\x00\x00\x01\x40\x09\x0c\x01", ""}, // another layer
		{"\x00\x00\x01", ""},
		{"\x00\x00\x01\x67", ""},
		{"\x00\x00\x00\x00\x01\x67\x64\x00", ""},
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
		if got := Detect([]byte(c.head)); got.Name != c.want {
			t.Errorf("%q: %q, want %q", c.head[:min(len(c.head), 12)], got.Name, c.want)
		}
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x18ftypisom"))
	f.Add([]byte("\x1a\x45\xdf\xa3\x82\x00\x00\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("RIFF\xff\xff\xff\xffAVI LIST"))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00abcdef,aaaaaaaa\x00\x02\x01D\x00;"))
	f.Add([]byte("FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00\x09\x00\x00\x01aaaaaaaa\x00\x00\x00\x0c"))
	f.Add([]byte("\x00\x00\x00\x01\x09\xf0\x00\x00\x00\x01\x67\x4d\x00\x0a"))
	f.Add([]byte("OggS\x00\x04aaaaaaaaaaaaaaaaaaaa\x01\x01a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		Detect(b)
		for _, demuxer := range []string{"mov", "avi", "matroska", "ogg", "mpegts", "gif", "flv", "asf"} {
			if len(b) > 0 {
				CutShort(bytes.NewReader(b), int64(len(b)), Format{demuxer, demuxer})
			}
		}
	})
}
