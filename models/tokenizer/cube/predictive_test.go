package cube

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

var predictiveConfig = Config{
	Size: 32, Cell: [3]int{4, 8, 8}, Group: [3]int{1, 4, 4}, Canvas: true, Rate: [2]int{25, 1},
	Tokenizer: Tokenizer{Bits: 96, Motion: &Motion{}},
}

// drifting are clips of textures that move evenly, each in a direction of its own.
func drifting(n, frames int) Clips {
	r := rand.New(rand.NewPCG(5, 1))
	out := Clips{N: n, T: frames, Size: 32}
	for range n {
		var a [6]float64
		for i := range a {
			a[i] = r.Float64()
		}
		dy, dx := 2*a[0]-1, 2*a[1]-1
		for t := range frames {
			for y := range out.Size {
				for x := range out.Size {
					v, u := float64(y)-dy*float64(t), float64(x)-dx*float64(t)
					for k := range 3 {
						p := 128 + 60*math.Sin(v*(0.2+0.3*a[2])+float64(k))*math.Sin(u*(0.2+0.3*a[3])) + 40*math.Sin((u+v)*(0.1+0.3*a[4]))
						out.Pix = append(out.Pix, uint8(min(max(p, 0), 255)))
					}
				}
			}
		}
	}
	return out
}

var fitOnce = sync.OnceValues(func() (*Predictive, error) { return FitPredictive(predictiveConfig, drifting(12, 16)) })

