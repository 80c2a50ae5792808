package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/request"
)

// TestEarlierTokens: samples of earlier results come from the shard that stands there, and
// those that have changed, or are new, from their own files. A part that is no shard shows
// which were read.
func TestEarlierTokens(t *testing.T) {
	dir := t.TempDir()
	write := func(id, source string, tokens ...int64) *Result {
		t.Helper()
		p := Place{request.Quads, id}
		if err := WriteSample(filepath.Join(dir, p.Tokens()), shard.Sample{ID: id, Kind: "k", Grid: []int32{1}, Tokens: tokens, Source: source}); err != nil {
			t.Fatal(err)
		}
		return &Result{Request: request.Request{ID: id, Family: p.Family, Input: source}, Action: Generate, TokensSHA256: HashTokens(tokens), TokenCount: len(tokens)}
	}
	results := []*Result{write("a", "a.obj", 1), write("b", "b.obj", 2), write("d", "d.obj", 4), write("e", "e.obj", 5), write("f", "f.obj", 6)}
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	never := func(r *Result, err error) error { return err }
	if err := joinTokens(dir, first, results, &earlierTokens{}, nil, never); err != nil {
		t.Fatal(err)
	}
	results[1] = write("b", "b.obj", 20)          // other tokens
	results[2] = write("d", "elsewhere/d.obj", 4) // the same of another input
	results[4] = write("f", "f.obj", 6)           // the same, by this run
	results = append(results[:2:2], append([]*Result{write("c", "c.obj", 3)}, results[2:]...)...)
	for _, id := range []string{"a", "e", "f"} {
		if err := os.WriteFile(filepath.Join(dir, Place{request.Quads, id}.Tokens()), []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	earlier := openEarlier(first)
	defer earlier.close()
	var bad []string
	err := joinTokens(dir, second, results, earlier, map[key]bool{{request.Quads, "f"}: true}, func(r *Result, _ error) error {
		bad = append(bad, r.ID)
		return nil
	})
	samples, rerr := shard.ReadAll(second, shard.Limits{})
	if err != nil || rerr != nil || len(bad) != 1 || bad[0] != "f" || len(samples) != 5 {
		t.Fatalf("%v, %v: %d samples, %q are damaged", err, rerr, len(samples), bad)
	}
	for i, want := range []shard.Sample{{ID: "a", Tokens: []int64{1}}, {ID: "b", Tokens: []int64{20}}, {ID: "c", Tokens: []int64{3}}, {ID: "d", Tokens: []int64{4}, Source: "elsewhere/d.obj"}, {ID: "e", Tokens: []int64{5}}} {
		if s := samples[i]; s.ID != want.ID || s.Tokens[0] != want.Tokens[0] || want.Source != "" && s.Source != want.Source {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
}
