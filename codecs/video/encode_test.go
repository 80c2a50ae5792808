package video

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

// waves is a smooth moving picture, which halved chroma does not hurt much.
func waves(t, h, w int, rate clip.Rate) *clip.Clip {
	c := clip.New(t, h, w, rate)
	for f := range t {
		for y := range h {
			for x := range w {
				p := c.Frame(f)[3*(y*w+x):]
				for i := range 3 {
					p[i] = uint8(128 + 100*math.Sin(float64(x*(i+1)+y+3*f)/25))
				}
			}
		}
	}
	return c
}

func encode(t *testing.T, c *clip.Clip, o EncodeOptions) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.mp4")
	if err := Encode(context.Background(), path, c, o); err != nil {
		t.Fatal(err)
	}
	return path
}

// probeFields asks ffprobe, which shares none of our code.
func probeFields(t *testing.T, path string, fields string) map[string]string {
	t.Helper()
	out := run(t, "ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries", "stream="+fields, "-of", "default=nw=1", path)
	m := map[string]string{}
	for line := range strings.Lines(string(out)) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
		m[k] = v
	}
	return m
}

func TestEncodeIsExactInCountRateAndFlags(t *testing.T) {
	for _, c := range []struct{ t, h, w, num, den int }{
		{1, 64, 64, 25, 1},
		{2, 64, 64, 8, 1},
		{48, 64, 64, 30000, 1001},
		{17, 48, 80, 45000, 1499},
		{5, 33, 35, 24, 1},
		{3, 1, 1, 25, 1},
		{4, 16, 16, 1, 2},
		{100, 32, 32, 1000, 1},
	} {
		t.Run(fmt.Sprintf("[%d,%d,%d]@%d_%d", c.t, c.h, c.w, c.num, c.den), func(t *testing.T) {
			path := encode(t, waves(c.t, c.h, c.w, clip.Rate{Num: c.num, Den: c.den}), EncodeOptions{})
			got := probeFields(t, path, "codec_name,width,height,pix_fmt,color_range,color_space,color_primaries,color_transfer,r_frame_rate,avg_frame_rate,nb_frames,nb_read_frames,start_pts,duration")
			rate := fmt.Sprintf("%d/%d", c.num, c.den)
			for k, want := range map[string]string{
				"codec_name": "h264", "pix_fmt": "yuv420p", "color_range": "tv", "color_space": "bt709", "color_primaries": "bt709", "color_transfer": "bt709",
				"width": fmt.Sprint(c.w + c.w%2), "height": fmt.Sprint(c.h + c.h%2), "avg_frame_rate": rate,
				"nb_frames": fmt.Sprint(c.t), "nb_read_frames": fmt.Sprint(c.t), "start_pts": "0",
				"duration": fmt.Sprintf("%.6f", float64(c.t)*float64(c.den)/float64(c.num)),
			} {
				if got[k] != want {
					t.Errorf("%s is %s, want %s", k, got[k], want)
				}
			}
			checkDecodedAgain(t, path, c.t, clip.Rate{Num: c.num, Den: c.den})
		})
	}
}

func checkDecodedAgain(t *testing.T, path string, frames int, rate clip.Rate) {
	t.Helper()
	c, info := read(t, path, Options{})
	if c.T != frames || c.Rate != rate || info.Frames != frames || info.Truncated || info.Matrix != "bt709" {
		t.Errorf("read back %d frames at %v: %+v", c.T, c.Rate, info)
	}
}

func TestEncodeKeepsThePicture(t *testing.T) {
	src := waves(20, 96, 128, clip.Rate{Num: 25, Den: 1})
	last := math.Inf(1)
	for _, c := range []struct {
		crf int
		db  float64
	}{{4, 44}, {18, 38}, {35, 28}} {
		got, _ := read(t, encode(t, src, EncodeOptions{CRF: c.crf}), Options{})
		db, err := clip.PSNR(src, got)
		if err != nil || db < c.db || db >= last {
			t.Errorf("CRF %d: %.2f dB (%v), want at least %.0f and less than before", c.crf, db, err, c.db)
		}
		last = db
	}
	for _, path := range fixtures(t) {
		src, _ := read(t, path, Options{W: 128, H: 128, Fit: Crop})
		got, _ := read(t, encode(t, src, EncodeOptions{}), Options{})
		wantPSNR(t, src, got, 34)
	}
}

// TestColoursSurvive would catch a swapped matrix or range, which a grey picture hides.
func TestColoursSurvive(t *testing.T) {
	for _, rgb := range [][3]uint8{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}, {0, 0, 0}, {200, 100, 50}} {
		c := clip.New(2, 32, 32, clip.Rate{Num: 25, Den: 1})
		for i := range c.Pix {
			c.Pix[i] = rgb[i%3]
		}
		got, _ := read(t, encode(t, c, EncodeOptions{CRF: 1}), Options{})
		for i := range 3 {
			if d := int(got.Pix[3*500+i]) - int(rgb[i]); d > 3 || d < -3 {
				t.Errorf("%v came back %v", rgb, got.Pix[3*500:3*500+3])
				break
			}
		}
	}
}