func fittedTo(t *testing.T) *Predictive {
	t.Helper()
	p, err := fitOnce()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPredictiveFollowsMotion codes a clip that no fit has seen. The decoder has the pixels
// that the encoder has, and what moves evenly is closer from the second frame of cells on,
// though its codes are as long.
func TestPredictiveFollowsMotion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenizer.safetensors")
	p := fittedTo(t)
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	w, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	coder, err := NewCoder(nil, p.Config(), w)
	if err != nil {
		t.Fatal(err)
	}
	defer coder.Close()
	clips := drifting(13, 18)
	x := clips.Clip(12)
	s, _, err := coder.Encode("x", system.Media{Clip: x}, system.Extent{})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := coder.Decode(s)
	if err != nil {
		t.Fatal(err)
	}
	if m.Clip.T != x.T {
		t.Fatalf("%d frames of %d", m.Clip.T, x.T)
	}
	db := func(from, to int) float64 {
		a, err1 := x.Slice(from, to)
		b, err2 := m.Clip.Slice(from, to)
		v, err3 := clip.PSNR(a, b)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if first, later := db(0, 4), db(8, 16); first < 20 || later < first+2 {
		t.Errorf("the first frame of cells has %.1f dB, those after the second %.1f", first, later)
	}
	var last *clip.Clip // frame by frame, as a guesser does
	for i := range 4 {
		given, err := x.Slice(4*i, 4*i+4)
		if err != nil {
			t.Fatal(err)
		}
		codes, decoded := p.Encode(p.Predict(last), given)
		if again := p.Decode(p.Predict(last), codes, x.Rate); !bytes.Equal(again.Pix, decoded.Pix) {
			t.Fatalf("frame of cells %d: encoder and decoder part", i)
		}
		for j, c := range codes {
			if s.Tokens[i*len(codes)+j] != int64(c) {
				t.Fatalf("frame of cells %d: word %d differs", i, j)
			}
		}
		if !bytes.Equal(decoded.Pix, m.Clip.Pix[i*len(decoded.Pix):][:len(decoded.Pix)]) {
			t.Fatalf("frame of cells %d: the whole clip has other pixels", i)
		}
		last = decoded
	}
}

// TestPredictiveNothingIsTheGuess decodes codes that move nothing and add nothing: what was
// predicted comes out, and a guesser says so.
func TestPredictiveNothingIsTheGuess(t *testing.T) {
	p := fittedTo(t)
	c := p.Config()
	clips := drifting(3, 8)
	x := clips.Clip(2)
	first, err := x.Slice(0, 4)
	if err != nil {
		t.Fatal(err)
	}
	codes, last := p.Encode(nil, first)
	guess := p.Guesser()
	for range 3 {
		predicted := p.Predict(last)
		soft := guess(codes)
		if len(soft) != c.gridH()*c.gridW()*c.GuessWidth() {
			t.Fatalf("%d numbers are guessed", len(soft))
		}
		again, _ := p.Encode(nil, predicted.Frames)
		for i, v := range soft { // the sign of a guess is the bit of the code as a first frame
			cell, bit := i/c.GuessWidth(), i%c.GuessWidth()
			if bit >= c.Tokenizer.Bits {
				continue
			}
			if set := again[cell*c.words()+bit/32]>>(bit%32)&1 == 1; set != (v > 0) && math.Abs(float64(v)) > 1e-4 {
				t.Fatalf("cell %d: bit %d is guessed %g, and coded %v", cell, bit, v, set)
			}
		}
		codes = p.search(predicted, predicted.Frames) // which finds vectors of zero
		for cell := range c.gridH() * c.gridW() {
			p.inter.write(codes[cell*c.words():][:c.words()], c.Tokenizer.Bits, make([]float32, len(p.inter.share)))
		}
		if last = p.Decode(predicted, codes, x.Rate); !bytes.Equal(last.Pix, predicted.Frames.Pix) {
			t.Fatal("a code of nothing is not what was predicted")
		}
	}
}

// TestPredictiveKeeps compares what Keeps says with the pixels of whole clips.
func TestPredictiveKeeps(t *testing.T) {
	p := fittedTo(t)
	clips := drifting(2, 8)
	first, later, predicted := p.Keeps(clips)
	var want [3]float64
	for i := range 2 {
		x := clips.Clip(i)
		a, err1 := x.Slice(0, 4)
		b, err2 := x.Slice(4, 8)
		_, shown := p.Encode(nil, a)
		guess := p.Predict(shown)
		_, after := p.Encode(guess, b)
		for k, pair := range [][2]*clip.Clip{{a, shown}, {b, after}, {b, guess.Frames}} {
			db, err := clip.PSNR(pair[0], pair[1])
			if err := errors.Join(err1, err2, err); err != nil {
				t.Fatal(err)
			}
			want[k] += math.Pow(10, -db/10) / 2
		}
	}
	for k, got := range []float64{first, later, predicted} {
		if db := -10 * math.Log10(want[k]); math.Abs(got-db) > 1e-9 {
			t.Errorf("figure %d is %g dB, want %g", k, got, db)
		}
	}
	if later < predicted {
		t.Errorf("codes make it worse: %.1f dB, predicted %.1f", later, predicted)
	}
}

// TestLadders holds levels to their thresholds: a level's value is between the end of the one
// below and its own, and codes come back.
func TestLadders(t *testing.T) {
	for _, d := range []ladder{evenLevels, throughZero} {
		for b := 1; b <= 8; b++ {
			code := &transformCode{share: []int{b}, ladder: d}
			for q := range 1 << b {
				v := d.value(q, 1<<b)
				if q > 0 && v <= d.above(q-1, 1<<b) || q < 1<<b-1 && v >= d.above(q, 1<<b) {
					t.Errorf("ladder %d: level %d of %d is %g", d, q, 1<<b, v)
				}
				z := []float32{0}
				word := []uint32{0}
				code.write(word, 32, []float32{float32(v)})
				if code.read(z, word, 32); math.Abs(float64(z[0])-v) > 1e-5 {
					t.Errorf("ladder %d: level %d of %d, %g, comes back as %g", d, q, 1<<b, v, z[0])
				}
			}
		}
		if z := d.value(4, 8); (z == 0) != (d == throughZero) {
			t.Errorf("ladder %d has %g in the middle", d, z)
		}
	}
}

func TestPredictiveRefuses(t *testing.T) {
	p := fittedTo(t)
	path := filepath.Join(t.TempDir(), "tokenizer.safetensors")
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	w, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for name, x := range map[string]struct {
		change func(*Config, *Motion)
		want   error
	}{
		"not fitted":      {func(_ *Config, m *Motion) { *m = Motion{} }, nn.ErrConfig},
		"one side":        {func(_ *Config, m *Motion) { m.Intra = nil }, nn.ErrConfig},
		"bits":            {func(_ *Config, m *Motion) { m.Inter = m.Inter[1:] }, nn.ErrConfig},
		"a wide one":      {func(_ *Config, m *Motion) { m.Inter = []int{88} }, nn.ErrConfig},
		"frames of cells": {func(c *Config, _ *Motion) { c.Group = [3]int{2, 4, 4}; c.Canvas = false }, nn.ErrConfig},
		"odd cells":       {func(c *Config, _ *Motion) { c.Cell = [3]int{1, 8, 8} }, nn.ErrConfig},
		"other cells":     {func(c *Config, _ *Motion) { c.Cell = [3]int{4, 4, 4} }, nn.ErrWeights},
	} {
		c := p.Config()
		m := *c.Tokenizer.Motion
		x.change(&c, &m)
		c.Tokenizer.Motion = &m
		if _, err := LoadPredictive(c, w); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := FitPredictive(predictiveConfig, drifting(1, 4)); !errors.Is(err, nn.ErrConfig) {
		t.Errorf("clips of one frame of cells: %v", err)
	}
}
