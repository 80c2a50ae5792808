package video

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

// TestCutFilesGiveWhatTheyHave cuts real files at many places: what comes out is a
// prefix of the frames and says so, or an error of the right kind.
func TestCutFilesGiveWhatTheyHave(t *testing.T) {
	for _, f := range []struct{ file, args string }{
		{"a.mp4", "-c:v libx264 -bf 2 -g 10 -movflags +faststart"},
		{"a.mkv", "-c:v libx264 -bf 2 -g 10"},
		{"a.webm", "-c:v libvpx -g 10"},
		{"a.avi", "-c:v mjpeg"},
		{"a.ogv", "-c:v libtheora -g 10"},
		{"a.gif", ""},
		{"a.flv", "-c:v flv1 -g 10"},
		{"a.wmv", "-c:v wmv2 -g 10"},
	} {
		t.Run(f.file, func(t *testing.T) {
			b := readFile(t, generate(t, f.file, append(testsrc(96, 64, 25, 40), strings.Fields(f.args)...)...))
			whole, _ := read(t, writeFile(t, f.file, b), Options{})
			for _, percent := range []int{99, 90, 75, 50, 30} {
				checkCut(t, f.file, b[:len(b)*percent/100], whole)
			}
			checkCut(t, f.file, b[:len(b)-1], whole)
		})
	}
}

func checkCut(t *testing.T, name string, b []byte, whole *clip.Clip) {
	t.Helper()
	c, info, err := ReadClip(context.Background(), writeFile(t, name, b), Options{})
	if err != nil {
		wantError(t, err, ErrCorrupt)
		if len(b) > 3000 && !strings.HasSuffix(name, "ogv") {
			t.Errorf("%d bytes: %v", len(b), err)
		}
		return
	}
	if !info.Truncated {
		t.Errorf("%d bytes: %d of %d frames and not truncated", len(b), c.T, whole.T)
	}
	if c.T == 0 || c.T > whole.T {
		t.Fatalf("%d bytes: %d of %d frames", len(b), c.T, whole.T)
	}
	// The last frames before the cut may be concealed ones.
	if n := c.T - 3; n > 0 {
		head, _ := c.Slice(0, n)
		want, _ := whole.Slice(0, n)
		wantPSNR(t, head, want, 60)
	}
	t.Logf("%6d bytes: %d of %d frames", len(b), c.T, whole.T)
}

// TestCutInsideAPacketOfAStream: an MPEG stream has no length, but part of a packet shows.
func TestCutInsideAPacketOfAStream(t *testing.T) {
	for _, name := range []string{"a.mpg", "a.ts"} {
		b := readFile(t, generate(t, name, append(testsrc(96, 64, 25, 40), "-c:v", "mpeg2video")...))
		c, info, err := ReadClip(context.Background(), writeFile(t, name, b[:len(b)*6/10]), Options{})
		if err != nil || c.T < 5 || c.T > 39 || !info.Truncated {
			t.Fatalf("%s: %d frames, truncated %v: %v", name, c.T, info.Truncated, err)
		}
	}
}

func TestDamageInTheMiddleIsSeen(t *testing.T) {
	b := readFile(t, generate(t, "a.mp4", append(testsrc(96, 64, 25, 40), "-g", "5")...))
	for i := len(b) / 2; i < len(b)/2+2000; i++ {
		b[i] ^= byte(i * 31)
	}
	r, err := Open(context.Background(), writeFile(t, "a.mp4", b), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	for {
		if _, _, err = r.Next(); err != nil {
			break
		}
		n++
	}
	if i := r.Info(); n < 20 || i.Truncated || !i.Damaged || i.DamagedFrames == 0 {
		t.Fatalf("%d frames, %+v: %v", n, i, err)
	}
}

func TestCutWalkOnMadeFiles(t *testing.T) {
	box := func(n int, body int) []byte {
		return append([]byte{0, 0, byte(n >> 8), byte(n), 'f', 'r', 'e', 'e'}, make([]byte, body)...)
	}
	mov := container{"mp4", "mov"}
	mkv := container{"webm", "matroska"}
	avi := container{"avi", "avi"}
	gif, flv, asf := container{"gif", "gif"}, container{"flv", "flv"}, container{"asf", "asf"}
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
		c    container
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
		{container{"mpeg", "mpeg"}, []byte{0, 0, 1, 0xba}, false},
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
		if got := cutShort(bytes.NewReader(c.b), int64(len(c.b)), c.c); got != c.want {
			t.Errorf("case %d: %v, want %v", i, got, c.want)
		}
	}
}

func TestCutBeforeTheIndexIsCorrupt(t *testing.T) {
	// Without fast start the index is last.
	b := readFile(t, generate(t, "a.mp4", testsrc(96, 64, 25, 20)...))
	_, err := Probe(context.Background(), writeFile(t, "a.mp4", b[:len(b)/2]))
	wantError(t, err, ErrCorrupt)
	for _, other := range []error{ErrNotVideo, ErrEmpty, ErrNoVideoStream} {
		if errors.Is(err, other) {
			t.Error(fmt.Sprint("also says ", other))
		}
	}
}
