package video

import (
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

func TestCutBeforeTheIndexIsCorrupt(t *testing.T) {
	// Without fast start the index is last.
	b := readFile(t, generate(t, "a.mp4", testsrc(96, 64, 25, 20)...))
	_, err := Probe(context.Background(), writeFile(t, "a.mp4", b[:len(b)/2]), Limits{})
	wantError(t, err, ErrCorrupt)
	for _, other := range []error{ErrNotVideo, ErrEmpty, ErrNoVideoStream} {
		if errors.Is(err, other) {
			t.Error(fmt.Sprint("also says ", other))
		}
	}
}
