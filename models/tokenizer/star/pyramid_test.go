package star

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// goldenPyramids are those of the generator's golden.
var goldenPyramids = Pyramids{Detail: 8, Semantic: 4, Fine: 24, Sides: [][2]int{{1, 1}, {2, 3}, {3, 4}, {4, 6}}, Times: [2][]int{{2, 2, 2, 2}, {2, 2, 2, 1}}, Clip: 2}

// goldenCodes reads the codes of a run of upstream's, each pass under its scale's number
// and its repetition.
func goldenCodes(t *testing.T, f *safetensors.File, name string) (codes []uint32) {
	t.Helper()
	for i := range 12 {
		for rep := range goldenPyramids.Times[min(i/4, 1)][i%4] {
			x, err := f.Tensor(fmt.Sprintf(name, i, rep))
			if err != nil {
				t.Fatal(err)
			}
			bits := x.Shape[len(x.Shape)-1]
			for j := 0; j < len(x.Data)/4; j += bits {
				code := uint32(0)
				for b := range bits {
					code |= uint32(x.Data[4*(j+b)]) << b
				}
				codes = append(codes, code)
			}
		}
	}
	return codes
}

// TestCodesOfUpstream codes features as upstream does, in all passes of a frame and two
// clips, and adds up what their codes stand for.
func TestCodesOfUpstream(t *testing.T) {
	f, err := safetensors.Open(filepath.FromSlash("../../systems/testdata/infinitystar/golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lastly := func(name string) []float32 { // channels
		x, err := nn.File(f).Floats(name)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]float32, len(x))
		for i, v := range x {
			out[i%120*8+i/120] = v
		}
		return out
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c, err := NewCoder(dev, goldenPyramids)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Free()
		codes, err := c.Codes(lastly("enc.latent"))
		if err != nil || !slices.Equal(codes, goldenCodes(t, f, "enc.bits.si%d.rep%d")) {
			t.Errorf("%d codes are not upstream's, %v", len(codes), err)
		}
		for _, run := range []string{"apg34.", "cfg3.", "nocfg1."} {
			got, err := c.Features(goldenCodes(t, f, run+"si%d.rep%d.bits"), 5)
			if err != nil {
				t.Fatal(err)
			}
			most := 0.0
			for i, want := range lastly(run + "summed_codes") {
				most = max(most, math.Abs(float64(got[i])-float64(want)))
			}
			if !(most < 1e-5) {
				t.Errorf("%s: sums are off by %.1e", run, most)
			}
		}
		if _, err := c.Codes(make([]float32, 9)); !errors.Is(err, ErrSize) {
			t.Errorf("part of a frame: %v", err)
		}
		for _, n := range []int{0, 85, 87} {
			if _, err := c.Features(make([]uint32, n), 1); !errors.Is(err, shard.ErrSample) {
				t.Errorf("%d words of a frame: %v", n, err)
			}
		}
	})
}

// TestWordsOfCodes codes features of more than a word, with short codes of less, and takes
// as many away as they stand for: the sum of all codes is near the features.
func TestWordsOfCodes(t *testing.T) {
	p := Pyramids{Detail: 64, Semantic: 16, Fine: 4, Sides: [][2]int{{1, 1}, {1, 2}, {2, 4}}, Times: [2][]int{{1, 2, 9}, {1, 1, 3}}, Clip: 2}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		c, err := NewCoder(dev, p)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Free()
		x := gputest.Normal(1, 8*64)
		size := 0.0
		for i := range x {
			x[i] *= 0.3
			size += float64(x[i]) * float64(x[i])
		}
		codes, err := c.Codes(x)
		if err != nil || len(codes) != 2*(1+2*2+9*8) {
			t.Fatalf("%d words, %v", len(codes), err)
		}
		for i := range 5 { // of short codes
			if codes[2*i] == 0 || codes[2*i]>>16 != 0 || codes[2*i+1] != 0 {
				t.Errorf("short code %d is %x", i, codes[2*i:2*i+2])
			}
		}
		y, err := c.Features(codes, 1)
		if err != nil {
			t.Fatal(err)
		}
		left := 0.0
		for i := range y {
			left += math.Pow(float64(x[i]-y[i]), 2)
		}
		if left > 0.2*size {
			t.Errorf("the codes leave %.3f of %.3f", left, size)
		}
	})
}

