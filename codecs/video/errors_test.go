package video

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
)

// wantKind checks Probe and ReadClip alike.
func wantKind(t *testing.T, path string, kind error) {
	t.Helper()
	_, err := Probe(context.Background(), path, Limits{})
	wantError(t, err, kind)
	_, _, err = ReadClip(context.Background(), path, Options{})
	wantError(t, err, kind)
}

func TestNotVideo(t *testing.T) {
	blob := make([]byte, 100_000)
	r := rand.NewChaCha8([32]byte{7})
	if _, err := r.Read(blob); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.mp4")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		dir,
		pipe,
		writeFile(t, "zero.mp4", nil),
		writeFile(t, "blob.mp4", blob),
		writeFile(t, "text.mp4", []byte("The quick brown fox jumps over the lazy dog.\n")),
		writeFile(t, "playlist.mp4", []byte("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nfile:///etc/passwd\n")),
		writeFile(t, "concat.mp4", []byte("ffconcat version 1.0\nfile '/etc/passwd'\n")),
		generate(t, "still.png", testsrc(64, 64, 25, 1)...),
	} {
		wantKind(t, path, ErrNotVideo)
	}
}

func TestMissing(t *testing.T) {
	wantKind(t, filepath.Join(t.TempDir(), "none.mp4"), fs.ErrNotExist)
}

// TestUnreadable drops to an unprivileged file-system user on one thread, since root may
// read anything.
func TestUnreadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.mp4")
	if err := os.WriteFile(path, []byte("x"), 0o000); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := syscall.Setfsuid(65534); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Setfsuid(0); err != nil {
				t.Fatal(err)
			}
		}()
	}
	wantKind(t, path, fs.ErrPermission)
}

func TestAudioOnly(t *testing.T) {
	for _, name := range []string{"a.m4a", "a.mp4", "a.mka", "a.webm", "a.ogg", "a.avi", "a.wav", "a.mp3", "a.flac", "a.mpg", "a.ts"} {
		wantKind(t, generate(t, name, tone()...), ErrNoVideoStream)
	}
}

