package quad

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/transformer"
)

var config = Config{Levels: 128, Points: 64}

func fixtures(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "mesh", "*.obj"))
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
		seq, err := config.Sequence(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := seq.N; got != len(s.Tokens) || len(seq.Tokens) != got {
			t.Fatalf("%s: %d positions, %d tokens", f, got, len(s.Tokens))
		}
		back, report, err := config.Decode(seq.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		q, _, err := sequence.Quantize(n, config.sequence())
		if err != nil {
			t.Fatal(err)
		}
		if want := q.Mesh(); !slices.Equal(back.Corners, want.Corners) || !slices.Equal(back.Vertices, want.Vertices) {
			t.Errorf("%s: %d faces came back as %d: %+v", f, want.NumFaces(), back.NumFaces(), report)
		}
	}
}

// TestPlanIsAWorkingLayout checks the rules a plan has to keep: what feeds a
// position lies before it, what is allowed there includes the truth, and ids stay
// in the table.
func TestPlanIsAWorkingLayout(t *testing.T) {
	n, _, err := Normalize(mesh.Torus(8, 6, 1, 0.4))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := config.Tokenize("torus", n, 1)
	if err != nil {
		t.Fatal(err)
	}
	seq, err := config.Sequence(s)
	if err != nil {
		t.Fatal(err)
	}
	for p := range seq.N {
		for _, id := range seq.Fixed[p*staticIDs : (p+1)*staticIDs] {
			if id >= staticRows {
				t.Fatalf("position %d: static id %d of %d", p, id, staticRows)
			}
		}
		for k, from := range seq.Fed[p*fed : (p+1)*fed] {
			if want := p - back[k]; from >= int32(p) || from >= 0 && int(from) != want || from < 0 && want >= config.Points && p >= config.Points {
				t.Fatalf("position %d is fed from %d, want %d", p, from, want)
			}
		}
		if seq.Sees[p] != int32(p+1) {
			t.Fatalf("position %d sees %d", p, seq.Sees[p])
		}
		if x := int32(seq.Tokens[p]); p >= config.Points && (x < seq.Allow[2*p] || x >= seq.Allow[2*p+1]) {
			t.Fatalf("position %d: token %d outside [%d, %d)", p, x, seq.Allow[2*p], seq.Allow[2*p+1])
		}
	}
	prompt, err := config.Prompt(s.Tokens[:config.Points], int(s.Grid[1]-1)/12)
	if err != nil || !reflect.DeepEqual(prompt.Rows, seq.Rows) || !slices.Equal(prompt.Allow, seq.Allow) {
		t.Errorf("a prompt is laid out otherwise than its sample: %v", err)
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

func TestSequenceRefuses(t *testing.T) {
	good := shard.Sample{ID: "a", Kind: shard.KindQuad, Grid: []int32{64, 1, 128}, Tokens: make([]int64, 65)}
	if _, err := config.Sequence(good); err != nil {
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
		if _, err := config.Sequence(s); !errors.Is(err, ErrSample) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNetworkIsValid(t *testing.T) {
	n := config.Network(transformer.Config{Width: 64, Layers: 1, Heads: 2, Hidden: 64, RopeTheta: 1e4, Context: 256, Length: 1024})
	if err := n.Validate(); err != nil {
		t.Error(err)
	}
	if err := (Config{}).Validate(); !errors.Is(err, transformer.ErrConfig) {
		t.Errorf("empty: %v", err)
	}
}