// TestBadPyramids checks what is refused.
func TestBadPyramids(t *testing.T) {
	if err := goldenPyramids.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Pyramids){
		"scales": func(p *Pyramids) { p.Sides = nil }, "passes": func(p *Pyramids) { p.Times[0] = p.Times[0][1:] }, "none": func(p *Pyramids) { p.Times[1] = []int{1, 0, 1, 1} },
		"bits": func(p *Pyramids) { p.Semantic = 10 }, "odd": func(p *Pyramids) { p.Semantic = 3 }, "clip": func(p *Pyramids) { p.Clip = 0 },
		"shrinking": func(p *Pyramids) { p.Sides = [][2]int{{1, 1}, {2, 3}, {3, 2}, {4, 6}} }, "codes": func(p *Pyramids) { p.Sides, p.Clip = [][2]int{{1, 1}, {2, 2}, {3, 3}, {1 << 10, 1 << 10}}, 9 },
	} {
		p := goldenPyramids
		change(&p)
		if err := p.Validate(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// codedInput is the input of a system that draws codes.
type codedInput struct {
	system.Input
	p Pyramids
}

func (c codedInput) Pyramids() Pyramids { return c.p }

// TestTokenizer codes clips, decodes them, and begins requests from nothing, behind a frame
// and behind a clip.
func TestTokenizer(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		tok := described(t, dev)
		defer tok.Close()
		c := &clip.Clip{T: 19, H: 16, W: 32, Rate: rate, Pix: film(19, 16, 32)}
		sample, measures, err := tok.Encode("a", system.Media{Clip: c}, system.Extent{})
		if err != nil || sample.Kind != shard.KindStar || !slices.Equal(sample.Grid, []int32{5, 1, 2, 2}) || len(sample.Tokens) != 2*(1+4+2*2*3) || measures["frames"] != 17 {
			t.Fatalf("%v with %d tokens, %v, %v", sample.Grid, len(sample.Tokens), measures, err)
		}
		back, _, err := tok.Decode(sample)
		if err != nil || back.Clip.T != 17 || back.Clip.H != 16 || back.Clip.W != 32 || back.Clip.Rate != rate {
			t.Fatalf("%v, %v", back.Clip, err)
		}
		begins(t, tok, c)
		refused(t, tok, sample)
	})
}

