package video

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
)

// kinds is everything an error of reading may wrap. One outside the list is a bug.
var kinds = []error{ErrNotVideo, ErrNoVideoStream, ErrEmpty, ErrCorrupt, ErrLimit, ErrUnsupportedCodec, context.DeadlineExceeded}

func knownKind(err error) bool {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// addSeeds gives small real files of each container, whole and cut.
func addSeeds(f *testing.F) {
	f.Helper()
	for _, s := range []struct {
		name string
		args []string
	}{
		{"a.mp4", nil},
		{"h.mp4", []string{"-c:v", "libx265", "-x265-params", "log-level=none"}},
		{"a.mkv", nil},
		{"a.webm", []string{"-c:v", "libvpx"}},
		{"b.webm", []string{"-c:v", "libvpx-vp9"}},
		{"a.avi", []string{"-c:v", "mpeg4", "-bf", "2"}},
		{"b.avi", []string{"-c:v", "mjpeg"}},
		{"a.ogv", nil},
		{"a.mpg", nil},
		{"a.ts", []string{"-c:v", "mpeg2video"}},
		{"a.gif", nil},
		{"a.flv", []string{"-c:v", "flv1"}},
		{"a.wmv", []string{"-c:v", "wmv2"}},
		{"b.asf", []string{"-c:v", "msmpeg4"}},
		{"a.mxf", []string{"-c:v", "mpeg2video"}},
		{"a.h264", nil},
		{"a.hevc", []string{"-c:v", "libx265", "-x265-params", "log-level=none:info=0"}},
		{"a.m4v", []string{"-c:v", "mpeg4", "-f", "m4v"}},
		{"a.ivf", []string{"-c:v", "libvpx"}},
		{"a.y4m", []string{"-pix_fmt", "yuv420p"}},
		{"c.avi", []string{"-c:v", "huffyuv", "-pix_fmt", "yuv422p"}},
		{"d.mov", []string{"-c:v", "qtrle"}},
		{"e.mov", []string{"-c:v", "png"}},
		{"f.mp4", []string{"-movflags", "frag_keyframe+empty_moov"}},
	} {
		b := readFile(f, generate(f, s.name, append(testsrc(32, 16, 25, 4), s.args...)...))
		f.Add(b)
		f.Add(b[:len(b)*2/3])
	}
	f.Add([]byte("not a video"))
	f.Add([]byte{})
}

// fuzzPath is one file that every input overwrites.
func fuzzPath(f *testing.F) string {
	f.Helper()
	return filepath.Join(f.TempDir(), "fuzz")
}

var fuzzLimits = Limits{MaxPixels: 512 * 512, MaxFrames: 64, MaxBytes: 1 << 20}

func FuzzProbe(f *testing.F) {
	addSeeds(f)
	path := fuzzPath(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		info, err := Probe(ctx, path, Limits{})
		if err != nil {
			if !knownKind(err) {
				t.Fatalf("unknown kind: %v", err)
			}
			return
		}
		l := Limits{}.withDefaults()
		if info.W < 0 || info.H < 0 || l.Extent(info.W, info.H) != nil || info.Frames < 0 || !validRate(info.Rate) || info.Duration < 0 {
			t.Fatalf("%+v", info)
		}
	})
}

func FuzzDecode(f *testing.F) {
	addSeeds(f)
	path := fuzzPath(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, o := range []Options{
			{Limits: fuzzLimits, Threads: 1},
			{Limits: fuzzLimits, Threads: 2, W: 24, H: 40, Fit: Crop, Rate: clip.Rate{Num: 10, Den: 1}},
		} {
			fuzzRead(t, path, o)
		}
	})
}

func fuzzRead(t *testing.T, path string, o Options) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := Open(ctx, path, o)
	if err != nil {
		if !knownKind(err) {
			t.Fatalf("Open: unknown kind: %v", err)
		}
		return
	}
	defer r.Close()
	w, h := r.Size()
	last := time.Duration(-1 << 62)
	for n := 0; ; n++ {
		frame, pts, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			if !knownKind(err) {
				t.Fatalf("Next: unknown kind: %v", err)
			}
			return
		}
		if len(frame) != 3*w*h || int64(n) >= fuzzLimits.MaxFrames || pts < last {
			t.Fatalf("frame %d: %d bytes for %d x %d at %v after %v", n, len(frame), w, h, pts, last)
		}
		last = pts
	}
}
