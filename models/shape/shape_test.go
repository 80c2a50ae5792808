package shape

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/models/transformer"
	"github.com/morton-gen/morton/octree"
)

var config = Config{MinDepth: 2, MaxDepth: 6}

func sphere(t *testing.T, depth int) shard.Sample {
	t.Helper()
	m := mesh.QuadSphere(8)
	s, _, err := Tokenize("sphere", octree.Fit(m, 0.9).Mesh(m), depth)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFixturesRoundTrip holds sample -> tree and codes -> sample to be exact for
// every fixture, through the network's tokens too.
func TestFixturesRoundTrip(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "mesh", "*.obj"))
	if err != nil || len(files) < 21 {
		t.Fatalf("%d fixtures: %v", len(files), err)
	}
	for _, f := range files {
		m, _, err := obj.ReadFile(f, obj.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := Tokenize(filepath.Base(f), octree.Fit(m, 0.9).Mesh(m), 5)
		if err != nil {
			t.Fatal(err)
		}
		seq, err := config.Sequence(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Sample(s.ID, seq.Tokens, 5)
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

// TestGrowingIsTheLayout grows a sample level by level, as generation does, and
// compares the plan with the one training uses.
func TestGrowingIsTheLayout(t *testing.T) {
	s := sphere(t, 5)
	seq, err := config.Sequence(s)
	if err != nil {
		t.Fatal(err)
	}
	o, _, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	for prefix := range 6 {
		cut, err := o.Truncate(prefix)
		if err != nil {
			t.Fatal(err)
		}
		prompt, next, err := config.Prompt(cut, 5)
		if err != nil {
			t.Fatal(err)
		}
		laid := prompt
		if prompt.Draw != start(o, prefix) || !slices.Equal(prompt.Tokens, seq.Tokens[:len(prompt.Tokens)]) {
			t.Fatalf("prefix %d: %d given positions, want %d", prefix, prompt.Draw, start(o, prefix))
		}
		for {
			more, err := next(seq.Tokens[:laid.N*sub])
			if err != nil {
				t.Fatal(err)
			}
			if more == nil {
				break
			}
			laid.N += more.N
			laid.Fixed, laid.Fed, laid.Axes = append(laid.Fixed, more.Fixed...), append(laid.Fed, more.Fed...), append(laid.Axes, more.Axes...)
			laid.Sees, laid.Allow = append(laid.Sees, more.Sees...), append(laid.Allow, more.Allow...)
		}
		if !reflect.DeepEqual(laid.Rows, seq.Rows) || !slices.Equal(laid.Allow, seq.Allow) {
			t.Errorf("prefix %d: the plan of generation is not that of training", prefix)
		}
	}
}

func TestPlanKeepsItsRules(t *testing.T) {
	seq, err := config.Sequence(sphere(t, 6))
	if err != nil {
		t.Fatal(err)
	}
	for p := range seq.N {
		for _, id := range seq.Fixed[p*staticIDs : (p+1)*staticIDs] {
			if id < 0 || id >= rows {
				t.Fatalf("position %d: static id %d of %d", p, id, rows)
			}
		}
		for _, from := range seq.Fed[p*fed : (p+1)*fed] {
			if from >= int32(p) {
				t.Fatalf("position %d is fed from %d", p, from)
			}
		}
		lowest, top := seq.Allow[2*p], seq.Allow[2*p+1]&0xffffff
		if x := int32(seq.Tokens[p*sub]); x < lowest || x >= top {
			t.Fatalf("position %d: token %d outside [%d, %d)", p, x, lowest, top)
		}
		if seq.Short(p) == sub-1 && (seq.Tokens[p*sub+1] != 0 || seq.Tokens[p*sub+3] != 0) {
			t.Fatalf("position %d: an occupancy byte with more bytes behind it", p)
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
	o, _, err := Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := config.Prompt(o, 9); !errors.Is(err, ErrDepth) {
		t.Errorf("too deep: %v", err)
	}
	if _, _, err := config.Prompt(o, 2); !errors.Is(err, ErrDepth) {
		t.Errorf("prompt deeper than the result: %v", err)
	}
	if err := (Config{}).Validate(); !errors.Is(err, transformer.ErrConfig) {
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
