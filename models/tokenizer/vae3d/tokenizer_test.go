package vae3d

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
)

// tinySystem has 3 times of 1 by 2 tokens, each a patch of 2 by 2 latents.
func tinySystem() *system.System {
	return &system.System{Token: system.Token{Width: 16}, Grid: [3]int{3, 1, 2}}
}

// TestTokenizer finds the autoencoder by its names, and takes clips there and back in
// tokens of a system.
func TestTokenizer(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		w := both(t)
		codec, err := system.DetectCodec(w)
		if err != nil || codec.Name != "vae3d" {
			t.Fatalf("%s, %v", codec.Name, err)
		}
		data, err := os.ReadFile("testdata/config.json")
		if err != nil || !codec.Describes(data) {
			t.Fatalf("the description is none: %v", err)
		}
		d, err := codec.Describe(data, w)
		if err != nil {
			t.Fatal(err)
		}
		s := tinySystem()
		format, err := d.Fit(s)
		if err != nil || format.H != 8 || format.W != 16 || format.Rate != rate || len(d.Facts()) != 3 {
			t.Errorf("%+v, %v", format, err)
		}
		if size, err := d.Size(w, s); err != nil || size == 0 {
			t.Errorf("%d bytes, %v", size, err)
		}
		k, err := d.Load(dev, w, s)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		roundTrip(t, k.(clips))
		drawn(t, k)
		continued(t, k)
	})
}

// roundTrip codes 35 frames: two of them are behind the last whole window.
func roundTrip(t *testing.T, k clips) {
	t.Helper()
	x := &clip.Clip{T: 35, H: 8, W: 16, Rate: rate, Pix: clipOf(35, 8, 16)}
	s, measures, err := k.Encode("a", system.Media{Clip: x}, system.Extent{})
	if err != nil || !slices.Equal(s.Grid, []int32{17, 1, 2, 16}) || measures["frames"] != 33 {
		t.Fatalf("%v, %v, %v", s.Grid, measures, err)
	}
	whole, err := k.codec.Encode(x.Pix[:33*8*16*3], 33, 8, 16, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := k.codec.Decode(whole, 17, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := k.Decode(s)
	if err != nil || m.Clip.T != 33 || m.Clip.H != 8 || m.Clip.W != 16 || !slices.Equal(m.Clip.Pix, want) {
		t.Errorf("the sample gives another clip: %v", err)
	}
	short, err := k.EncodeFrames("b", rate, system.Extent{}, func(yield func([]uint8, error) bool) {
		for i := range 4 {
			if !yield(x.Frame(i), nil) {
				return
			}
		}
	})
	if err != nil || !slices.Equal(short.Grid, []int32{2, 1, 2, 16}) {
		t.Errorf("four frames are %v, %v", short.Grid, err)
	}
	for name, change := range map[string]func(*shard.Sample){
		"kind": func(s *shard.Sample) { s.Kind = shard.KindKL }, "width": func(s *shard.Sample) { s.Grid[3] = 4 }, "grid": func(s *shard.Sample) { s.Grid[0] = 6 },
		"numbers": func(s *shard.Sample) { s.Tokens = s.Tokens[1:] }, "negative": func(s *shard.Sample) { s.Tokens[0] = -1 },
	} {
		bad := short
		bad.Grid, bad.Tokens = slices.Clone(short.Grid), slices.Clone(short.Tokens)
		change(&bad)
		if _, _, err := k.Decode(bad); !errors.Is(err, shard.ErrSample) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// drawn finishes a clip that a system drew, with tokens whose numbers are told apart.
func drawn(t *testing.T, k system.Tokenizer) {
	t.Helper()
	b, err := k.Begin("a", system.Media{}, system.Extent{})
	if err != nil {
		t.Fatal(err)
	}
	m, s, _, err := b.Finish(make([]uint32, 3*2*16))
	if err != nil || m.Clip.T != 5 || m.Clip.H != 8 || m.Clip.W != 16 || !slices.Equal(s.Grid, []int32{3, 1, 2, 16}) {
		t.Errorf("%v: %v", s.Grid, err)
	}
	if b, err = k.Begin("a", system.Media{}, system.Extent{Frames: 3}); err != nil || b.Prompt.Frames != 2 || b.Given != 0 {
		t.Errorf("three frames: %+v, %v", b, err)
	}
}

// continued begins behind a frame and behind three, whose latents are given.
func continued(t *testing.T, k system.Tokenizer) {
	t.Helper()
	x := &clip.Clip{T: 4, H: 8, W: 16, Rate: rate, Pix: clipOf(4, 8, 16)}
	for _, c := range []struct{ prefix, more, given, times int }{{1, 2, 1, 2}, {2, 4, 1, 3}, {4, 2, 3, 3}} {
		part, err := x.Slice(0, c.prefix)
		if err != nil {
			t.Fatal(err)
		}
		last, err := part.Slice(c.prefix-c.given, c.prefix)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := k.Encode("a", system.Media{Clip: last}, system.Extent{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := k.Begin("a", system.Media{Clip: part}, system.Extent{Prefix: c.prefix, Frames: c.more})
		if err != nil || b.Given != c.given || b.Prompt.Frames != c.times || len(b.Prompt.Given) != len(want.Tokens) || (len(b.Notes) > 0) != (c.given < c.prefix) {
			t.Fatalf("%+v: %+v, %v", c, b, err)
		}
		for i, v := range want.Tokens {
			if int64(b.Prompt.Given[i]) != v {
				t.Fatalf("%+v: number %d is %x, want %x", c, i, b.Prompt.Given[i], v)
			}
		}
	}
	for name, c := range map[string]struct {
		x    *clip.Clip
		more int
		want error
	}{"none": {x, 0, system.ErrRequest}, "part": {x, 1, system.ErrRequest}, "long": {x, 6, system.ErrRequest}, "size": {clip.New(1, 16, 16, rate), 2, ErrSize}} {
		if _, err := k.Begin("a", system.Media{Clip: c.x}, system.Extent{Frames: c.more}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTokens puts numbers of tokens where upstream does: rows of a patch, columns,
// channels.
func TestTokens(t *testing.T) {
	p := tokens{patch: 2, z: 3}
	for _, at := range []struct{ token, i, want int }{{0, 0, 0}, {0, 2, 2}, {0, 3, 3}, {0, 6, 12}, {1, 0, 6}, {1, 11, 23}, {2, 0, 24}, {3, 4, 34}} {
		if got := p.at(at.token, at.i, 2); got != at.want {
			t.Errorf("number %d of token %d is at %d, want %d", at.i, at.token, got, at.want)
		}
	}
}

// TestFit refuses systems whose tokens are no patches of latents.
func TestFit(t *testing.T) {
	for _, s := range []*system.System{
		{Token: system.Token{Values: 10}, Grid: [3]int{3, 1, 2}}, {Token: system.Token{Width: 8}, Grid: [3]int{3, 1, 2}}, {Token: system.Token{Width: 16}},
	} {
		if _, err := readConfig(t).Fit(s); err == nil {
			t.Errorf("%+v fits", s.Token)
		}
	}
	if f, err := readConfig(t).Fit(&system.System{Token: system.Token{Width: 4}, Grid: [3]int{3, 2, 2}}); err != nil || f.H != 8 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := describe(nil, cnntest.Tensors{}); !errors.Is(err, ErrConfig) {
		t.Errorf("no description: %v", err)
	}
}
