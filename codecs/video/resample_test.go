package video

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
)

// TestRatesMatchFFmpegsFilter compares frame by frame with the command's fps filter: a
// frame too many, too few or of another moment lowers the PSNR of a moving picture.
func TestRatesMatchFFmpegsFilter(t *testing.T) {
	for _, c := range []struct{ from, frames, num, den int }{
		{30, 30, 24, 1},
		{25, 27, 10, 1},
		{25, 26, 25, 1},
		{25, 13, 60, 1},
		{24, 24, 24000, 1001},
		{25, 1, 25, 1},
		{25, 1, 50, 1},
		{10, 7, 3, 1},
	} {
		// AVI without B frames: with them its first frame starts late, and the command's
		// grid, unlike ours, does not start with the first frame.
		for ext, bf := range map[string]string{"mp4": "2", "mkv": "2", "avi": "0"} {
			t.Run(fmt.Sprintf("%d->%d,%d,%s", c.from, c.num, c.den, ext), func(t *testing.T) {
				path := generate(t, "a."+ext, append(testsrc(64, 48, c.from, c.frames), "-c:v", "mpeg4", "-bf", bf)...)
				rate := clip.Rate{Num: c.num, Den: c.den}
				got, _ := read(t, path, Options{Rate: rate})
				want := reference(t, path, fmt.Sprintf("fps=%d/%d", c.num, c.den), 64, 48)
				if got.T != want.T {
					t.Fatalf("%d frames, ffmpeg has %d", got.T, want.T)
				}
				if got.Rate != rate {
					t.Errorf("rate %v", got.Rate)
				}
				wantPSNR(t, got, want, 60)
			})
		}
	}
}

// TestLateFirstFrame: 13 frames at 25/s are 0.52 s wherever the container lets them begin.
func TestLateFirstFrame(t *testing.T) {
	path := generate(t, "a.avi", append(testsrc(64, 48, 25, 13), "-c:v", "mpeg4", "-bf", "2")...)
	c, _ := read(t, path, Options{Rate: clip.Rate{Num: 60, Den: 1}})
	if c.T != 31 {
		t.Fatalf("%d frames, want 31", c.T)
	}
}

// TestShorterThanHalfAFrame: the fps filter gives nothing, and nothing is no clip.
func TestShorterThanHalfAFrame(t *testing.T) {
	path := generate(t, "a.mp4", testsrc(64, 48, 30, 5)...)
	_, _, err := ReadClip(context.Background(), path, Options{Rate: clip.Rate{Num: 1, Den: 1}})
	wantError(t, err, ErrEmpty)
}

func TestResampledTimesAreEven(t *testing.T) {
	r, err := Open(context.Background(), fixtures(t)[0], Options{Rate: clip.Rate{Num: 12, Den: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for n := 0; ; n++ {
		_, pts, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := (clip.Rate{Num: 12, Den: 1}).At(n); (pts - want).Abs() > time.Microsecond {
			t.Fatalf("frame %d at %v, want %v", n, pts, want)
		}
	}
}

func TestStartAndMaxFrames(t *testing.T) {
	for _, ext := range []string{"mp4", "avi", "mpg", "webm"} {
		path := generate(t, "a."+ext, append(testsrc(64, 48, 25, 30), "-g", "8")...)
		all, _ := read(t, path, Options{})
		got, _ := read(t, path, Options{Start: 400 * time.Millisecond, MaxFrames: 7})
		want, err := all.Slice(10, 17)
		if err != nil {
			t.Fatal(err)
		}
		wantPSNR(t, got, want, 100)
	}
	path := fixtures(t)[0]
	_, _, err := ReadClip(context.Background(), path, Options{Start: time.Hour})
	wantError(t, err, ErrEmpty)
}
