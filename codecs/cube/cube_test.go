package cube

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

func noise(r *rand.Rand, t, h, w int) *clip.Clip {
	c := clip.New(t, h, w, clip.Rate{Num: 30000, Den: 1001})
	for i := range c.Pix {
		c.Pix[i] = uint8(r.Uint32())
	}
	return c
}

func same(a, b *clip.Clip) bool {
	return a.T == b.T && a.H == b.H && a.W == b.W && a.Rate == b.Rate && bytes.Equal(a.Pix, b.Pix)
}

// checkRoundTrip is the property itself, shared with the fuzz target.
func checkRoundTrip(t *testing.T, c *clip.Clip, s Size) {
	t.Helper()
	g, err := Split(c, s)
	if err != nil {
		t.Fatalf("Split([%d, %d, %d], %v): %v", c.T, c.H, c.W, s, err)
	}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	checkPadding(t, c, g)
	back, err := g.Join()
	if err != nil {
		t.Fatal(err)
	}
	if !same(c, back) {
		t.Fatalf("[%d, %d, %d] in %v came back different", c.T, c.H, c.W, s)
	}
}

// checkPadding compares every pixel of the grid with its definition, index by index.
func checkPadding(t *testing.T, c *clip.Clip, g *Grid) {
	t.Helper()
	at := 0
	for n := range g.Count() {
		i, j, k := n/(g.N.H*g.N.W), n/g.N.W%g.N.H, n%g.N.W
		cube := g.Pix[n*3*g.Size.Volume():]
		for p := range g.Size.Volume() {
			tt := min(i*g.Size.T+p/(g.Size.H*g.Size.W), c.T-1)
			y := min(j*g.Size.H+p/g.Size.W%g.Size.H, c.H-1)
			x := min(k*g.Size.W+p%g.Size.W, c.W-1)
			want := c.Frame(tt)[3*(y*c.W+x):]
			if got := cube[3*p:]; got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
				t.Fatalf("cube (%d, %d, %d) pixel %d: %v, want %v", i, j, k, p, got[:3], want[:3])
			}
			at += 3
		}
	}
	if at != len(g.Pix) {
		t.Fatalf("visited %d of %d bytes", at, len(g.Pix))
	}
}

func TestRoundTripRandomShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		c := noise(r, r.IntN(9), r.IntN(13), r.IntN(13))
		checkRoundTrip(t, c, Size{T: 1 + r.IntN(6), H: 1 + r.IntN(16), W: 1 + r.IntN(16)})
	}
}

func TestSplitRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := noise(r, 2, 3, 4)
	big := math.MaxInt
	for _, s := range []Size{{}, {T: -1, H: 1, W: 1}, {T: 1, H: 0, W: 1}, {T: big, H: 1, W: 1}, {T: big, H: big, W: big}, {T: 1 << 11, H: 1 << 11, W: 1 << 11}} {
		if _, err := Split(c, s); !errors.Is(err, ErrSize) {
			t.Errorf("%v: %v, want ErrSize", s, err)
		}
	}
	c.Pix = c.Pix[1:]
	if _, err := Split(c, Size{1, 1, 1}); !errors.Is(err, clip.ErrShape) {
		t.Errorf("malformed clip: %v, want clip.ErrShape", err)
	}
}

func TestJoinRefusesTamperedGrids(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, tamper := range map[string]func(*Grid){
		"short": func(g *Grid) { g.Pix = g.Pix[3:] },
		"count": func(g *Grid) { g.N.W++ },
		"size":  func(g *Grid) { g.Size.H = 0 },
		"shape": func(g *Grid) { g.T = -1 },
		"grown": func(g *Grid) { g.W += g.Size.W },
	} {
		g, err := Split(noise(r, 3, 5, 7), Size{2, 2, 2})
		if err != nil {
			t.Fatal(err)
		}
		tamper(g)
		if _, err := g.Join(); !errors.Is(err, ErrSize) {
			t.Errorf("%s: %v, want ErrSize", name, err)
		}
	}
}

func TestFloatsKeepAll256Values(t *testing.T) {
	g, err := New(1, 16, 16, clip.Rate{}, Size{1, 16, 16})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, len(g.Pix))
	for i := range g.Pix {
		g.Pix[i] = uint8(i)
	}
	want := bytes.Clone(g.Pix)
	if err := g.Floats(x); err != nil {
		t.Fatal(err)
	}
	if x[0] != -1 || x[255] != 1 {
		t.Errorf("ends are %v and %v", x[0], x[255])
	}
	clear(g.Pix)
	if err := g.SetFloats(x); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g.Pix, want) {
		t.Error("a byte changed on its way through float32")
	}
	if err := g.Floats(x[1:]); !errors.Is(err, ErrSize) {
		t.Errorf("short dst: %v", err)
	}
	if err := g.SetFloats(x[1:]); !errors.Is(err, ErrSize) {
		t.Errorf("short src: %v", err)
	}
}

func TestSetFloatsClampsAndRounds(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		v    float32
		want uint8
	}{
		{-inf, 0},
		{-1.5, 0},
		{-1, 0},
		{float32(math.NaN()), 0},
		{inf, 255},
		{2, 255},
		{1, 255},
		{0.9999999, 255},
		{0, 128},
		{10.4/127.5 - 1, 10},
		{10.6/127.5 - 1, 11},
	} {
		if got := toByte(c.v); got != c.want {
			t.Errorf("toByte(%v) = %d, want %d", c.v, got, c.want)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add(uint64(1), 3, 5, 7, 2, 2, 2)
	f.Add(uint64(2), 0, 5, 7, 2, 2, 2)
	f.Add(uint64(3), 1, 1, 1, 9, 9, 9)
	f.Add(uint64(4), 4, 8, 8, 4, 8, 8)
	f.Add(uint64(5), 4, 8, 8, math.MaxInt, math.MinInt, 0)
	f.Fuzz(func(t *testing.T, seed uint64, ct, ch, cw, st, sh, sw int) {
		ct, ch, cw = ct&15, ch&31, cw&31
		c := noise(rand.New(rand.NewPCG(seed, 0)), ct, ch, cw)
		s := Size{T: st, H: sh, W: sw}
		n, err := (&Grid{Size: s, T: ct, H: ch, W: cw}).plan()
		if err != nil {
			if _, err := Split(c, s); !errors.Is(err, ErrSize) {
				t.Fatalf("%v: %v, want ErrSize", s, err)
			}
			return
		}
		if n < 0 || n > MaxBytes {
			t.Fatalf("%v plans %d bytes", s, n)
		}
		if n > 1<<22 {
			return // allowed, but too slow to check pixel by pixel here
		}
		checkRoundTrip(t, c, s)
	})
}

func ExampleSplit() {
	c := clip.New(5, 6, 7, clip.Rate{Num: 25, Den: 1})
	g, _ := Split(c, Size{T: 2, H: 4, W: 4})
	back, _ := g.Join()
	fmt.Println(g.N, "cubes of", g.Size, "for", back.T, "x", back.H, "x", back.W)
	// Output: 3x2x2 cubes of 2x4x4 for 5 x 6 x 7
}

func BenchmarkSplitJoin(b *testing.B) {
	c := noise(rand.New(rand.NewPCG(1, 2)), 64, 64, 64)
	for _, s := range []Size{{1, 4, 4}, {4, 8, 8}, {4, 16, 16}} {
		b.Run("cube="+s.String(), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(4 * len(c.Pix)))
			for b.Loop() {
				g, err := Split(c, s)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := g.Join(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(64*b.N)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}
