package faces

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/nn"
)

var config = Config{Levels: 128, Points: 64}

func fixtures(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "mesh", "*.obj"))
	if err != nil || len(files) < 21 {
		t.Fatalf("%d fixtures: %v", len(files), err)
	}
	return files
}

// TestFixturesRoundTrip takes every fixture to a sample, to the network's layout
// and back to the faces that the face sequence holds.
func TestFixturesRoundTrip(t *testing.T) {
	for _, f := range fixtures(t) {
		m, _, err := obj.ReadFile(f, obj.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		n, _, err := Normalize(m)
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := config.Tokenize(filepath.Base(f), n, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, tokens, err := config.Lay(s)
		if err != nil || len(tokens) != len(s.Tokens) {
			t.Fatalf("%s: %d positions, %d tokens: %v", f, len(tokens), len(s.Tokens), err)
		}
		back, report, err := config.Mesh(tokens)
		if err != nil {
			t.Fatal(err)
		}
		q, _, err := sequence.Quantize(n, config.Sequence())
		if err != nil {
			t.Fatal(err)
		}
		if want := q.Mesh(); !slices.Equal(back.Corners, want.Corners) || !slices.Equal(back.Vertices, want.Vertices) {
			t.Errorf("%s: %d faces came back as %d: %+v", f, want.NumFaces(), back.NumFaces(), report)
		}
	}
}

func TestConditionDependsOnTheSurfaceAlone(t *testing.T) {
	n, _, err := Normalize(mesh.QuadSphere(4))
	if err != nil {
		t.Fatal(err)
	}
	a, err := config.Condition(n, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := config.Condition(n, 1)
	c, _ := config.Condition(n, 2)
	if !slices.Equal(a, b) || slices.Equal(a, c) || len(a) != config.Points {
		t.Error("points are not a function of surface and seed")
	}
	if _, err := config.Condition(&mesh.Mesh{}, 1); !errors.Is(err, mesh.ErrEmpty) {
		t.Errorf("no surface: %v", err)
	}
}

func TestLayRefuses(t *testing.T) {
	good := shard.Sample{ID: "a", Kind: shard.KindQuad, Grid: []int32{64, 1, 128}, Tokens: make([]int64, 65)}
	if _, _, err := config.Lay(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*shard.Sample){
		"kind":   func(s *shard.Sample) { s.Kind = "cube" },
		"grid":   func(s *shard.Sample) { s.Grid = s.Grid[:2] },
		"points": func(s *shard.Sample) { s.Grid[0] = 3 },
		"levels": func(s *shard.Sample) { s.Grid[2] = 256 },
		"count":  func(s *shard.Sample) { s.Tokens = s.Tokens[:9] },
		"token":  func(s *shard.Sample) { s.Tokens[64] = 130 },
		"point":  func(s *shard.Sample) { s.Tokens[0] = 1 << 24 },
	} {
		s := good
		s.Grid, s.Tokens = slices.Clone(good.Grid), slices.Clone(good.Tokens)
		change(&s)
		if _, _, err := config.Lay(s); !errors.Is(err, ErrSample) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	if err := (Config{}).Validate(); !errors.Is(err, nn.ErrConfig) {
		t.Errorf("empty: %v", err)
	}
}
