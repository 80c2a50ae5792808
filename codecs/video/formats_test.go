package video

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
)

// formats is every codec and container that the package claims.
var formats = []struct {
	codec, container, file string
	args                   string
}{
	{"h264", "mp4", "a.mp4", "-c:v libx264 -bf 3"},
	{"h264", "mov", "a.mov", "-c:v libx264 -bf 3"},
	{"h264", "matroska", "a.mkv", "-c:v libx264 -bf 3"},
	{"h264", "avi", "a.avi", "-c:v libx264 -bf 0"},
	{"h264", "mpegts", "a.ts", "-c:v libx264 -bf 3"},
	{"h264", "mp4", "fragmented.mp4", "-c:v libx264 -movflags frag_keyframe+empty_moov"},
	{"hevc", "mp4", "a.mp4", "-c:v libx265 -x265-params log-level=none"},
	{"hevc", "matroska", "a.mkv", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le"},
	{"vp8", "webm", "a.webm", "-c:v libvpx"},
	{"vp9", "webm", "a.webm", "-c:v libvpx-vp9 -deadline realtime"},
	{"vp9", "mp4", "a.mp4", "-c:v libvpx-vp9 -deadline realtime"},
	{"av1", "mp4", "a.mp4", "-c:v libaom-av1 -cpu-used 8"},
	{"av1", "webm", "a.webm", "-c:v libaom-av1 -cpu-used 8"},
	{"mpeg1video", "mpeg", "a.mpg", "-c:v mpeg1video -bf 2"},
	{"mpeg2video", "mpeg", "a.vob", "-c:v mpeg2video -bf 2 -f vob"},
	{"mpeg2video", "mpegts", "a.ts", "-c:v mpeg2video -bf 2"},
	{"mpeg2video", "mpegvideo", "a.m2v", "-c:v mpeg2video"},
	{"mpeg4", "avi", "a.avi", "-c:v mpeg4 -bf 2"},
	{"mpeg4", "mp4", "a.mp4", "-c:v mpeg4 -bf 2"},
	{"mjpeg", "avi", "a.avi", "-c:v mjpeg"},
	{"mjpeg", "mov", "a.mov", "-c:v mjpeg"},
	{"theora", "ogg", "a.ogv", "-c:v libtheora -q:v 8"},
	{"prores", "mov", "a.mov", "-c:v prores"},
	{"dnxhd", "mov", "a.mov", "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p"},
	{"ffv1", "matroska", "a.mkv", "-c:v ffv1"},
	{"gif", "gif", "a.gif", ""},
	{"h264", "h264", "a.h264", "-c:v libx264 -bf 0"},
	{"h264", "h264", "aud.h264", "-c:v libx264 -bf 0 -x264-params aud=1"},
	{"hevc", "hevc", "a.hevc", "-c:v libx265 -x265-params log-level=none:bframes=0"},
	{"mpeg4", "m4v", "a.m4v", "-c:v mpeg4 -f m4v"},
	{"h264", "mpegts", "a.m2ts", "-c:v libx264 -bf 3"},
	{"flv1", "flv", "a.flv", "-c:v flv1"},
	{"h264", "flv", "b.flv", "-c:v libx264 -bf 3"},
	{"wmv1", "asf", "a.wmv", "-c:v wmv1"},
	{"wmv2", "asf", "a.asf", "-c:v wmv2"},
	{"msmpeg4v3", "asf", "a.wmv", "-c:v msmpeg4"},
	{"msmpeg4v2", "avi", "a.avi", "-c:v msmpeg4v2"},
	{"mpeg2video", "mxf", "a.mxf", "-c:v mpeg2video -bf 2"},
	{"dnxhd", "mxf", "a.mxf", "-c:v dnxhd -profile:v dnxhr_sq -pix_fmt yuv422p"},
	{"h263", "mp4", "a.3gp", "-c:v h263 -vf scale=352:288"},
	{"dvvideo", "avi", "a.avi", "-c:v dvvideo -vf scale=720:576,setsar=1 -pix_fmt yuv420p"},
	{"cfhd", "mov", "a.mov", "-c:v cfhd -pix_fmt yuv422p10le"},
	{"jpeg2000", "mxf", "a.mxf", "-c:v jpeg2000"},
	{"png", "mov", "a.mov", "-c:v png"},
	{"qtrle", "mov", "a.mov", "-c:v qtrle"},
	{"v210", "mov", "a.mov", "-c:v v210"},
	{"rawvideo", "avi", "a.avi", "-c:v rawvideo -pix_fmt yuv420p"},
	{"rawvideo", "mov", "a.mov", "-c:v rawvideo -pix_fmt rgb24"},
	{"rawvideo", "y4m", "a.y4m", "-pix_fmt yuv444p"},
	{"huffyuv", "avi", "a.avi", "-c:v huffyuv -pix_fmt yuv422p"},
	{"ffvhuff", "avi", "a.avi", "-c:v ffvhuff"},
	{"utvideo", "avi", "a.avi", "-c:v utvideo"},
	{"magicyuv", "avi", "a.avi", "-c:v magicyuv -pix_fmt yuv420p"},
	{"vp9", "ivf", "a.ivf", "-c:v libvpx-vp9 -deadline realtime"},
}

const (
	formatW, formatH, formatT = 256, 128, 27 // DNxHR wants at least 256 x 120
)

func TestEveryFormatDecodesWhole(t *testing.T) {
	for _, f := range formats {
		t.Run(f.codec+"/"+f.file, func(t *testing.T) {
			t.Parallel()
			path := generate(t, f.file, append(testsrc(formatW, formatH, 25, formatT), strings.Fields(f.args)...)...)
			c, info := read(t, path, Options{})
			w, h := formatW, formatH
			if n, _ := fmt.Sscanf(after(f.args, "scale="), "%d:%d", &w, &h); n == 1 {
				t.Fatal(f.args)
			}
			if info.Codec != f.codec || info.Container != f.container || info.W != w || info.H != h {
				t.Errorf("probed %+v", info)
			}
			if info.Rate != (clip.Rate{Num: 25, Den: 1}) || info.Truncated || info.Damaged || info.Jumps != 0 || info.HasAudio {
				t.Errorf("probed %+v", info)
			}
			if c.T != formatT {
				t.Fatalf("%d frames, want %d", c.T, formatT)
			}
			want := reference(t, path, "", w, h)
			wantPSNR(t, c, want, 60)
			checkTimes(t, path)
		})
	}
}

// after is what follows the key in the arguments.
func after(args, key string) string {
	_, value, _ := strings.Cut(args, key)
	return value
}

// checkTimes wants frame n at n/25 s, to the millisecond that Matroska rounds to.
func checkTimes(t *testing.T, path string) {
	t.Helper()
	r, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	last := time.Duration(-1)
	for n := 0; ; n++ {
		_, pts, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if pts <= last {
			t.Fatalf("frame %d at %v after %v", n, pts, last)
		}
		if d := pts.Seconds() - float64(n)/25; math.Abs(d) > 0.0011 {
			t.Fatalf("frame %d at %v", n, pts)
		}
		last = pts
	}
	if i := r.Info(); i.Truncated || i.Damaged {
		t.Errorf("truncated %v, damaged %d", i.Truncated, i.DamagedFrames)
	}
}

func TestFixturesMatchTheCommand(t *testing.T) {
	for _, path := range fixtures(t) {
		c, info := read(t, path, Options{})
		want := reference(t, path, "", info.W, info.H)
		if c.T != info.Frames {
			t.Errorf("%s: %d frames, index says %d", path, c.T, info.Frames)
		}
		wantPSNR(t, c, want, 60)
	}
}

func TestOneFrame(t *testing.T) {
	for _, name := range []string{"a.mp4", "a.webm", "a.avi", "a.mpg", "a.ogv"} {
		c, _ := read(t, generate(t, name, testsrc(64, 48, 25, 1)...), Options{})
		if c.T != 1 {
			t.Errorf("%s: %d frames", name, c.T)
		}
	}
}

func TestOddSizes(t *testing.T) {
	for _, s := range [][2]int{{33, 17}, {1, 1}, {35, 64}, {64, 35}} {
		path := generate(t, "a.mkv", append(testsrc(64, 64, 25, 3), "-vf", fmt.Sprintf("format=rgb24,scale=%d:%d,format=yuv420p", s[0], s[1]), "-c:v", "ffv1")...)
		c, info := read(t, path, Options{})
		if c.T != 3 || c.W != s[0] || c.H != s[1] || info.W != s[0] {
			t.Fatalf("%v: got [%d, %d, %d]", s, c.T, c.H, c.W)
		}
		wantPSNR(t, c, reference(t, path, "", s[0], s[1]), 60)
	}
}

func TestUnevenTimesAreKept(t *testing.T) {
	path := generate(t, "a.mkv", append(testsrc(64, 48, 25, 10), "-vf", "select='not(mod(n,3))'", "-vsync", "vfr", "-c:v", "ffv1")...)
	r, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for n := range 10 {
		_, pts, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Duration(n) * 120 * time.Millisecond; (pts - want).Abs() > time.Millisecond {
			t.Fatalf("frame %d at %v, want %v", n, pts, want)
		}
	}
	if _, _, err := r.Next(); err != io.EOF {
		t.Fatalf("after the last frame: %v", err)
	}
}

func TestThreadsChangeNoBit(t *testing.T) {
	path := fixtures(t)[0]
	a, _ := read(t, path, Options{Threads: 1, W: 64, H: 64})
	for _, n := range []int{2, 5} {
		b, _ := read(t, path, Options{Threads: n, W: 64, H: 64})
		wantPSNR(t, a, b, math.Inf(1))
	}
}
