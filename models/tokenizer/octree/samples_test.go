package octree

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/octree"
)

var config = Config{MinDepth: 2, MaxDepth: 6}

func sphere(t *testing.T, depth int) shard.Sample {
	t.Helper()
	m := mesh.QuadSphere(8)
	s, _, err := Tokenize("sphere", octree.Fit(m, 0.9).Mesh(m), depth, system.Extent{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFixturesRoundTrip holds sample -> tree and codes -> sample to be exact for
// every fixture, through the network's tokens too.
func TestFixturesRoundTrip(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "mesh", "*.obj"))
	if err != nil || len(files) < 21 {
		t.Fatalf("%d fixtures: %v", len(files), err)
	}
	for _, f := range files {
		m, _, err := obj.ReadFile(f, obj.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := Tokenize(filepath.Base(f), octree.Fit(m, 0.9).Mesh(m), 5, system.Extent{})
		if err != nil {
			t.Fatal(err)
		}
		_, tokens, err := config.Lay(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Sample(s.ID, tokens, 5)
		if err != nil || !slices.Equal(back.Tokens, s.Tokens) {
			t.Errorf("%s: tokens changed: %v", f, err)
		}
		out, _, err := Decode(back)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := mesh.Measure(out); err != nil || !r.Watertight || r.QuadRatio != 1 {
			t.Errorf("%s: watertight %v, quad ratio %g: %v", f, r.Watertight, r.QuadRatio, err)
		}
	}
}

func TestErrors(t *testing.T) {
	good := sphere(t, 3)
	for name, change := range map[string]func(*shard.Sample){
		"kind":      func(s *shard.Sample) { s.Kind = "quad" },
		"depth":     func(s *shard.Sample) { s.Grid[0] = 11 },
		"too short": func(s *shard.Sample) { s.Tokens = s.Tokens[:4] },
		"too long":  func(s *shard.Sample) { s.Tokens = append(s.Tokens, 1) },
		"zero byte": func(s *shard.Sample) { s.Tokens[0] = 0 },
		"big code":  func(s *shard.Sample) { s.Tokens[len(s.Tokens)-1] = 1 << 32 },
	} {
		s := good
		s.Grid, s.Tokens = slices.Clone(good.Grid), slices.Clone(good.Tokens)
		change(&s)
		if _, _, err := Parse(s); !errors.Is(err, ErrSample) {
			t.Errorf("%s: %v", name, err)
		}
	}
	k, ball := Tokenizer{config}, system.Media{Mesh: mesh.QuadSphere(4)}
	if _, err := k.Begin("a", ball, system.Extent{Depth: 9}); !errors.Is(err, ErrDepth) {
		t.Errorf("too deep: %v", err)
	}
	if _, err := k.Begin("a", ball, system.Extent{PrefixDepth: 3, Depth: 2}); !errors.Is(err, ErrDepth) {
		t.Errorf("prompt deeper than the result: %v", err)
	}
	if _, _, err := config.Lay(sphere(t, 1)); !errors.Is(err, ErrDepth) {
		t.Errorf("a sample that is too flat: %v", err)
	}
	if _, _, err := k.Encode("a", system.Media{}, system.Extent{}); !errors.Is(err, system.ErrPrompt) {
		t.Errorf("no mesh: %v", err)
	}
	if _, err := Sample("a", make([]uint32, 4*4), 2); !errors.Is(err, ErrSample) {
		t.Errorf("a node without children: %v", err)
	}
	if err := (Config{}).Validate(); !errors.Is(err, nn.ErrConfig) {
		t.Errorf("empty config: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{1, 255, 255}, int32(1))
	f.Add([]byte{3, 7, 1, 9, 200}, int32(2))
	f.Fuzz(func(t *testing.T, raw []byte, depth int32) {
		s := shard.Sample{ID: "f", Kind: shard.KindOctree, Grid: []int32{depth}}
		for _, b := range raw {
			s.Tokens = append(s.Tokens, int64(b))
		}
		o, codes, err := Parse(s)
		if err != nil {
			return
		}
		if o.Len(o.Depth) != len(codes) {
			t.Fatalf("%d codes for %d leaves", len(codes), o.Len(o.Depth))
		}
		if _, _, err := Decode(s); err != nil {
			t.Fatal(err)
		}
	})
}

// TestDefaultDepth tokenizes at the depth that a model has for requests that ask for none.
func TestDefaultDepth(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   int32
	}{{Config{MinDepth: 2, MaxDepth: 4}, 4}, {Config{MinDepth: 2, MaxDepth: 4, Depth: 3}, 3}} {
		s, _, err := Tokenizer{Config: c.config}.Encode("ball", system.Media{Mesh: mesh.QuadSphere(4)}, system.Extent{})
		if err != nil || len(s.Grid) != 1 || s.Grid[0] != c.want {
			t.Errorf("%+v: depth %v, want %d (%v)", c.config, s.Grid, c.want, err)
		}
	}
	for _, depth := range []int{1, 5} {
		if err := (Config{MinDepth: 2, MaxDepth: 4, Depth: depth}).Validate(); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}
