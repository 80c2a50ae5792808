package train

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

var errOdd = errors.New("odd")

// countingSystem takes samples of an even number of tokens.
func countingSystem() *system.System {
	s := config.System()
	s.Flatten = func(x shard.Sample) (system.Prompt, []uint32, error) {
		var tokens []uint32
		for _, t := range x.Tokens {
			tokens = append(tokens, uint32(t))
		}
		if len(tokens)%2 > 0 {
			return system.Prompt{}, nil, errOdd
		}
		return system.Prompt{Faces: len(tokens)}, tokens, nil
	}
	s.Schedule = func(p system.Prompt) (system.Schedule, error) {
		rows := countingRows(p.Faces)
		return order.Fixed(rows.Runs(0, 0, 1)...), nil
	}
	return s
}

// writeShards writes samples of growing lengths to some files.
func writeShards(t *testing.T, files, each int) (paths []string) {
	t.Helper()
	for f := range files {
		path := filepath.Join(t.TempDir(), "x.parquet")
		w := must(shard.Create(path))(t)
		for i := range each {
			s := shard.Sample{ID: fmt.Sprint(f, "-", i), Kind: "counting"}
			for p := range 8 + i%9 {
				s.Tokens = append(s.Tokens, int64(f+i+p)%8)
			}
			check(t, w.Write(s))
		}
		check(t, w.Close())
		paths = append(paths, path)
	}
	return paths
}

// TestShardsAreASource compares batches of shards, of which next to nothing is kept, with
// those of samples in memory.
func TestShardsAreASource(t *testing.T) {
	sys, paths := countingSystem(), writeShards(t, 3, 40)
	var memory held
	for i := range paths { // each alone, so that samples come in order
		must(OpenShards(sys, paths[i:i+1], 1, func(q *Sequence) { memory = append(memory, q) }, nil))(t).Close()
	}
	seen := 0
	s := must(OpenShards(sys, paths, 3000, func(*Sequence) { seen++ }, nil))(t)
	defer s.Close()
	s.open.most = 1
	if want := 3 * 18; s.Skipped != want || !errors.Is(s.Why, errOdd) || len(memory) != 3*40-want || seen != len(memory) || !slices.Equal(s.Rows(), memory.Rows()) {
		t.Fatalf("%d skipped, want %d: %v; %d kept, rows %v and %v", s.Skipped, want, s.Why, len(memory), s.Rows(), memory.Rows())
	}
	tasks := map[string]*Sequences{}
	for name, from := range map[string]Source{"shards": s, "memory": memory} {
		tasks[name] = must(NewSequences(&Network{sys: sys, b: 2, n: 6}, 1, from, from, 0))(t)
	}
	for step := range uint64(50) {
		var drawn [2]Window
		for i, name := range []string{"shards", "memory"} {
			drawn[i] = must(tasks[name].draw(rand.New(rand.NewPCG(7, step))))(t)
		}
		a, b := drawn[0], drawn[1]
		if a.From != b.From || a.To != b.To || !slices.Equal(a.Seq.Tokens, b.Seq.Tokens) || !slices.Equal(a.Seq.Inputs, b.Seq.Inputs) || !slices.Equal(a.Seq.Draws.From, b.Seq.Draws.From) {
			t.Fatalf("step %d draws other windows", step)
		}
		if s.kept.size > s.kept.most || s.open.order.Len() != 1 {
			t.Fatalf("%d bytes are kept, at most %d; %d shards are open", s.kept.size, s.kept.most, s.open.order.Len())
		}
	}
	if _, err := OpenShards(sys, []string{filepath.Join(t.TempDir(), "none.parquet")}, 0, nil, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no shard: %v", err)
	}
}

// TestCacheKeepsTheLastUsed holds the order in which values are dropped.
func TestCacheKeepsTheLastUsed(t *testing.T) {
	var dropped []int
	c := cache[int, int]{most: 3, drop: func(v int) { dropped = append(dropped, v) }}
	get := func(key int) {
		must(c.get(key, func() (int, int, error) { return key, 1, nil }))(t)
	}
	for _, key := range []int{1, 2, 3, 1, 4, 5} {
		get(key)
	}
	if !slices.Equal(dropped, []int{2, 3}) || c.size != 3 {
		t.Errorf("dropped %v, size %d", dropped, c.size)
	}
	if _, err := c.get(9, func() (int, int, error) { return 0, 1, errOdd }); !errors.Is(err, errOdd) || c.size != 3 {
		t.Errorf("error %v, size %d", err, c.size)
	}
	if must(c.get(7, func() (int, int, error) { return 7, 100, nil }))(t); len(c.at) != 1 {
		t.Errorf("%d values beside one over the bound", len(c.at)-1)
	}
	if c.clear(); len(c.at) != 0 || c.size != 0 || len(dropped) != 6 {
		t.Errorf("after clear: %d values, size %d, dropped %v", len(c.at), c.size, dropped)
	}
}
