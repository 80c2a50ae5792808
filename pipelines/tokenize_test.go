package pipelines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/request"
)

func readShards(t *testing.T, dir string) (ids []string, bytes map[string]string) {
	t.Helper()
	paths, err := shard.Glob(dir)
	if err != nil {
		t.Fatal(err)
	}
	bytes = map[string]string{}
	for _, path := range paths {
		samples, err := shard.ReadAll(path, shard.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range samples {
			ids = append(ids, s.ID)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bytes[filepath.Base(path)] = string(data)
	}
	slices.Sort(ids)
	return ids, bytes
}

// TestTokenizeShards checks that every sample is in one shard, that runs and
// runners agree to the byte, and that shards of an earlier run do not stay.
func TestTokenizeShards(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	paths := meshes(t)[:9]
	var want map[string]string
	for _, c := range []struct {
		runner  string
		workers int
	}{{"direct", 1}, {"prism", 3}} {
		t.Run(c.runner, func(t *testing.T) {
			j := job(t, request.Quads, append(paths, "missing.obj"))
			j.Runner, j.Workers, j.Shards = c.runner, c.workers, 7
			s, err := Tokenize(context.Background(), j)
			if err != nil {
				t.Fatal(err)
			}
			if s.Done != 9 || s.Failed != 1 {
				t.Fatalf("%+v", s)
			}
			ids, bytes := readShards(t, j.Settings.Out)
			if len(ids) != 9 || len(slices.Compact(ids)) != 9 || len(bytes) != 7 {
				t.Fatalf("%d samples in %d shards", len(ids), len(bytes))
			}
			if want == nil {
				want = bytes
			} else if fmt.Sprint(want) != fmt.Sprint(bytes) {
				t.Error("shards differ from those of the direct runner")
			}
			j.Shards, j.Requests = 1, j.Requests[:4]
			if _, err := Tokenize(context.Background(), j); err != nil {
				t.Fatal(err)
			}
			if ids, bytes := readShards(t, j.Settings.Out); len(ids) != 4 || len(bytes) != 1 {
				t.Fatalf("%d samples in %d shards after the second run", len(ids), len(bytes))
			}
		})
	}
}

// TestTokenizeMoreShardsThanSamples checks that each shard is there and can be read, also
// those that no sample is dealt to, and that what is dealt where does not change.
func TestTokenizeMoreShardsThanSamples(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	for _, paths := range [][]string{meshes(t)[:2], {"missing.obj"}} {
		j := job(t, request.Quads, paths)
		j.Shards = 12
		s, err := Tokenize(context.Background(), j)
		if err != nil {
			t.Fatal(err)
		}
		ids, bytes := readShards(t, j.Settings.Out)
		if len(bytes) != 12 || len(ids) != s.Done {
			t.Fatalf("%d samples, %d done, in %d shards", len(ids), s.Done, len(bytes))
		}
		for i := range 12 {
			if bytes[fmt.Sprintf("quads-%04d-of-0012.parquet", i)] == "" {
				t.Errorf("shard %d is missing", i)
			}
		}
		if n := len(Samples([]string{filepath.Join(j.Settings.Out, "quads-0000-of-0012.parquet")})); n > 2 {
			t.Errorf("%d samples in a shard of two at most", n)
		}
	}
}

func TestDetokenize(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	use(t, request.Shape, newEcho(shard.KindOctree))
	dir := t.TempDir()
	for i, kind := range []string{shard.KindQuad, shard.KindOctree} {
		w, err := shard.Create(filepath.Join(dir, kind+".parquet"))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"a", "a/b c"} {
			if err := w.Write(shard.Sample{ID: id, Kind: kind, Grid: []int32{1}, Tokens: []int64{int64(i)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := shard.Glob(dir)
	if err != nil {
		t.Fatal(err)
	}
	j := job(t, "", nil)
	j.Requests = Samples(paths)
	for _, runner := range []string{"direct", "prism"} {
		j.Runner, j.Settings.Out = runner, t.TempDir()
		s, err := Detokenize(context.Background(), j)
		if err != nil {
			t.Fatal(err)
		}
		if s.Done != 4 || s.Failed != 0 {
			t.Fatalf("%s: %+v", runner, s)
		}
		for _, name := range []string{"quads/a.glb", "quads/b-c.obj", "shape/a.glb", "shape/b-c.glb", "index.html"} {
			if _, err := os.Stat(filepath.Join(j.Settings.Out, name)); err != nil {
				t.Error(err)
			}
		}
	}
}