func TestCoverPictureIsNoVideo(t *testing.T) {
	still := generate(t, "cover.jpg", testsrc(64, 64, 25, 1)...)
	args := append(tone(), "-i", still, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v:0", "attached_pic")
	wantKind(t, generate(t, "a.m4a", append(args, "-f", "mp4")...), ErrNoVideoStream)
	mka := append(tone(), "-attach", still, "-metadata:s:t", "mimetype=image/jpeg")
	wantKind(t, generate(t, "a.mka", mka...), ErrNoVideoStream)
}

func TestSoundBesideVideo(t *testing.T) {
	path := generate(t, "a.mp4", append(tone(), testsrc(64, 48, 25, 10)...)...)
	c, info := read(t, path, Options{})
	if c.T != 10 || !info.HasAudio {
		t.Fatalf("%d frames, %+v", c.T, info)
	}
}

func TestEmpty(t *testing.T) {
	for _, name := range []string{"a.mp4", "a.mov", "a.mkv", "a.webm"} {
		path := generate(t, name, "-f", "lavfi", "-i", "testsrc=s=64x48:r=25", "-frames:v", "0")
		wantKind(t, path, ErrEmpty)
	}
	// Ogg ends a stream with a flag on its last page, and ffmpeg writes no such page here:
	// the file cannot be told from a cut one.
	path := generate(t, "a.ogv", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25", "-frames:v", "0")
	wantKind(t, path, ErrCorrupt)
	// AVI's header alone describes the stream, so only decoding finds it empty.
	path = generate(t, "a.avi", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25", "-frames:v", "0")
	_, _, err := ReadClip(context.Background(), path, Options{})
	wantError(t, err, ErrEmpty)
}

func TestUnsupportedCodec(t *testing.T) {
	for _, args := range [][]string{{"-c:v", "cinepak"}, {"-c:v", "rpza"}, {"-c:v", "svq1"}} {
		path := generate(t, "a.mov", append(testsrc(64, 48, 25, 3), args...)...)
		_, _, err := ReadClip(context.Background(), path, Options{})
		wantError(t, err, ErrUnsupportedCodec)
		if _, err := Probe(context.Background(), path, Limits{}); err != nil {
			t.Errorf("Probe of %v: %v", args, err)
		}
	}
}

func TestCorruptPackets(t *testing.T) {
	b := readFile(t, generate(t, "a.avi", append(testsrc(96, 64, 25, 10), "-c:v", "mpeg4")...))
	for i := 5700; i < len(b); i++ { // after the header lists, which ffmpeg pads to 5.6 kB
		b[i] = 0x55
	}
	_, _, err := ReadClip(context.Background(), writeFile(t, "a.avi", b), Options{})
	wantError(t, err, ErrCorrupt)
	wantKind(t, writeFile(t, "a.mp4", []byte("\x00\x00\x00\x18ftypmp42 and then nothing of use")), ErrCorrupt)
	wantKind(t, writeFile(t, "a.mkv", append([]byte{0x1a, 0x45, 0xdf, 0xa3}, make([]byte, 5000)...)), ErrCorrupt)
}

func TestLimits(t *testing.T) {
	path := generate(t, "a.mp4", testsrc(96, 64, 25, 10)...)
	for name, l := range map[string]Limits{
		"pixels": {MaxPixels: 96*64 - 1}, "frames": {MaxFrames: 9}, "bytes": {MaxBytes: 500}, "clip-bytes": {MaxClipBytes: 96 * 64 * 3 * 9},
	} {
		_, _, err := ReadClip(context.Background(), path, Options{Limits: l})
		if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "--media-limit "+name+"=N") {
			t.Errorf("%s: %v, want ErrLimit and the flag", name, err)
		}
	}
	exact := Limits{MaxPixels: 96 * 64, MaxFrames: 10, MaxClipBytes: 96 * 64 * 3 * 10}
	if c, _ := read(t, path, Options{Limits: exact}); c.T != 10 {
		t.Errorf("at the limits: %d frames", c.T)
	}
	if _, err := Open(context.Background(), path, Options{W: maxSide + 1, H: 8}); !errors.Is(err, ErrLimit) {
		t.Errorf("output: %v", err)
	}
}

func TestWrongOptions(t *testing.T) {
	for _, o := range []Options{
		{W: 64},
		{W: -1, H: -1},
		{Fit: 9},
		{MaxFrames: -1},
		{Start: -1},
		{Threads: -1},
		{Limits: Limits{MaxPixels: -1}},
		{Rate: clip.Rate{Num: 1}},
		{Rate: clip.Rate{Num: -25, Den: -1}},
		{Rate: clip.Rate{Num: 1 << 20, Den: 1}},
	} {
		_, err := Open(context.Background(), fixtures(t)[0], o)
		if !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v, want ErrOptions", o, err)
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r, err := Open(ctx, fixtures(t)[0], Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	for range 100 { // frames that are decoded already may still come
		if _, _, err = r.Next(); err != nil {
			break
		}
	}
	wantError(t, err, context.Canceled)
	_, err = Probe(ctx, fixtures(t)[0], Limits{})
	wantError(t, err, context.Canceled)
}

// countdown is a context that ends at the n-th look at it, in the middle of a demuxer.
type countdown struct {
	context.Context
	n int
}

func (c *countdown) Err() error {
	if c.n--; c.n < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

func TestCancelInsideTheDemuxer(t *testing.T) {
	for n := range 12 {
		start := time.Now()
		_, _, err := ReadClip(&countdown{context.Background(), n}, fixtures(t)[1], Options{})
		wantError(t, err, context.DeadlineExceeded)
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("took %v", d)
		}
	}
}

func TestCloseTwiceAndNextAfter(t *testing.T) {
	r, err := Open(context.Background(), fixtures(t)[0], Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := r.Next(); err == nil {
		t.Fatal("Next after Close gave a frame")
	}
}

// TestHeaderThatHidesTheSize: the container says 16 x 16, the pictures are 1024 x 1024.
// The pixel bound must hold where the frames are, not only where they are announced.
func TestHeaderThatHidesTheSize(t *testing.T) {
	b := readFile(t, generate(t, "a.avi", append(testsrc(1024, 1024, 25, 2), "-c:v", "mjpeg")...))
	hidden := bytes.ReplaceAll(b[:400], []byte{0, 4, 0, 0, 0, 4, 0, 0}, []byte{16, 0, 0, 0, 16, 0, 0, 0})
	if bytes.Equal(hidden, b[:400]) {
		t.Fatal("no size found in the header")
	}
	path := writeFile(t, "a.avi", append(hidden, b[400:]...))
	if c, _ := read(t, path, Options{}); c.W != 1024 {
		t.Fatalf("without a bound: %d wide", c.W)
	}
	_, _, err := ReadClip(context.Background(), path, Options{Limits: Limits{MaxPixels: 256 * 256}})
	if !errors.Is(err, ErrLimit) && !errors.Is(err, ErrCorrupt) {
		t.Fatalf("got %v, want ErrLimit or ErrCorrupt", err)
	}
}
