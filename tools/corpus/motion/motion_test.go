package motion

import (
	"math"
	"reflect"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

// ramp is a still whose red grows with x and whose green grows with y.
func ramp(w, h int) *clip.Clip {
	c := clip.New(1, h, w, clip.Rate{Num: 25, Den: 1})
	for y := range h {
		for x := range w {
			c.Pix[3*(y*w+x)] = uint8(x)
			c.Pix[3*(y*w+x)+1] = uint8(y)
		}
	}
	return c
}

// TestResampleRamp compares with the exact value: bilinear sampling and means
// reproduce a linear function wherever the border is out of reach.
func TestResampleRamp(t *testing.T) {
	src := ramp(200, 150)
	const size = 16
	for name, c := range map[string]struct {
		w      Window
		mirror bool
	}{
		"one to one":   {Window{X: 60, Y: 70, Side: 16}, false},
		"shifted":      {Window{X: 60.25, Y: 70.75, Side: 16}, false},
		"enlarged":     {Window{X: 60, Y: 70, Side: 5}, false},
		"reduced":      {Window{X: 60, Y: 70, Side: 75}, false},
		"turned":       {Window{X: 60, Y: 70, Side: 40, Angle: 0.7}, false},
		"turned right": {Window{X: 60, Y: 70, Side: 16, Angle: math.Pi / 2}, false},
		"mirrored":     {Window{X: 60, Y: 70, Side: 33, Angle: 0.2}, true},
	} {
		dst := make([]uint8, size*size*3)
		Resample(dst, size, src.Pix, src.W, src.H, c.w, c.mirror)
		sin, cos := math.Sincos(c.w.Angle)
		for i := range size {
			for j := range size {
				u := (float64(j)+0.5)/size - 0.5
				if c.mirror {
					u = -u
				}
				u, v := u*c.w.Side, ((float64(i)+0.5)/size-0.5)*c.w.Side
				x, y := c.w.X+cos*u-sin*v-0.5, c.w.Y+sin*u+cos*v-0.5
				got := dst[3*(i*size+j):]
				if math.Abs(float64(got[0])-x) > 0.51 || math.Abs(float64(got[1])-y) > 0.51 {
					t.Fatalf("%s: pixel (%d, %d) is %v, want %.2f and %.2f", name, i, j, got[:2], x, y)
				}
			}
		}
	}
}

// TestFineDetailTurnsGrey reduces a board of black and white pixels.
func TestFineDetailTurnsGrey(t *testing.T) {
	src := clip.New(1, 128, 128, clip.Rate{Num: 25, Den: 1})
	for i := range 128 * 128 {
		if (i/128+i)%2 == 0 {
			src.Pix[3*i], src.Pix[3*i+1], src.Pix[3*i+2] = 255, 255, 255
		}
	}
	dst := make([]uint8, 16*16*3)
	for _, w := range []Window{{X: 64, Y: 64, Side: 64}, {X: 60.3, Y: 61.7, Side: 88, Angle: 0.4}} {
		Resample(dst, 16, src.Pix, 128, 128, w, false)
		for i, v := range dst {
			if v < 110 || v > 146 {
				t.Fatalf("%+v: value %d is %d, want about 128", w, i, v)
			}
		}
	}
}

func TestPlansStayInside(t *testing.T) {
	for _, src := range []*clip.Clip{
		clip.New(1, 128, 64, clip.Rate{}), clip.New(36, 240, 320, clip.Rate{}), clip.New(10, 65, 400, clip.Rate{}), clip.New(132, 360, 640, clip.Rate{}),
	} {
		still, moving, backwards := 0, 0, 0
		for seed := range uint64(400) {
			p := Plan(Shape{Frames: 16, Size: 64}, src, seed)
			for k := range p.Frames {
				w := p.window(k, src)
				if !inside(w, src) {
					t.Fatalf("seed %d, frame %d: %+v leaves %d x %d", seed, k, w, src.W, src.H)
				}
				if f := p.frame(k); f < 0 || f >= src.T {
					t.Fatalf("seed %d, frame %d shows source frame %d of %d", seed, k, f, src.T)
				}
			}
			if p.From == p.To {
				still++
			} else {
				moving++
			}
			if p.Step < 0 {
				backwards++
			}
		}
		if src.T > 1 && (still < 60 || backwards < 40) || moving < 150 {
			t.Errorf("%d frames: %d still, %d moving, %d backwards of 400", src.T, still, moving, backwards)
		}
	}
}

// inside reports whether the window lies within a source, but for rounding.
func inside(w Window, src *clip.Clip) bool {
	w.Side *= 1 - 1e-6
	r := w.reach()
	return w.X-r >= 0 && w.Y-r >= 0 && w.X+r <= float64(src.W) && w.Y+r <= float64(src.H)
}

func TestRenderFollowsThePath(t *testing.T) {
	src := ramp(200, 150)
	p := Path{Shape: Shape{Frames: 5, Size: 16}, From: Window{X: 50, Y: 60, Side: 16}, To: Window{X: 58, Y: 64, Side: 16}}
	c := Render(src, p)
	if c.T != 5 || c.H != 16 || c.W != 16 || c.Rate != src.Rate {
		t.Fatalf("clip of %d x %d x %d at %v", c.T, c.H, c.W, c.Rate)
	}
	for k := range c.T { // 2 columns and 1 row a frame
		got := c.Frame(k)[:2]
		if want := []uint8{uint8(42 + 2*k), uint8(52 + k)}; !reflect.DeepEqual(got, want) {
			t.Errorf("frame %d begins with %v, want %v", k, got, want)
		}
	}
}

func TestSameSeedSameClip(t *testing.T) {
	src := ramp(200, 150)
	s := Shape{Frames: 4, Size: 32}
	a, b := Plan(s, src, 7), Plan(s, src, 7)
	if a != b || a == Plan(s, src, 8) {
		t.Fatal("a path does not follow from its seed alone")
	}
	if !reflect.DeepEqual(Render(src, a), Render(src, b)) {
		t.Fatal("equal paths give different clips")
	}
}

func BenchmarkRender(b *testing.B) {
	src := clip.New(32, 360, 640, clip.Rate{Num: 25, Den: 1})
	paths := make([]Path, 64)
	for i := range paths {
		paths[i] = Plan(Shape{Frames: 16, Size: 64}, src, uint64(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Render(src, paths[i%len(paths)])
	}
	b.ReportMetric(float64(16*b.N)/b.Elapsed().Seconds(), "frames/s")
}
