package faces

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/system"
)

// TestCodings takes a fixture to a sample and back in every coding. All but the model's
// own are named in the sample, and are refused as its training.
func TestCodings(t *testing.T) {
	m, _, err := obj.ReadFile(filepath.Join("..", "..", "..", "testdata", "mesh", "cc-0_rock2.obj"), obj.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	tok := Tokenizer{Config: config}
	for name, faces := range map[string]int{"": 130, "quads": 130, "gates": 130, "bpt": 260, "deepmesh": 260, "adjacency": 260} {
		s, _, err := tok.Encode("rock", system.Media{Mesh: m}, system.Extent{Coding: name})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		back, dropped, err := tok.Decode(s)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if back.Mesh.NumFaces() != faces || dropped["bad_faces"] != 0 {
			t.Errorf("%q: %d faces, want %d; %v", name, back.Mesh.NumFaces(), faces, dropped)
		}
		if a, b := mesh.Area(m), mesh.Area(back.Mesh); b < 0.95*a || b > 1.05*a {
			t.Errorf("%q: area %g, want %g", name, b, a)
		}
		own := name == "" || name == sequence.NameQuads
		if _, _, err := tok.Lay(s); own != (err == nil) || !own && !errors.Is(err, ErrSample) {
			t.Errorf("%q: laid out: %v", name, err)
		}
		s.Tokens[config.Points] = 1 << 40
		if _, _, err := tok.Decode(s); !errors.Is(err, ErrSample) {
			t.Errorf("%q: a token out of range: %v", name, err)
		}
	}
}

func TestCodingRefused(t *testing.T) {
	odd := Tokenizer{Config: Config{Levels: 100, Points: 4}}
	m := system.Media{Mesh: mesh.QuadSphere(2)}
	for _, name := range []string{"bpt", "strips"} {
		if _, _, err := odd.Encode("a", m, system.Extent{Coding: name}); !errors.Is(err, system.ErrRequest) {
			t.Errorf("Encode as %q: %v", name, err)
		}
	}
	if _, err := odd.Begin("a", m, system.Extent{Coding: "gates", Faces: 3}); !errors.Is(err, system.ErrRequest) {
		t.Errorf("Begin: %v", err)
	}
	if _, err := odd.Begin("a", m, system.Extent{Faces: 3, Quads: 0.5}); !errors.Is(err, system.ErrRequest) {
		t.Errorf("Begin with a share of quads: %v", err)
	}
	odd.Shares = true
	if b, err := odd.Begin("a", m, system.Extent{Faces: 3, Quads: 0.5}); err != nil || b.Prompt.Quads != 0.5 {
		t.Errorf("Begin with a share of quads: %v", err)
	}
	s := shard.Sample{Kind: shard.KindQuad, Grid: []int32{4, 1, 100}, Tokens: make([]int64, 5), Meta: map[string]string{CodingKey: "strips"}}
	if _, _, err := odd.Decode(s); !errors.Is(err, ErrSample) {
		t.Errorf("Decode: %v", err)
	}
}