// described opens the tokenizer for a small system, by its description, which is checked.
func described(t *testing.T, dev *gpu.Device) system.Tokenizer {
	t.Helper()
	p := Pyramids{Detail: 64, Semantic: 16, Fine: 2, Sides: [][2]int{{1, 1}, {1, 2}}, Times: [2][]int{{1, 2}, {1, 1}}, Clip: 2}
	s := &system.System{Name: "s", Input: codedInput{p: p}, Grid: [3]int{7, 1, 2}}
	w := both(t)
	k, err := system.DetectCodec(w)
	if err != nil || k.Name != "star" {
		t.Fatalf("%s, %v", k.Name, err)
	}
	data, err := os.ReadFile("testdata/config.json")
	if err != nil || !k.Describes(data) {
		t.Fatalf("the description is none: %v", err)
	}
	d, err := k.Describe(data, w)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := d.Fit(s); err != nil || f != (system.Format{H: 16, W: 32, Rate: rate, Frames: 1}) || len(d.Facts()) != 3 {
		t.Errorf("%+v, %v", f, err)
	}
	if size, err := d.Size(w, s); err != nil || size == 0 {
		t.Errorf("%d bytes, %v", size, err)
	}
	if _, err := d.Fit(&system.System{Input: codedInput{p: goldenPyramids}}); !errors.Is(err, ErrConfig) {
		t.Errorf("features of 8 numbers: %v", err)
	}
	if _, err := d.Fit(&system.System{}); !errors.Is(err, ErrConfig) {
		t.Errorf("a system without codes: %v", err)
	}
	tok, err := d.Load(dev, w, s)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// begins checks what requests with so many frames of a clip in front are given.
func begins(t *testing.T, tok system.Tokenizer, c *clip.Clip) {
	t.Helper()
	for _, x := range []struct {
		prefix, frames, given, times int
	}{{0, 0, 0, 7}, {0, 9, 0, 3}, {0, 1, 0, 1}, {1, 8, 1, 3}, {4, 24, 1, 7}, {9, 8, 9, 5}, {19, 8, 17, 7}} {
		var want []int64
		if x.given > 0 {
			s, _, err := tok.Encode("a", part(t, c, x.prefix-x.given, x.prefix), system.Extent{})
			if err != nil {
				t.Fatal(err)
			}
			want = s.Tokens
		}
		b, err := tok.Begin("a", part(t, c, 0, x.prefix), system.Extent{Prefix: x.prefix, Frames: x.frames})
		if err != nil {
			t.Errorf("%+v: %v", x, err)
			continue
		}
		if b.Given != x.given || b.Prompt.Frames != x.times || len(b.Prompt.Given) != len(want) || (len(b.Notes) > 0) != (x.prefix != x.given) {
			t.Errorf("%+v: %d given, %d times, %d words, %q", x, b.Given, b.Prompt.Frames, len(b.Prompt.Given), b.Notes)
		}
		for i, v := range want {
			if int64(b.Prompt.Given[i]) != v {
				t.Fatalf("%+v: word %d is given as %x, want %x", x, i, b.Prompt.Given[i], v)
			}
		}
	}
	for name, x := range map[string]struct{ prefix, frames int }{"frames": {0, 8}, "more": {1, 7}, "long": {0, 33}, "none": {1, 0}, "long prefix": {19, 16}} {
		if _, err := tok.Begin("a", part(t, c, 0, x.prefix), system.Extent{Frames: x.frames}); !errors.Is(err, system.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// part returns the frames of a clip from one on, up to another; no media without any.
func part(t *testing.T, c *clip.Clip, from, to int) system.Media {
	t.Helper()
	if from == to {
		return system.Media{}
	}
	frames, err := c.Slice(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return system.Media{Clip: frames}
}

// refused checks samples and clips that are not the tokenizer's.
func refused(t *testing.T, tok system.Tokenizer, sample shard.Sample) {
	t.Helper()
	for name, change := range map[string]func(*shard.Sample){
		"kind": func(s *shard.Sample) { s.Kind = shard.KindVAE3D }, "grid": func(s *shard.Sample) { s.Grid[1] = 2 }, "times": func(s *shard.Sample) { s.Grid[0] = 4 }, "no times": func(s *shard.Sample) { s.Grid[0] = 0 },
		"many times": func(s *shard.Sample) { s.Grid[0] = math.MaxInt32 }, "words": func(s *shard.Sample) { s.Tokens = s.Tokens[1:] }, "negative": func(s *shard.Sample) { s.Tokens[0] = -1 }, "large": func(s *shard.Sample) { s.Tokens[0] = 1 << 32 },
	} {
		bad := sample
		bad.Grid, bad.Tokens = slices.Clone(sample.Grid), slices.Clone(sample.Tokens)
		change(&bad)
		if _, _, err := tok.Decode(bad); !errors.Is(err, shard.ErrSample) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := tok.Encode("a", system.Media{}, system.Extent{}); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("no clip: %v", err)
	}
	if _, _, err := tok.Encode("a", system.Media{Clip: clip.New(9, 32, 32, rate)}, system.Extent{}); !errors.Is(err, ErrSize) {
		t.Errorf("another size: %v", err)
	}
}
