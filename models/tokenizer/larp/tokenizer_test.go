package larp

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models/system"
)

func TestCodecIsFound(t *testing.T) {
	_, w := tiny(t)
	k, err := system.DetectCodec(w)
	if err != nil || k.Name != "larp" || k.Kind != system.Video {
		t.Fatalf("%+v, %v", k, err)
	}
	if k, err := system.CodecOf(shard.KindLARP); err != nil || k.Name != "larp" {
		t.Errorf("%+v, %v", k, err)
	}
	if !k.Describes(config(t)) || k.Describes(json.RawMessage(`{"dim": 8}`)) {
		t.Error("its own config.json is none, or a generator's is")
	}
	d, err := k.Describe(config(t), w)
	if err != nil || len(d.Facts()) != 3 {
		t.Fatalf("%v, %v", d, err)
	}
	s := &system.System{Token: system.Token{Sub: 1, Values: 64}, Grid: [3]int{2, 3, 4}}
	if f, err := d.Fit(s); err != nil || f.H != 16 || f.W != 16 || f.Frames != 4 || f.Rate != rate {
		t.Errorf("%+v, %v", f, err)
	}
	for _, other := range []system.System{{Token: system.Token{Values: 63}, Grid: s.Grid}, {Token: s.Token, Grid: [3]int{1, 3, 4}}} {
		if _, err := d.Fit(&other); err == nil {
			t.Errorf("it fits %+v", other)
		}
	}
}

// TestClips holds that a longer video is coded clip by clip, and comes back so.
func TestClips(t *testing.T) {
	c, w := tiny(t)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		k, err := c.Load(dev, w, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		x := clip.New(2*c.Frames+1, c.Side, c.Side, rate)
		copy(x.Pix, append(picture(c, 0), picture(c, 1)...))
		s, measures, err := k.Encode("a", system.Media{Clip: x}, system.Extent{})
		if err != nil || !slices.Equal(s.Grid, []int32{2, 24}) || len(s.Tokens) != 48 || measures["frames"] != 8 {
			t.Fatalf("%v, %v, %v", s, measures, err)
		}
		m, _, err := k.Decode(s)
		if err != nil || m.Clip.T != 2*c.Frames || m.Clip.H != c.Side {
			t.Fatalf("%v, %v", m.Clip, err)
		}
		codec := k.(clips).codec
		for i := range 2 {
			tokens, err := codec.Encode(picture(c, i))
			if err != nil {
				t.Fatal(err)
			}
			pix, err := codec.Decode(tokens)
			if err != nil || !slices.Equal(pix, m.Clip.Pix[i*c.Pixels():][:c.Pixels()]) {
				t.Errorf("clip %d is another alone, %v", i, err)
			}
		}
		short := clip.New(c.Frames-1, c.Side, c.Side, rate)
		if _, _, err := k.Encode("a", system.Media{Clip: short}, system.Extent{}); !errors.Is(err, ErrSize) {
			t.Errorf("a short clip: %v", err)
		}
		if _, _, err := k.Encode("a", system.Media{}, system.Extent{}); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("no clip: %v", err)
		}
		if _, err := k.Begin("a", system.Media{Clip: x}, system.Extent{}); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("a clip to continue: %v", err)
		}
		for name, change := range map[string]func(*shard.Sample){
			"another kind": func(s *shard.Sample) { s.Kind = shard.KindVQ },
			"few tokens":   func(s *shard.Sample) { s.Tokens = s.Tokens[:47] },
			"other clips":  func(s *shard.Sample) { s.Grid = []int32{4, 12} },
			"no clips":     func(s *shard.Sample) { s.Grid, s.Tokens = []int32{0, 24}, nil },
			"no grid":      func(s *shard.Sample) { s.Grid = nil },
			"a high token": func(s *shard.Sample) { s.Tokens = append(slices.Clone(s.Tokens[:47]), 64) },
			"a low token":  func(s *shard.Sample) { s.Tokens = append(slices.Clone(s.Tokens[:47]), -1) },
		} {
			spoiled := s
			change(&spoiled)
			if _, _, err := k.Decode(spoiled); !errors.Is(err, shard.ErrSample) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
