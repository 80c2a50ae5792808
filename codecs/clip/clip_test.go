package clip

import (
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// ramp is a clip whose every byte differs from its neighbours.
func ramp(t, h, w int) *Clip {
	c := New(t, h, w, Rate{Num: 25, Den: 1})
	for i := range c.Pix {
		c.Pix[i] = uint8(i*7 + i/251)
	}
	return c
}

func TestRate(t *testing.T) {
	r := Rate{Num: 30000, Den: 1001}
	if got := r.At(30000); got != 1001*time.Second {
		t.Errorf("frame 30000 at %v, want 1001 s", got)
	}
	if got := r.Hz(); math.Abs(got-29.97002997) > 1e-8 {
		t.Errorf("Hz %v", got)
	}
	if (Rate{}).Hz() != 0 || (Rate{}).At(5) != 0 {
		t.Error("the zero rate must give zero")
	}
}

func TestPSNR(t *testing.T) {
	a, b := ramp(2, 3, 5), ramp(2, 3, 5)
	if got, err := PSNR(a, b); err != nil || !math.IsInf(got, 1) {
		t.Fatalf("equal clips: %v, %v", got, err)
	}
	for i := range b.Pix {
		b.Pix[i] ^= 1 // every byte off by one: MSE 1
	}
	want := 20 * math.Log10(255)
	if got, err := PSNR(a, b); err != nil || math.Abs(got-want) > 1e-12 {
		t.Fatalf("got %v, %v, want %v dB", got, err, want)
	}
	for _, c := range []*Clip{ramp(1, 3, 5), ramp(2, 5, 3), {T: 1, H: 1, W: 1}} {
		if _, err := PSNR(a, c); !errors.Is(err, ErrShape) {
			t.Errorf("[%d, %d, %d]: %v, want ErrShape", c.T, c.H, c.W, err)
		}
	}
	if _, err := PSNR(&Clip{}, &Clip{}); !errors.Is(err, ErrShape) {
		t.Errorf("no pixels: %v", err)
	}
}

func TestBytesBounds(t *testing.T) {
	if n, err := Bytes(2, 3, 5); err != nil || n != 90 {
		t.Fatalf("%d, %v", n, err)
	}
	const big = math.MaxInt
	for _, s := range [][3]int{{-1, 1, 1}, {1, -1, 1}, {big, 1, 1}, {1 << 31, 1 << 31, 2}, {big, big, big}, {1 << 62, 4, 0x7fffffff}} {
		if _, err := Bytes(s[0], s[1], s[2]); !errors.Is(err, ErrShape) {
			t.Errorf("%v: %v, want ErrShape", s, err)
		}
	}
}

func TestValidate(t *testing.T) {
	c := ramp(1, 2, 2)
	c.Rate.Num = -1
	if err := c.Validate(); !errors.Is(err, ErrRate) {
		t.Errorf("negative rate: %v", err)
	}
	c = ramp(1, 2, 2)
	c.Pix = c.Pix[1:]
	if err := c.Validate(); !errors.Is(err, ErrShape) {
		t.Errorf("short Pix: %v", err)
	}
}

func TestSlice(t *testing.T) {
	c := ramp(5, 2, 3)
	s, err := c.Slice(1, 4)
	if err != nil {
		t.Fatal(err)
	}
	if s.T != 3 || s.Validate() != nil || &s.Pix[0] != &c.Frame(1)[0] || s.Rate != c.Rate {
		t.Fatalf("slice %+v does not share frames 1 to 3", s)
	}
	if e, err := c.Slice(5, 5); err != nil || e.T != 0 || e.Validate() != nil {
		t.Fatalf("empty slice: %v", err)
	}
	for _, r := range [][2]int{{-1, 2}, {3, 2}, {0, 6}} {
		if _, err := c.Slice(r[0], r[1]); !errors.Is(err, ErrShape) {
			t.Errorf("%v: %v, want ErrShape", r, err)
		}
	}
}

func TestContactSheetPlacesEveryFrame(t *testing.T) {
	a, b := ramp(5, 4, 6), ramp(2, 3, 8)
	img, err := ContactSheet(3, a, b)
	if err != nil {
		t.Fatal(err)
	}
	// Two rows for a, one for b; cells 8 wide and 4 high, borders of 2.
	if got := img.Bounds().Size(); got.X != 3*10+2 || got.Y != 3*6+2 {
		t.Fatalf("sheet is %v", got)
	}
	check := func(c *Clip, f, row, column int) {
		for y := range c.H {
			for x := range c.W {
				r, g, bl, al := img.At(2+column*10+x, 2+row*6+y).RGBA()
				p := c.Frame(f)[3*(y*c.W+x):]
				if uint8(r>>8) != p[0] || uint8(g>>8) != p[1] || uint8(bl>>8) != p[2] || al != 0xffff {
					t.Fatalf("frame %d at row %d column %d differs at %d, %d", f, row, column, x, y)
				}
			}
		}
	}
	check(a, 0, 0, 0)
	check(a, 4, 1, 1)
	check(b, 1, 2, 1)
}

func TestContactSheetRefuses(t *testing.T) {
	for name, c := range map[string]*Clip{"empty": {}, "malformed": {T: 1, H: 1, W: 1}, "huge": {T: 1 << 40}} {
		if _, err := ContactSheet(4, c); !errors.Is(err, ErrShape) {
			t.Errorf("%s: %v, want ErrShape", name, err)
		}
	}
	if _, err := ContactSheet(0, ramp(1, 1, 1)); !errors.Is(err, ErrShape) {
		t.Errorf("no columns: %v", err)
	}
}

func TestWritePNG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sheet.png")
	c := ramp(3, 4, 6)
	if err := WritePNG(path, 3, c); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	r, _, _, _ := img.At(2+8, 2).RGBA()
	if uint8(r>>8) != c.Frame(1)[0] {
		t.Fatalf("frame 1 begins with %d, want %d", r>>8, c.Frame(1)[0])
	}
}
