package family

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/transforms/request"
)

// writeFloats writes tensors [rows, cols] of ascending numbers, by name.
func writeFloats(t *testing.T, path string, shapes map[string][]int) {
	t.Helper()
	var all []safetensors.NamedTensor
	for name, shape := range shapes {
		x := make([]float32, safetensors.Tensor{Shape: shape}.Elements())
		for i := range x {
			x[i] = float32(i)
		}
		n, err := safetensors.FromFloat32s(name, safetensors.F32, shape, x)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	if err := safetensors.Write(path, all, nil); err != nil {
		t.Fatal(err)
	}
}

func TestReadText(t *testing.T) {
	dir := t.TempDir()
	one, many, other := filepath.Join(dir, "one.safetensors"), filepath.Join(dir, "many.safetensors"), filepath.Join(dir, "other.txt")
	writeFloats(t, one, map[string][]int{"features": {2, 4}, "mask": {2}})
	writeFloats(t, many, map[string][]int{"cat": {3, 4}, "dog": {1, 4}, "wide": {1, 8}, "none": {0, 4}})
	if err := os.WriteFile(other, []byte("a cat"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		want int // elements
		err  error
		why  string
	}{
		{one, 8, nil, ""},
		{many + "#cat", 12, nil, ""},
		{many, 0, ErrText, "4 tensors of two axes"},
		{many + "#bird", 0, ErrText, "bird"},
		{many + "#wide", 0, ErrText, "[1 8], want [tokens, 4]"},
		{many + "#none", 0, ErrText, "[0 4]"},
		{one + "#mask", 0, ErrText, "[2]"},
		{other, 0, ErrText, "not a safetensors file"},
		{filepath.Join(dir, "nothing"), 0, fs.ErrNotExist, ""},
		{dir, 0, ErrNotFile, ""},
	} {
		x, err := readText(c.text, 4)
		if !errors.Is(err, c.err) || len(x) != c.want || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %d numbers, %v; want %d, %v about %q", filepath.Base(c.text), len(x), err, c.want, c.err, c.why)
		}
	}
	if x, _ := readText(one, 4); !slices.Equal(x, []float32{0, 1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("%v", x)
	}
}

// numbered is a picture whose pixels tell their row and column.
func numbered(h, w int) *picture.Picture {
	p := &picture.Picture{H: h, W: w}
	for y := range h {
		for x := range w {
			p.Pix = append(p.Pix, uint8(y), uint8(x), 0)
		}
	}
	return p
}

// TestReadPictureCrops: a picture is cropped at the centre to whole tokens, and says so.
func TestReadPictureCrops(t *testing.T) {
	for _, c := range []struct{ h, w, wantH, wantW, top, left int }{
		{16, 32, 16, 32, 0, 0},
		{19, 32, 16, 32, 1, 0},
		{18, 45, 16, 32, 1, 6},
		{5, 40, 5, 40, 0, 0}, // less than a token: the tokenizer refuses it
	} {
		var data bytes.Buffer
		if err := picture.EncodePNG(&data, numbered(c.h, c.w)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "a.png")
		if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := readPicture(path, 16, video.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		p := m.Picture
		if p.H != c.wantH || p.W != c.wantW || int(p.Pix[0]) != c.top || int(p.Pix[1]) != c.left || int(p.Pix[len(p.Pix)-3]) != c.top+c.wantH-1 {
			t.Errorf("%d by %d: %d by %d from %v", c.h, c.w, p.H, p.W, p.Pix[:2])
		}
		if cropped := c.h != c.wantH || c.w != c.wantW; cropped != (len(m.Notes()) == 1) {
			t.Errorf("%d by %d: notes %q", c.h, c.w, m.Notes())
		}
	}
	if _, err := readPicture("image_test.go", 16, video.Limits{}); !errors.Is(err, picture.ErrFormat) {
		t.Errorf("no picture: %v", err)
	}
}

func TestNoImageModelIsShipped(t *testing.T) {
	l := Acquire(Spec{Family: request.Image})
	defer l.Release()
	if _, err := l.Model(); !errors.Is(err, models.ErrFolder) {
		t.Errorf("%v, want ErrFolder", err)
	}
}
