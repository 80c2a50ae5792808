package video

import (
	"errors"
	"fmt"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

var square = clip.Rate{Num: 1, Den: 1}

func TestFitInto(t *testing.T) {
	for _, c := range []struct {
		w, h       int
		aspect     clip.Rate
		outW, outH int
		fit        Fit
		want       geometry
		filter     string
	}{
		{320, 180, square, 0, 0, Letterbox, geometry{320, 180, 320, 180}, ""},
		{320, 180, square, 64, 64, Letterbox, geometry{64, 36, 64, 64}, "pad=64:64:0:14:black"},
		{320, 180, square, 64, 64, Crop, geometry{114, 64, 64, 64}, "crop=64:64:25:0"},
		{320, 180, square, 64, 64, Stretch, geometry{64, 64, 64, 64}, ""},
		{180, 320, square, 64, 64, Letterbox, geometry{36, 64, 64, 64}, "pad=64:64:14:0:black"},
		{180, 320, square, 64, 64, Crop, geometry{64, 114, 64, 64}, "crop=64:64:0:25"},
		{320, 180, square, 160, 90, Crop, geometry{160, 90, 160, 90}, ""},
		{720, 576, clip.Rate{Num: 16, Den: 15}, 768, 576, Letterbox, geometry{768, 576, 768, 576}, ""},
		{8192, 2, square, 64, 64, Letterbox, geometry{64, 1, 64, 64}, "pad=64:64:0:31:black"},
		{1, 1, square, 64, 32, Letterbox, geometry{32, 32, 64, 32}, "pad=64:32:16:0:black"},
	} {
		got := fitInto(c.w, c.h, c.aspect, c.outW, c.outH, c.fit)
		if got != c.want || got.filter() != c.filter {
			t.Errorf("%d x %d into %d x %d by %v: %v %q, want %v %q", c.w, c.h, c.outW, c.outH, c.fit, got, got.filter(), c.want, c.filter)
		}
	}
}

func TestThinCropIsALimit(t *testing.T) {
	g := fitInto(8192, 2, square, 64, 64, Crop)
	if err := g.validate(); !errors.Is(err, ErrLimit) {
		t.Fatalf("%v: %v, want ErrLimit", g, err)
	}
}

// TestFitsOnRealFrames compares with the command given the same boxes.
func TestFitsOnRealFrames(t *testing.T) {
	path := generate(t, "a.mp4", testsrc(160, 90, 25, 4)...)
	sws := ":flags=" + swsFlags + ",format=rgb24"
	for _, c := range []struct {
		w, h   int
		fit    Fit
		filter string
	}{
		{64, 64, Letterbox, "scale=64:36" + sws + ",pad=64:64:0:14"},
		{64, 64, Crop, "scale=114:64" + sws + ",crop=64:64:25:0"},
		{64, 64, Stretch, "scale=64:64" + sws},
		{33, 77, Letterbox, "scale=33:19" + sws + ",pad=33:77:0:29"},
		{321, 200, Crop, "scale=356:200" + sws + ",crop=321:200:17:0"},
	} {
		t.Run(fmt.Sprintf("%dx%d,%v", c.w, c.h, c.fit), func(t *testing.T) {
			got, info := read(t, path, Options{W: c.w, H: c.h, Fit: c.fit})
			wantPSNR(t, got, reference(t, path, c.filter, c.w, c.h), 60)
			if info.W != 160 || info.H != 90 {
				t.Errorf("info has the output's size: %d x %d", info.W, info.H)
			}
		})
	}
}

func TestLetterboxBarsAreBlack(t *testing.T) {
	path := generate(t, "a.mp4", "-f", "lavfi", "-i", "color=white:s=160x90:r=25", "-frames:v", "1")
	c, _ := read(t, path, Options{W: 64, H: 64})
	for y := range 64 {
		p := c.Frame(0)[3*(y*64+32):][:3]
		inside := y >= 14 && y < 50
		if inside != (p[0] > 250) || !inside && (p[0] != 0 || p[1] != 0 || p[2] != 0) {
			t.Fatalf("row %d: %v", y, p)
		}
	}
}

func TestAnamorphicSamplesBecomeSquare(t *testing.T) {
	path := generate(t, "a.mp4", append(testsrc(120, 96, 25, 2), "-vf", "setsar=16/15", "-pix_fmt", "yuv420p")...)
	c, info := read(t, path, Options{})
	if c.W != 120 || info.Aspect != (clip.Rate{Num: 16, Den: 15}) {
		t.Fatalf("own size: %d wide, aspect %v", c.W, info.Aspect)
	}
	c, _ = read(t, path, Options{W: 128, H: 96})
	want := reference(t, path, "scale=128:96:flags="+swsFlags+",format=rgb24", 128, 96)
	wantPSNR(t, c, want, 60)
}

// TestSizeChangesInTheMiddle joins two sizes in one stream: both come out at the first's
// size, each fitted by its own shape.
func TestSizeChangesInTheMiddle(t *testing.T) {
	a := readFile(t, generate(t, "a.ts", append(testsrc(96, 64, 25, 10), "-c:v", "libx264", "-bf", "0")...))
	b := readFile(t, generate(t, "b.ts", append(testsrc(64, 96, 25, 10), "-c:v", "libx264", "-bf", "0", "-output_ts_offset", "0.4")...))
	path := writeFile(t, "ab.ts", append(a, b...))
	c, _ := read(t, path, Options{})
	if c.T != 20 || c.W != 96 || c.H != 64 {
		t.Fatalf("[%d, %d, %d], want [20, 64, 96]", c.T, c.H, c.W)
	}
	alone, _ := read(t, writeFile(t, "b.ts", b), Options{W: 32, H: 32})
	c, _ = read(t, path, Options{W: 32, H: 32})
	second, err := c.Slice(10, 20)
	if err != nil {
		t.Fatal(err)
	}
	wantPSNR(t, second, alone, 60)
	c, _ = read(t, path, Options{Rate: clip.Rate{Num: 50, Den: 1}, W: 32, H: 32})
	if c.T != 40 {
		t.Fatalf("%d frames at 50/s, want 40", c.T)
	}
}
