package family

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/video"
)

// TestStillFits lays a wide and a tall picture, red in the middle and blue at both ends,
// into a square: a crop keeps the red alone, and a letterbox has bars.
func TestStillFits(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		w, h int
		fit  video.Fit
		mid  [3]uint8 // of the middle of the first column, or row of a tall one
		edge [3]uint8 // of the first corner
	}{
		{"wide", 120, 40, video.Crop, [3]uint8{255, 0, 0}, [3]uint8{255, 0, 0}},
		{"wide", 120, 40, video.Letterbox, [3]uint8{0, 0, 255}, [3]uint8{}},
		{"tall", 40, 120, video.Crop, [3]uint8{255, 0, 0}, [3]uint8{255, 0, 0}},
		{"tall", 40, 120, video.Letterbox, [3]uint8{0, 0, 255}, [3]uint8{}},
		{"square", 50, 50, video.Letterbox, [3]uint8{0, 0, 255}, [3]uint8{0, 0, 255}},
	} {
		p := &picture.Picture{H: c.h, W: c.w}
		for y := range c.h {
			for x := range c.w {
				along := 3 * x / c.w
				if c.h > c.w {
					along = 3 * y / c.h
				}
				if along == 1 {
					p.Pix = append(p.Pix, 255, 0, 0)
				} else {
					p.Pix = append(p.Pix, 0, 0, 255)
				}
			}
		}
		var data bytes.Buffer
		if err := picture.EncodePNG(&data, p); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, c.name+".png")
		if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if !isStill(path) {
			t.Errorf("%s is no picture", path)
		}
		m, err := readStill(path, video.Options{W: 24, H: 24, Rate: clip.Rate{Num: 25, Den: 1}, Fit: c.fit, MaxFrames: 3})
		if err != nil || m.Clip.T != 3 || !bytes.Equal(m.Clip.Frame(0), m.Clip.Frame(2)) {
			t.Fatalf("%s: %v", c.name, err)
		}
		at := func(y, x int) [3]uint8 { return [3]uint8(m.Clip.Frame(1)[3*(24*y+x):]) }
		mid := at(12, 0)
		if c.h > c.w {
			mid = at(0, 12)
		}
		if mid != c.mid || at(0, 0) != c.edge {
			t.Errorf("%s, fit %v: %v in the middle of a side, %v in the corner; want %v, %v", c.name, c.fit, mid, at(0, 0), c.mid, c.edge)
		}
	}
}

func TestStillsThatAreNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cut.png")
	if err := os.WriteFile(path, []byte("\x89PNG\r\n\x1a\n cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readStill(path, video.Options{W: 24, H: 24, MaxFrames: 3}); !isStill(path) || !errors.Is(err, picture.ErrFormat) {
		t.Errorf("a picture cut short: %v", err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe.png")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if isStill(pipe) || isStill("still_test.go") || isStill(filepath.Join(t.TempDir(), "none")) {
		t.Error("other files count as pictures")
	}
}
