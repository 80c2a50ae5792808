package video

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

var pal = clip.Rate{Num: 25, Den: 1}

// TestFilesOfOthersComeOutWhole reads one file of each kind that real recordings are.
func TestFilesOfOthersComeOutWhole(t *testing.T) {
	for _, c := range []struct {
		file   string
		frames int
		want   Info // only what can go wrong
	}{
		{"psreset.mpg", 100, Info{Jumps: 1}}, // the stamps start again
		{"tsjump.ts", 100, Info{Jumps: 1}},   // and jump by 5,000 s
		{"tslead.ts", 50, Info{}},            // begins inside a packet
		{"trail.mp4", 50, Info{}},            // ends with bytes of nothing
		{"gif.gif", 50, Info{}},
		{"cutfast.mp4", 22, Info{Truncated: true}},
		{"corrupt.mp4", 47, Info{Damaged: true, DamagedFrames: 13}},
	} {
		path := "testdata/" + c.file
		got, info := read(t, path, Options{})
		seen := Info{Truncated: info.Truncated, Damaged: info.Damaged, DamagedFrames: info.DamagedFrames, Jumps: info.Jumps}
		if got.T != c.frames || seen != c.want {
			t.Errorf("%s: %d frames, %+v; want %d, %+v", c.file, got.T, seen, c.frames, c.want)
		}
		steady, _ := read(t, path, Options{Rate: pal, W: 32, H: 32})
		if want := max(c.frames, 50*boolInt(c.want.Damaged)); steady.T != want { // three refused frames leave gaps
			t.Errorf("%s: %d frames at 25/s, want %d", c.file, steady.T, want)
		}
		if c.want == (Info{}) {
			wantPSNR(t, got, reference(t, path, "", got.W, got.H), 60)
		}
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestJoinedStreamsLoseNothing joins two recordings, whose clocks both start at 0.
func TestJoinedStreamsLoseNothing(t *testing.T) {
	for _, f := range []struct{ name, codec string }{{"a.ts", "libx264"}, {"a.ts", "mpeg2video"}, {"a.mpg", "mpeg2video"}, {"a.m2ts", "libx264"}} {
		b := readFile(t, generate(t, f.name, append(testsrc(96, 64, 25, 50), "-c:v", f.codec)...))
		path := writeFile(t, f.name, append(b[:len(b):len(b)], b...))
		for _, o := range []Options{{}, {Rate: pal, W: 32, H: 32}} {
			c, info := read(t, path, o)
			if c.T != 100 || info.Jumps != 1 || info.Damaged || info.Truncated {
				t.Errorf("%s of %s at %v: %d frames, %+v", f.name, f.codec, o.Rate, c.T, info)
			}
		}
	}
}

// TestStampsThatJumpBack: a clock that falls from 5,000 s to 1 s is taken for one that ran
// over, which FFmpeg turns into a jump of 25 hours.
func TestStampsThatJumpBack(t *testing.T) {
	for _, f := range []struct{ name, codec string }{{"a.ts", "libx264"}, {"a.mpg", "mpeg2video"}} {
		args := append(testsrc(96, 64, 25, 50), "-c:v", f.codec)
		late := readFile(t, generate(t, f.name, append(args, "-output_ts_offset", "5000")...))
		b := readFile(t, generate(t, f.name, args...))
		before := residentBytes(t)
		c, info := read(t, writeFile(t, f.name, append(late, b...)), Options{Rate: pal})
		if grown := residentBytes(t) - before; c.T != 100 || info.Jumps != 1 || grown > 100<<20 {
			t.Errorf("%s: %d frames, %d MB more, %+v", f.name, c.T, grown>>20, info)
		}
	}
}

// TestStampsFasterThanTheClock: Matroska counts milliseconds, so frames share them.
func TestStampsFasterThanTheClock(t *testing.T) {
	for _, rate := range []int{2000, 4000} {
		path := generate(t, "a.mkv", append(testsrc(32, 32, rate, rate*2/5), "-c:v", "mpeg4", "-bf", "0")...)
		c, info := read(t, path, Options{})
		if c.T != rate*2/5 || info.Jumps != 0 {
			t.Errorf("%d frames/s: %d frames, %+v", rate, c.T, info)
		}
		slow, _ := read(t, path, Options{Rate: pal})
		if slow.T != 10 {
			t.Fatalf("%d frames/s: %d frames at 25/s, want 10", rate, slow.T)
		}
		for i := range slow.T {
			// The last frame that is nearest to i/25 s, or one of the millisecond beside it.
			last, near := (2*i+1)*rate/50-1, false
			for n := last - rate/1000 - 1; n <= last+rate/1000+1; n++ {
				near = near || bytes.Equal(slow.Frame(i), c.Frame(n))
			}
			if !near {
				t.Errorf("%d frames/s: frame %d is of another moment", rate, i)
			}
		}
	}
}

// TestDamageIsTheSameForEveryThreadCount damages streams in many ways. Concealment depends
// on what other threads have ready, so only decoding that again keeps the bytes.
func TestDamageIsTheSameForEveryThreadCount(t *testing.T) {
	paths := []string{"testdata/corrupt.mp4", "testdata/cutfast.mp4"}
	for _, f := range []struct{ name, codec string }{
		{"a.mp4", "libx264"}, {"b.mp4", "libx265"}, {"a.ts", "libx264"}, {"a.avi", "mpeg4"}, {"a.mpg", "mpeg2video"}, {"b.avi", "mjpeg"}, {"a.webm", "libvpx-vp9"},
	} {
		b := readFile(t, generate(t, f.name, append(testsrc(96, 64, 25, 30), "-c:v", f.codec, "-g", "12")...))
		for i := range 4 {
			damaged := append([]byte(nil), b...)
			at := len(b)/4 + i*len(b)/10
			for j := range 40 {
				damaged[at+j] ^= byte(7*j + i + 1)
			}
			paths = append(paths, writeFile(t, fmt.Sprint(i, f.name), damaged))
		}
	}
	for _, path := range paths {
		one, first, err := ReadClip(context.Background(), path, Options{Threads: 1})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for _, n := range []int{2, 3, 4, 9} {
			c, info := read(t, path, Options{Threads: n})
			if db, err := clip.PSNR(one, c); err != nil || !math.IsInf(db, 1) || info != first {
				t.Errorf("%s: %d threads differ from one: %.1f dB, %v\n%+v\n%+v", path, n, db, err, first, info)
			}
		}
	}
}

// TestDamageShowsInEveryCodec overwrites frames in the middle of a file.
func TestDamageShowsInEveryCodec(t *testing.T) {
	for _, f := range []struct{ name, codec string }{
		{"a.mp4", "libx264"},
		{"a.mkv", "libx264"},
		{"b.mp4", "libx265"},
		{"a.ts", "libx264"},
		{"a.avi", "mpeg4"},
		{"a.mpg", "mpeg2video"},
		{"b.avi", "mjpeg"},
		{"c.mkv", "ffv1"},
		{"d.mov", "prores"},
		{"e.mp4", "libaom-av1"},
		{"a.webm", "libvpx-vp9"},
		{"a.flv", "flv1"},
		{"a.wmv", "wmv2"},
	} {
		args := append(testsrc(96, 64, 25, 30), "-c:v", f.codec, "-g", "12")
		if f.codec == "libaom-av1" {
			args = append(args, "-cpu-used", "8")
		}
		b := readFile(t, generate(t, f.name, args...))
		if _, info := read(t, writeFile(t, f.name, b), Options{}); info.Damaged || info.Truncated {
			t.Errorf("%s of %s: whole, but %+v", f.name, f.codec, info)
		}
		for i := len(b) * 2 / 5; i < len(b)*3/5; i++ {
			b[i] = byte(i * 7)
		}
		_, info := read(t, writeFile(t, f.name, b), Options{})
		if !info.Damaged && !info.Truncated {
			t.Errorf("%s of %s: a fifth is overwritten, but %+v", f.name, f.codec, info)
		}
	}
}

// TestLossInATransportStreamIsSeen takes one packet out.
func TestLossInATransportStreamIsSeen(t *testing.T) {
	b := readFile(t, generate(t, "a.ts", append(testsrc(96, 64, 25, 50), "-c:v", "libx264")...))
	at := len(b) / 188 / 2 * 188
	_, info := read(t, writeFile(t, "a.ts", append(b[:at:at], b[at+188:]...)), Options{})
	if !info.Damaged || info.Truncated {
		t.Errorf("%+v", info)
	}
}

// TestStreamChoice: the default one, else the largest, never a picture.
func TestStreamChoice(t *testing.T) {
	two := []string{
		"-f", "lavfi", "-i", "testsrc2=s=32x32:r=25:d=0.2", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=0.2",
		"-map", "0", "-map", "1", "-t", "0.2", "-c:v", "mpeg4",
	}
	for _, c := range []struct {
		name  string
		args  []string
		width int
	}{
		{"none.mkv", []string{"-disposition:0", "0", "-disposition:1", "0"}, 96},
		{"first.mkv", []string{"-disposition:0", "default", "-disposition:1", "0"}, 32},
		{"second.mkv", []string{"-disposition:0", "0", "-disposition:1", "default"}, 96},
		{"both.mkv", []string{"-disposition:0", "default", "-disposition:1", "default"}, 96},
		{"a.ts", nil, 96},
	} {
		path := generate(t, c.name, append(append([]string(nil), two...), c.args...)...)
		got, info := read(t, path, Options{})
		if got.W != c.width || got.T != 5 || info.W != c.width {
			t.Errorf("%s: %d frames, %d wide, want 5 and %d", c.name, got.T, got.W, c.width)
		}
	}
	still := generate(t, "cover.png", testsrc(640, 480, 25, 1)...)
	path := generate(t, "cover.mp4", append([]string{"-i", still}, append(testsrc(96, 64, 25, 5),
		"-map", "0", "-map", "1", "-c:v:0", "png", "-disposition:v:0", "attached_pic", "-c:v:1", "mpeg4")...)...)
	if got, _ := read(t, path, Options{}); got.W != 96 || got.T != 5 {
		t.Errorf("beside a cover: %d frames, %d wide", got.T, got.W)
	}
}
