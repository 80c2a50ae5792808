package motion

import (
	"math"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/clip/measure"
)

// waves is a smooth texture that moves by (dy, dx) pixels a frame.
func waves(t, h, w int, dy, dx float64) *clip.Clip { return wavesFrom(0, t, h, w, dy, dx) }

// wavesFrom is waves that begin shifted to the right.
func wavesFrom(right float64, t, h, w int, dy, dx float64) *clip.Clip {
	c := clip.New(t, h, w, clip.Rate{Num: 25, Den: 1})
	for f := range t {
		for y := range h {
			for x := range w {
				v, u := float64(y)-dy*float64(f), float64(x)-right-dx*float64(f)
				for k := range 3 {
					c.Frame(f)[(y*w+x)*3+k] = uint8(128 + 50*wave(v/5+float64(k))*wave(u/7) + 40*wave((u+v)/11) + 0.5)
				}
			}
		}
	}
	return c
}

func wave(x float64) float64 { return math.Sin(x) }

// inner is the PSNR of a frame away from its edge, where nothing comes in.
func inner(t *testing.T, got, truth []uint8, h, w int) float64 {
	t.Helper()
	const edge = 16
	sum, n := 0.0, 0
	for y := edge; y < h-edge; y++ {
		for i := (y*w + edge) * 3; i < (y*w+w-edge)*3; i++ {
			d := float64(got[i]) - float64(truth[i])
			sum, n = sum+d*d, n+1
		}
	}
	return measure.PSNR(sum / float64(n))
}

// TestContinueFollowsMotion continues textures that move evenly, also by thirds of a
// pixel. What is known of them is their definition.
func TestContinueFollowsMotion(t *testing.T) {
	const h, w = 48, 64
	for _, d := range [][2]float64{{0, 0}, {1, -2}, {1.0 / 3, 2.0 / 3}, {-2, 1.0 / 3}} {
		c := waves(12, h, w, d[0], d[1])
		given, err := c.Slice(0, 8)
		if err != nil {
			t.Fatal(err)
		}
		moved, still := Continue(given, 4), measure.Freeze(given, 4)
		for k := range moved.T {
			a, b := inner(t, moved.Frame(k), c.Frame(8+k), h, w), inner(t, still.Frame(k), c.Frame(8+k), h, w)
			if a < 34 || a < b {
				t.Errorf("motion %v, frame %d: %.1f dB, frozen %.1f", d, k, a, b)
			}
		}
	}
}

// TestContinueStandsStill continues what has no motion to measure.
func TestContinueStandsStill(t *testing.T) {
	c := waves(3, 20, 12, 1, 1) // too short, and no multiple of a block
	for name, c := range map[string]*clip.Clip{"short": c, "still": waves(4, 18, 10, 0, 0)} {
		if got := Continue(c, 2); string(got.Pix) != string(measure.Freeze(c, 2).Pix) {
			t.Errorf("%s: it moves", name)
		}
	}
}

// TestFollow compares pieces with those that Continue makes of what came before.
func TestFollow(t *testing.T) {
	c := waves(8, 32, 32, 1, 0.5)
	got := Follow(c, 10, 4)
	if got.T != 10 {
		t.Fatalf("%d frames", got.T)
	}
	all := clip.New(8, 32, 32, c.Rate)
	copy(all.Pix, c.Pix)
	for at := 0; at < 10; at += 4 {
		next := Continue(all, 4)
		n := min(len(next.Pix), len(got.Pix)-at*len(got.Frame(0)))
		if string(got.Pix[at*len(got.Frame(0)):][:n]) != string(next.Pix[:n]) {
			t.Fatalf("frames from %d on differ", at)
		}
		all = &clip.Clip{T: all.T + 4, H: 32, W: 32, Rate: c.Rate, Pix: append(append([]uint8(nil), all.Pix...), next.Pix...)}
	}
}

func BenchmarkContinue(b *testing.B) {
	c := waves(4, 64, 64, 1, 1)
	for b.Loop() {
		Continue(c, 4)
	}
}
