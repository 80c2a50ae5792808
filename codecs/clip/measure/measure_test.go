package measure

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

// sliding is a textured square that moves by (dx, dy) a frame over grey.
func sliding(t, w, h, x0, y0, dx, dy int) *clip.Clip {
	c := clip.New(t, h, w, clip.Rate{Num: 25, Den: 1})
	for f := range t {
		p := c.Frame(f)
		for i := range p {
			p[i] = 90
		}
		for y := range 16 {
			for x := range 16 {
				at := ((y0+y+dy*f)*w + x0 + x + dx*f) * 3
				p[at], p[at+1], p[at+2] = uint8(x*15), uint8(y*15), uint8((x*7+y*11)%200)
			}
		}
	}
	return c
}

func TestCompareByHand(t *testing.T) {
	w, h := 16, 16
	last, truth, got := make([]uint8, w*h*3), make([]uint8, w*h*3), make([]uint8, w*h*3)
	for k := range 3 {
		truth[k], got[k] = 100, 90     // a pixel that moves, off by 10
		truth[3+k], got[3+k] = 5, 9    // one below the threshold, off by 4
		got[6+k], truth[6+k] = 200, 20 // off by 180
	}
	f := Compare(got, truth, last, w, h)
	if want := (100.0 + 16 + 180*180) / 256; math.Abs(f.MSE-want) > 1e-9 {
		t.Errorf("MSE %g, want %g", f.MSE, want)
	}
	if want := (100.0 + 180*180) / 2; math.Abs(f.Moving-want) > 1e-9 || f.Share != 2.0/256 {
		t.Errorf("moving %g of %g, want %g of %g", f.Moving, f.Share, want, 2.0/256)
	}
	same := Compare(last, last, last, w, h)
	if same.MSE != 0 || math.Abs(same.SSIM-1) > 1e-12 || !math.IsNaN(same.Moving) {
		t.Errorf("equal frames: %+v", same)
	}
}

// TestSSIMOfShift compares with the closed form for two constant pictures, (2ab + c1)/(a²
// + b² + c1), since their variances are 0.
func TestSSIMOfShift(t *testing.T) {
	a, b := make([]float64, 400), make([]float64, 400)
	for i := range a {
		a[i], b[i] = 100, 140
	}
	c1 := (0.01 * 255) * (0.01 * 255)
	if got, want := ssim(a, b, 20, 20), (2*100*140+c1)/(100*100+140*140+c1); math.Abs(got-want) > 1e-9 {
		t.Errorf("%g, want %g", got, want)
	}
	if !math.IsNaN(ssim(a[:64], b[:64], 8, 8)) {
		t.Error("a picture below the window has a similarity")
	}
}

// TestExtrapolateFollowsMotion continues a square that moves: the blocks of it go on, and
// frozen frames are worse.
func TestExtrapolateFollowsMotion(t *testing.T) {
	c := sliding(8, 64, 64, 8, 8, 2, 1)
	given, err := c.Slice(0, 4)
	if err != nil {
		t.Fatal(err)
	}
	moved, still := Extrapolate(given, 4), Freeze(given, 4)
	for k := range 4 {
		a := Compare(moved.Frame(k), c.Frame(4+k), given.Frame(3), 64, 64)
		b := Compare(still.Frame(k), c.Frame(4+k), given.Frame(3), 64, 64)
		if !(a.MSE < 0.8*b.MSE) || !(a.Moving < 0.8*b.Moving) {
			t.Errorf("frame %d: %+v moved, %+v frozen", k, a, b)
		}
	}
	if one, err := c.Slice(0, 1); err != nil || string(Extrapolate(one, 2).Pix) != string(Freeze(one, 2).Pix) {
		t.Errorf("one frame is not frozen: %v", err)
	}
	for k := range still.T {
		if string(still.Frame(k)) != string(given.Frame(3)) {
			t.Error("a frozen frame differs")
		}
	}
}

func TestSharpnessAndBlocks(t *testing.T) {
	w, h := 32, 32
	flat, blocks, ramp := make([]uint8, w*h*3), make([]uint8, w*h*3), make([]uint8, w*h*3)
	for i := range flat {
		x, y := i/3%w, i/3/w
		flat[i], ramp[i] = 77, uint8(4*x+2*y)
		blocks[i] = uint8((x/8+y/8)%2*50 + x%8 + y%8)
	}
	if s := Sharpness(flat, w, h); s != 0 {
		t.Errorf("a flat picture has sharpness %g", s)
	}
	if s := Sharpness(ramp, w, h); math.Abs(s-3) > 1e-9 {
		t.Errorf("a ramp of 4 and 2 has %g, want 3", s)
	}
	if b := Blockiness(ramp, w, h, 8, 8); math.Abs(b-1) > 1e-9 {
		t.Errorf("a ramp has blockiness %g", b)
	}
	if b := Blockiness(blocks, w, h, 8, 8); b < 20 {
		t.Errorf("blocks have %g", b)
	}
}
