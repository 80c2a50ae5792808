package pipelines

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// writeShard writes a shard of quads with the given ids, the tokens of each in n
// draws, which do not compress.
func writeShard(t *testing.T, path string, n int, ids ...string) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	err := report.WriteShard(path, func(yield func(shard.Sample) error) error {
		for _, id := range ids {
			s := shard.Sample{ID: id, Kind: shard.KindQuad, Grid: []int32{1}}
			if s.ID == "poem" {
				s.Kind = "verse"
			}
			for range n {
				s.Tokens = append(s.Tokens, int64(random.Uint64()>>1))
			}
			if err := yield(s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// brokenShards writes good and broken shards into a folder, and returns the
// failures that are due, by input and id.
func brokenShards(t *testing.T, dir string) (paths []string, kinds map[string]string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	writeShard(t, at("good.parquet"), 9, "a", "b")
	writeShard(t, at("row.parquet"), 9, "c", "poem", "d")
	writeShard(t, at("group.parquet"), 100_000, "g0", "g1", "g2", "g3") // about a megabyte a row group
	whole, err := os.ReadFile(at("group.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/8] ^= 1
	for name, data := range map[string][]byte{
		"group.parquet": flipped, "truncated.parquet": whole[:len(whole)/2], "text.parquet": []byte(strings.Repeat("no shard\n", 9)), "empty.parquet": {},
	} {
		if err := os.WriteFile(at(name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("folder.parquet"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", at("link.parquet")); err != nil {
		t.Fatal(err)
	}
	kinds = map[string]string{
		"row.parquet poem": "unknown_family", "group.parquet group-row-0": "corrupt", "truncated.parquet truncated": "corrupt",
		"text.parquet text": "not_a_shard", "empty.parquet empty": "not_a_shard", "folder.parquet folder": "not_a_shard",
		"link.parquet link": "not_found", "missing.parquet missing": "not_found",
	}
	for _, name := range []string{"text", "good", "row", "truncated", "group", "empty", "folder", "link", "missing"} {
		paths = append(paths, at(name+".parquet"))
	}
	return paths, kinds
}

// TestDetokenizeBrokenShards runs broken shards beside good ones: each is one
// failure, and whatever sample can be read is done.
func TestDetokenizeBrokenShards(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	for _, runner := range []string{"direct", "prism"} {
		t.Run(runner, func(t *testing.T) {
			dir := t.TempDir()
			paths, kinds := brokenShards(t, dir)
			j := job(t, "", nil)
			j.Runner, j.Requests = runner, Samples(paths)
			s, err := Detokenize(context.Background(), j)
			if err != nil {
				t.Fatal(err)
			}
			results, err := report.ReadResults(j.Settings.Out)
			if err != nil {
				t.Fatal(err)
			}
			var done []string
			for _, r := range results {
				done = append(done, r.ID)
			}
			if got := strings.Join(done, " "); !strings.HasPrefix(got, "a b c d g") || !strings.HasSuffix(got, " g3") || s.Done != len(done) {
				t.Errorf("done: %s", got)
			}
			checkShardFailures(t, j.Settings.Out, kinds)
			healed := filepath.Join(dir, "text.parquet")
			writeShard(t, healed, 9, "healed")
			j.Requests = Samples([]string{healed})
			if _, err := Detokenize(context.Background(), j); err != nil {
				t.Fatal(err)
			}
			delete(kinds, "text.parquet text")
			checkShardFailures(t, j.Settings.Out, kinds)
		})
	}
}

func checkShardFailures(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	failures, err := report.ReadFailures(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range failures {
		got[fmt.Sprint(filepath.Base(f.Input), " ", f.ID)] = f.Kind
		if f.Stage != "detokenize" || !strings.Contains(f.Message, f.Input) {
			t.Errorf("%+v", f)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("failures %v, want %v", got, want)
	}
}

// TestDetokenizeNothingReadable checks that a run of failures alone is reported.
func TestDetokenizeNothingReadable(t *testing.T) {
	j := job(t, "", nil)
	j.Requests = Samples([]string{"missing.parquet"})
	s, err := Detokenize(context.Background(), j)
	if err != nil || s.Done != 0 || s.Failed != 1 || s.Kinds["not_found"] != 1 {
		t.Fatalf("%+v: error %v", s, err)
	}
}
