package motion

import (
	"bytes"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/clip/measure"
)

// turned moves by a pixel a frame to the right for 4 frames, and on by (dy, dx) a frame.
func turned(t *testing.T, h, w int, dy, dx float64) (before, after *clip.Clip) {
	t.Helper()
	after, err := wavesFrom(3, 5, h, w, dy, dx).Slice(1, 5) // the last frame of before has moved by 3
	if err != nil {
		t.Fatal(err)
	}
	return waves(4, h, w, 0, 1), after
}

// TestCompensateFollowsATurn continues textures that suddenly move another way. The search finds
// the difference of both motions in every cell away from the border.
func TestCompensateFollowsATurn(t *testing.T) {
	const h, w, rows, cols = 64, 64, 8, 8
	levels := []float32{-3, -2, -1, -0.5, 0, 0.5, 1, 2, 3}
	for _, d := range [][2]float64{{0, -1}, {1, 0}, {0.5, 1}, {-2, 0}, {0, 1}} {
		before, after := turned(t, h, w, d[0], d[1])
		f := Estimate(before)
		continued := f.Continue(after.T)
		ys, xs := Search(continued, after, levels, rows, cols)
		v := NewVectors(rows, cols)
		for i := range ys {
			v.Y[i], v.X[i] = levels[ys[i]], levels[xs[i]]
			inside := i/cols > 1 && i/cols < rows-2 && i%cols > 1 && i%cols < cols-2
			if inside && (float64(v.Y[i]) != d[0] || float64(v.X[i]) != d[1]-1) {
				t.Errorf("motion %v, cell %d: a vector of %g, %g", d, i, v.Y[i], v.X[i])
			}
		}
		compensated := f.Compensate(continued, v)
		for k := range after.T {
			if db := inner(t, compensated.Frame(k), after.Frame(k), h, w); db < 32 {
				t.Errorf("motion %v, frame %d: %.1f dB", d, k, db)
			}
		}
		mean := f.Cells(rows, cols)
		if at := 2 * (3*cols + 3); max(abs(mean[at]), abs(mean[at+1]-1)) > 0.01 {
			t.Errorf("a cell moves by %g, %g a frame", mean[at], mean[at+1])
		}
	}
}

// TestCompensateMixes moves one cell: pixels away from it stay as they are, and no other is
// outside of what both pictures have there.
func TestCompensateMixes(t *testing.T) {
	c := waves(4, 32, 32, 0, 0)
	f := Estimate(c)
	continued := f.Continue(2)
	v := NewVectors(4, 4)
	if got := f.Compensate(continued, v); !bytes.Equal(got.Pix, continued.Pix) {
		t.Error("vectors of zero change pixels")
	}
	v.Y[5], v.X[5] = 2, -1
	got := f.Compensate(continued, v)
	for k := range got.T {
		moved := measure.Freeze(c, 1)
		for y := range 32 {
			for x := range 32 {
				from := clamp(y-2*(k+1), 32)*32 + clamp(x+k+1, 32)
				copy(moved.Pix[(y*32+x)*3:][:3], c.Frame(3)[from*3:])
			}
		}
		for y := range 32 {
			for x := range 32 {
				for i := (y*32 + x) * 3; i < (y*32+x)*3+3; i++ {
					g, a, b := got.Frame(k)[i], continued.Frame(k)[i], moved.Pix[i]
					if outside := y < 4 || y >= 20 || x < 4 || x >= 20; outside && g != a || g < min(a, b) || g > max(a, b) {
						t.Fatalf("frame %d, row %d, column %d: %d, of %d and %d", k, y, x, g, a, b)
					}
				}
			}
		}
	}
}
