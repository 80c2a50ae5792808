package worlds

import (
	"bytes"
	"math"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

// picture is a small picture of two frames.
func picture() *clip.Clip {
	c := clip.New(2, 40, 50, clip.Rate{Num: 25, Den: 1})
	for i := range c.Pix {
		c.Pix[i] = uint8(i*7 + i/150*3)
	}
	return c
}

// TestSeedsDecide draws each world twice with one seed, and with another.
func TestSeedsDecide(t *testing.T) {
	shape, pictures := Shape{Frames: 6, Size: 24}, []*clip.Clip{picture()}
	heldOut, names := 0, map[string]bool{}
	for _, w := range All() {
		if names[w.Name] {
			t.Errorf("two worlds are called %s", w.Name)
		}
		names[w.Name] = true
		if w.HeldOut {
			heldOut++
		}
		for seed := range uint64(8) {
			a, b, c := Draw(w, shape, pictures, seed), Draw(w, shape, pictures, seed), Draw(w, shape, nil, seed+100)
			if a.T != 6 || a.W != 24 || a.H != 24 || !bytes.Equal(a.Pix, b.Pix) {
				t.Errorf("%s: a seed gives two clips", w.Name)
			}
			if bytes.Equal(a.Pix, c.Pix) {
				t.Errorf("%s: two seeds give one clip", w.Name)
			}
		}
	}
	if heldOut == 0 || heldOut == len(names) {
		t.Errorf("%d of %d worlds are held out", heldOut, len(names))
	}
}

// TestWorldsMove wants motion in most clips of each world.
func TestWorldsMove(t *testing.T) {
	for _, w := range All() {
		moved := 0
		for seed := range uint64(10) {
			c := Draw(w, Shape{Frames: 12, Size: 24}, []*clip.Clip{picture()}, seed)
			if !bytes.Equal(c.Frame(0), c.Frame(11)) {
				moved++
			}
		}
		if moved < 7 {
			t.Errorf("%s: %d of 10 clips move", w.Name, moved)
		}
	}
}

// TestCollisionsKeep holds momentum and energy of bodies that bounce without a loss.
func TestCollisionsKeep(t *testing.T) {
	a := body{sprite: sprite{x: -0.2, radius: 0.2}, vx: 0.1, vy: 0.02}
	b := body{sprite: sprite{x: 0.15, y: 0.05, radius: 0.3}, vx: -0.05}
	momentum := func() (x, y, e float64) {
		for _, p := range []body{a, b} {
			m := p.radius * p.radius
			x, y, e = x+m*p.vx, y+m*p.vy, e+m*(p.vx*p.vx+p.vy*p.vy)
		}
		return x, y, e
	}
	x, y, e := momentum()
	before := a.vx
	collide(&a, &b, 1)
	x2, y2, e2 := momentum()
	if a.vx == before || math.Abs(x-x2)+math.Abs(y-y2)+math.Abs(e-e2) > 1e-12 {
		t.Errorf("momentum %g %g and energy %g became %g %g and %g", x, y, e, x2, y2, e2)
	}
	if d := math.Hypot(a.x-b.x, a.y-b.y); math.Abs(d-0.5) > 1e-9 {
		t.Errorf("they are %g apart, want 0.5", d)
	}
	far := body{sprite: sprite{x: 0.95, radius: 0.2}, vx: 0.1}
	if v, at := wall(far.vx, far.x, far.radius, 0.5); v != -0.05 || at != 0.8 {
		t.Errorf("a wall at 1 gives speed %g at %g", v, at)
	}
}
