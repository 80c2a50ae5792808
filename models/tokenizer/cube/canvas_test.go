package cube

import (
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/models/nn"
)

// TestLeastSquares finds a map from examples of it, and not from too few.
func TestLeastSquares(t *testing.T) {
	const n, m = 5, 3
	r := rand.New(rand.NewPCG(1, 1))
	want := make([]float32, n*m)
	for i := range want {
		want[i] = float32(r.NormFloat64())
	}
	l := newLeastSquares(n, m)
	for range 40 {
		x, y := make([]float32, n), make([]float32, m)
		for i := range x {
			x[i] = float32(r.NormFloat64())
			for j := range y {
				y[j] += x[i] * want[i*m+j]
			}
		}
		l.add(x, y)
	}
	got, err := l.solve(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > 1e-5 {
			t.Errorf("element %d: %g, want %g", i, got[i], want[i])
		}
	}
	if _, err := newLeastSquares(n, m).solve(0); err == nil {
		t.Error("no examples determine a map")
	}
}

// pans are clips of a smooth texture that moves evenly, and codes of their cells: the mean
// brightness of each quarter of a cell over its first and its last frames, in 4 bits each.
func pans(n, t int, c Config) (clips []*clip.Clip, codes [][]uint32) {
	r := rand.New(rand.NewPCG(3, 3))
	for range n {
		x := clip.New(t, c.Size, c.Size, clip.Rate{Num: 25, Den: 1})
		dy, dx, at := r.Float64()*3-1.5, r.Float64()*3-1.5, r.Float64()*9
		for f := range t {
			for i := range c.Size * c.Size {
				v, u := float64(i/c.Size)-dy*float64(f), float64(i%c.Size)-dx*float64(f)
				for k := range 3 {
					x.Frame(f)[3*i+k] = uint8(128 + 60*math.Sin(v/4+at)*math.Sin(u/5) + 50*math.Sin((u-v)/9+at))
				}
			}
		}
		clips, codes = append(clips, x), append(codes, quarters(x, c))
	}
	return clips, codes
}

func quarters(x *clip.Clip, c Config) (codes []uint32) {
	h, w := c.Cell[1]/2, c.Cell[2]/2
	for cell := range x.T / c.Cell[0] * c.gridH() * c.gridW() {
		t, y, u := cell/(c.gridH()*c.gridW())*c.Cell[0], cell/c.gridW()%c.gridH()*c.Cell[1], cell%c.gridW()*c.Cell[2]
		code := uint32(0)
		for q := range 8 {
			sum := 0
			for f := q / 4 * c.Cell[0] / 2; f < (q/4+1)*c.Cell[0]/2; f++ {
				for i := range h * w {
					sum += int(x.Frame(t + f)[((y+q%4/2*h+i/w)*c.Size+u+q%2*w+i%w)*3])
				}
			}
			level := uint32(sum*2/(h*w*c.Cell[0])) / 16
			gray := level ^ level>>1
			for bit := range 4 {
				code |= gray >> (3 - bit) & 1 << (4*q + bit)
			}
		}
		codes = append(codes, code)
	}
	return codes
}

// TestCanvasFollowsMotion fits a canvas to textures that move, and guesses on others. The
// bits of the frame before are what it must beat.
func TestCanvasFollowsMotion(t *testing.T) {
	c := small(16)
	c.Size, c.Group = 32, [3]int{1, 4, 4}
	c.Tokenizer.Bits = 32
	c.Tokenizer.Conv.Share = []int{4, 4, 4, 4, 4, 4, 4, 4}
	clips, codes := pans(14, 16, c)
	k, err := FitCanvas(c, 10, func(i int) (*clip.Clip, []uint32) { return clips[i], codes[i] })
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "canvas.safetensors")
	if err := k.Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if k, err = LoadCanvas(c, f); err != nil {
		t.Fatal(err)
	}
	cells := c.gridH() * c.gridW()
	guessed, stood, all := 0, 0, 0
	for _, code := range codes[10:] {
		for from := 0; from+2*cells <= len(code); from += cells {
			for i, soft := range k.Guess(code[from : from+cells]) {
				cell, bit := i/32, i%32
				before, after := code[from+cell]>>bit&1, code[from+cells+cell]>>bit&1
				all++
				if (soft > 0) == (after == 1) {
					guessed++
				}
				if before == after {
					stood++
				}
				if soft < -1 || soft > 1 {
					t.Fatalf("bit %d is guessed as %g", i, soft)
				}
			}
		}
	}
	if wrong, still := all-guessed, all-stood; wrong*2 > still {
		t.Errorf("of %d bits %d are guessed wrongly, %d change", all, wrong, still)
	} else {
		t.Logf("of %d bits %d are guessed wrongly, %d change", all, wrong, still)
	}
	if a, b := k.Guess(codes[12][:cells]), k.Guess(codes[12][:cells]); !slices.Equal(a, b) {
		t.Error("two guesses of the same differ")
	}
	wide := c
	wide.Tokenizer.Conv = &Conv{Share: []int{4, 4, 4, 2, 2}, Fine: 8}
	if _, err := LoadCanvas(wide, f); !errors.Is(err, nn.ErrWeights) {
		t.Errorf("a canvas of another tokenizer: %v", err)
	}
	if _, err := FitCanvas(c, 2, func(i int) (*clip.Clip, []uint32) { return clips[i], codes[i][1:] }); !errors.Is(err, ErrSample) {
		t.Errorf("codes of another length: %v", err)
	}
	c.Tokenizer.Conv = nil
	if _, err := FitCanvas(c, 2, nil); !errors.Is(err, nn.ErrConfig) {
		t.Errorf("a tokenizer without coordinates: %v", err)
	}
}

// TestSoftBitsRound gives soft bits the coordinates that codes stand for: their signs are
// the bits.
func TestSoftBitsRound(t *testing.T) {
	c := small(16)
	c.Tokenizer.Bits = 16
	c.Tokenizer.Conv.Share = []int{8, 5, 1, 2}
	k := &Canvas{cfg: c}
	r := rand.New(rand.NewPCG(5, 5))
	for range 200 {
		code := r.Uint32() & 0xffff
		for bit, s := range softBits(nil, k.expand([]uint32{code}), k.cfg.Tokenizer.Conv.Share) {
			if (s > 0) != (code>>bit&1 == 1) {
				t.Fatalf("bit %d of %#x is %g", bit, code, s)
			}
		}
	}
}