func TestOddSizesRepeatTheEdge(t *testing.T) {
	src := waves(3, 33, 35, clip.Rate{Num: 25, Den: 1})
	got, _ := read(t, encode(t, src, EncodeOptions{CRF: 4}), Options{})
	want := clip.New(3, 34, 36, src.Rate)
	for f := range 3 {
		padEven(want.Frame(f), src.Frame(f), 35, 33)
		for y := range 34 {
			for x := range 36 {
				a, b := want.Frame(f)[3*(y*36+x):][:3], src.Frame(f)[3*(min(y, 32)*35+min(x, 34)):][:3]
				if !bytes.Equal(a, b) {
					t.Fatalf("padded pixel %d, %d is %v, want %v", x, y, a, b)
				}
			}
		}
	}
	wantPSNR(t, got, want, 40)
}

func TestIndexComesFirst(t *testing.T) {
	b := readFile(t, encode(t, waves(10, 64, 64, clip.Rate{Num: 25, Den: 1}), EncodeOptions{}))
	var order []string
	for at := 0; at+8 <= len(b); {
		order = append(order, string(b[at+4:at+8]))
		at += int(binary.BigEndian.Uint32(b[at:]))
	}
	if got := strings.Join(order, " "); got != "ftyp moov free mdat" && got != "ftyp moov mdat" {
		t.Fatalf("boxes: %s", got)
	}
}

// TestEncodeIsDeterministic uses a size of whole macroblocks, see Writer.
func TestEncodeIsDeterministic(t *testing.T) {
	src, _ := read(t, fixtures(t)[1], Options{W: 160, H: 96})
	a := readFile(t, encode(t, src, EncodeOptions{}))
	for range 3 {
		if b := readFile(t, encode(t, src, EncodeOptions{})); !bytes.Equal(a, b) {
			t.Fatal("the same clip gave other bytes")
		}
	}
}

func folder(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	e, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestFailuresLeaveNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	path := filepath.Join(dir, "a.mp4")
	rate := clip.Rate{Num: 25, Den: 1}
	frame := make([]uint8, 64*64*3)

	v, err := Create(ctx, path, 64, 64, rate, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, v.Close(), ErrEmpty)

	v, err = Create(ctx, path, 64, 64, rate, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, v.WriteFrame(frame[1:]), clip.ErrShape)
	if err := v.WriteFrame(frame); err != nil {
		t.Fatalf("after a frame of the wrong size: %v", err)
	}
	if err := v.Abort(); err != nil {
		t.Fatal(err)
	}
	if v.WriteFrame(frame) == nil {
		t.Error("WriteFrame after Abort")
	}

	v, err = Create(ctx, path, 64, 64, rate, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	wantError(t, v.WriteFrame(frame), context.Canceled)
	wantError(t, v.Close(), context.Canceled)

	if left := folder(t, dir); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestCloseReplacesAtomically(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a: b.mp4") // a colon is no protocol here
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	src := waves(3, 32, 32, clip.Rate{Num: 25, Den: 1})
	v, err := Create(context.Background(), path, 32, 32, src.Rate, EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for f := range src.T {
		if err := v.WriteFrame(src.Frame(f)); err != nil {
			t.Fatal(err)
		}
	}
	if string(readFile(t, path)) != "old" {
		t.Fatal("the old file changed before Close")
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if len(folder(t, dir)) != 1 {
		t.Fatal("left behind a file")
	}
	checkDecodedAgain(t, path, 3, src.Rate)
}

func TestEncodeRefuses(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	ok := waves(2, 16, 16, clip.Rate{Num: 25, Den: 1})
	for name, c := range map[string]struct {
		clip clip.Clip
		o    EncodeOptions
		want error
	}{
		"no frames": {clip.Clip{H: 16, W: 16, Rate: ok.Rate}, EncodeOptions{}, ErrEmpty},
		"no rate":   {clip.Clip{T: 2, H: 16, W: 16, Pix: ok.Pix}, EncodeOptions{}, ErrOptions},
		"no pixels": {clip.Clip{T: 2, W: 16, Rate: ok.Rate}, EncodeOptions{}, ErrOptions},
		"malformed": {clip.Clip{T: 3, H: 16, W: 16, Rate: ok.Rate, Pix: ok.Pix}, EncodeOptions{}, clip.ErrShape},
		"CRF":       {*ok, EncodeOptions{CRF: 52}, ErrOptions},
		"preset":    {*ok, EncodeOptions{Preset: "sluggish"}, ErrOptions},
		"threads":   {*ok, EncodeOptions{Threads: -1}, ErrOptions},
		"too wide":  {*clip.New(1, 1, 16385, ok.Rate), EncodeOptions{}, ErrLimit},
	} {
		if err := Encode(ctx, filepath.Join(dir, "a.mp4"), &c.clip, c.o); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			wantError(t, err, c.want)
		}
	}
	err := Encode(ctx, filepath.Join(dir, "no", "a.mp4"), ok, EncodeOptions{})
	wantError(t, err, os.ErrNotExist)
	if left := folder(t, dir); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}
