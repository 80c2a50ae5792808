package pipelines

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/internal/store/storetest"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// aStore is a place that a test's runs read and write.
type aStore struct {
	name, root string
	server     *storetest.Server // nil on the disk
}

// everyStore returns a folder of the disk first, then one of each store.
func everyStore(t *testing.T) []aStore {
	disk, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return []aStore{{"disk", disk, nil}, {"s3", "s3://bucket/deep/run", storetest.S3(t, "bucket")}, {"gs", "gs://bucket/deep/run", storetest.GS(t)}}
}

// TestStoredRuns tokenizes clips, generates meshes by a model, and detokenizes shards: on
// the disk, in both stores, and in both when they fail one request in twenty. Inputs, model
// and results stand there. All files are equal, but for the names of places and for times,
// and no other file is left.
func TestStoredRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a device on two cores 20 s")
	}
	if _, err := gpu.List(); errors.Is(err, gpu.ErrNoDevice) && !gputest.Required() {
		t.Skip(err)
	}
	for _, f := range []request.Family{request.Video, request.Quads} {
		family.Register(f, shipped[f])
	}
	t.Setenv("MORTON_CACHE", t.TempDir())
	var want map[string][]byte
	for _, failing := range []bool{false, true} {
		for _, s := range everyStore(t) {
			if s.server == nil && failing {
				continue
			}
			name := s.name
			if failing {
				name += ", failing"
				s.server.FailEvery.Store(20)
			}
			t.Run(name, func(t *testing.T) {
				t.Setenv("TMPDIR", t.TempDir())
				runStored(t, s)
				got := normalFiles(t, s.root)
				if want == nil {
					want = got
				}
				compareFiles(t, want, got)
				if failing && s.server.Failed.Load() < 10 {
					t.Errorf("%d of %d requests failed", s.server.Failed.Load(), s.server.Requests.Load())
				}
				if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
					t.Errorf("temporary files are left: %v, %v", left, err)
				}
			})
		}
	}
	if len(want) < 30 {
		t.Errorf("only %d files were compared", len(want))
	}
}

func runStored(t *testing.T, s aStore) {
	upload(t, "../testdata/video/city_320x180_25fps_48f.mp4", store.Join(s.root, "in", "city.mp4"))
	upload(t, "../testdata/mesh/AnimatedMorphCube.gltf", store.Join(s.root, "in", "cube.gltf"))
	upload(t, "../testdata/mesh/AnimatedMorphCube.bin", store.Join(s.root, "in", "AnimatedMorphCube.bin"))
	upload(t, "../testdata/mesh/cc-0_crate.obj", store.Join(s.root, "in", "crate.obj"))
	upload(t, "../models/shipped/quad/config.json", store.Join(s.root, "model", "config.json"))
	upload(t, "../models/shipped/quad/model.safetensors", store.Join(s.root, "model", "model.safetensors"))
	for _, name := range []string{"bad.mp4", "bad.obj"} {
		if err := store.Replace(store.Join(s.root, "in", name), func(w io.Writer) error {
			_, err := io.WriteString(w, "f 1 2 3\n")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	place := func(parts ...string) string { return store.Join(s.root, parts...) }
	clips := fromPattern(t, place("in", "*.mp4"), request.Request{Family: request.Video})
	tokenize := Job{Requests: clips, Shards: 2, Settings: transforms.Settings{Spec: family.Spec{Family: request.Video}, Out: place("tokens")}}
	expect(t, 1, 1, 0)(Tokenize(t.Context(), tokenize))
	expect(t, 1, 1, 1)(Tokenize(t.Context(), tokenize))

	scans := fromPattern(t, place("in", "*.{gltf,obj}"), request.Request{Family: request.Quads, Faces: 12, Seed: 5})
	generate := Job{Requests: scans, Settings: transforms.Settings{Spec: family.Spec{Family: request.Quads, Dir: place("model")}, Out: place("out")}}
	expect(t, 2, 1, 0)(Generate(t.Context(), generate))
	expect(t, 2, 1, 2)(Generate(t.Context(), generate))

	shards := fromPattern(t, place("tokens", "*.parquet"), request.Request{Family: request.Video})
	var paths []string
	for _, r := range shards {
		paths = append(paths, r.Input)
	}
	back := Job{Requests: Samples(paths), Settings: transforms.Settings{Out: place("clips")}}
	expect(t, 1, 0, 0)(Detokenize(t.Context(), back))
}

func upload(t *testing.T, path, place string) {
	t.Helper()
	if err := errors.Join(store.MkdirAll(store.Dir(place)), store.Replace(place, func(w io.Writer) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})); err != nil {
		t.Fatal(err)
	}
}

func fromPattern(t *testing.T, pattern string, base request.Request) []request.Request {
	t.Helper()
	paths, err := request.Match([]string{pattern})
	if err != nil {
		t.Fatal(err)
	}
	requests, err := request.FromPaths(paths, base)
	if err != nil {
		t.Fatal(err)
	}
	return requests
}

func expect(t *testing.T, done, failed, skipped int) func(report.Summary, error) {
	return func(s report.Summary, err error) {
		t.Helper()
		if err != nil || s.Done != done || s.Failed != failed || s.Skipped != skipped {
			t.Errorf("%+v, %v; want %d done, %d failed, %d skipped", s, err, done, failed, skipped)
		}
	}
}

// normalFiles returns all files below a root, as two runs must have them in common.
func normalFiles(t *testing.T, root string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	add := func(name string) {
		data, err := store.ReadFile(store.Join(root, name), 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = normal(t, root, name, data)
	}
	if store.Stored(root) {
		if err := store.Walk(root, "", func(name string, _ fs.FileInfo) error {
			add(name)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			add(strings.TrimPrefix(path, root+"/"))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func compareFiles(t *testing.T, want, got map[string][]byte) {
	t.Helper()
	if a, b := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)); !slices.Equal(a, b) {
		t.Errorf("files\n%q, want\n%q", b, a)
	}
	for name, data := range want {
		if !bytes.Equal(data, got[name]) {
			t.Errorf("%s differs: %.2000q\nwant %.2000q", name, got[name], data)
		}
	}
}

// pageTimes match what the page says of the clock.
var pageTimes = regexp.MustCompile(`<dt>[^<]*[tT]ime[^<]*</dt><dd>[^<]*</dd>`)

// normal takes the names of places and what tells of one run out of a file. A shard is
// written again, with the sources of its samples below one root.
func normal(t *testing.T, root, name string, data []byte) []byte {
	t.Helper()
	switch path.Ext(name) {
	case ".parquet":
		return normalShard(t, root, data)
	case ".html":
		return pageTimes.ReplaceAll(bytes.ReplaceAll(data, []byte(root), []byte("ROOT")), nil)
	case ".json", ".jsonl":
	default:
		return data
	}
	var out bytes.Buffer
	decoder := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(data, []byte(root), []byte("ROOT"))))
	for decoder.More() {
		var v any
		if err := decoder.Decode(&v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		dropOwn(v)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(text, '\n'))
	}
	return out.Bytes()
}

// dropOwn removes what names one run or its place, and the sizes and hashes of files that
// do.
func dropOwn(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			dropOwn(x)
		}
	case map[string]any:
		for _, name := range []string{"run", "out", "seconds", "waited_seconds", "written_bytes", "request_seconds", "fingerprint", "source"} {
			delete(v, name)
		}
		if p, _ := v["path"].(string); slices.Contains([]string{".html", ".jsonl", ".json", ".parquet"}, path.Ext(p)) {
			delete(v, "sha256")
			delete(v, "size")
		}
		for _, x := range v {
			dropOwn(x)
		}
	}
}

func normalShard(t *testing.T, root string, data []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, data, 0o600); err != nil {
		t.Fatal(err)
	}
	samples, err := shard.ReadAll(from, shard.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := report.WriteShard(to, func(yield func(shard.Sample) error) error {
		for _, s := range samples {
			s.Source = strings.ReplaceAll(s.Source, root, "ROOT")
			if err := yield(s); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStoredShards: inputs of the disk give the same bytes of shards and of joined tokens
// in every store, as they are.
func TestStoredShards(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	var want map[string]string
	for _, s := range everyStore(t) {
		if s.server != nil {
			s.server.FailEvery.Store(20)
		}
		requests, err := request.FromPaths(meshes(t)[:6], request.Request{Family: request.Quads, Seed: 2})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		job := Job{Requests: requests, Workers: 3, Shards: 3, Runner: "prism", Settings: transforms.Settings{Spec: family.Spec{Family: request.Quads, Dir: t.Name()}, Out: store.Join(s.root, "t")}}
		expect(t, 6, 0, 0)(Tokenize(t.Context(), job))
		for _, name := range transforms.ShardFiles(request.Quads, 3) {
			got[name] = readPlace(t, store.Join(s.root, "t", name))
		}
		job.Shards, job.Settings.Out = 0, store.Join(s.root, "g")
		expect(t, 6, 0, 0)(Generate(t.Context(), job))
		got["joined"] = readPlace(t, store.Join(s.root, "g", report.TokensFile(request.Quads)))
		if want == nil {
			want = got
		}
		if !maps.Equal(want, got) {
			t.Errorf("%s: other bytes", s.name)
		}
	}
}

func readPlace(t *testing.T, place string) string {
	t.Helper()
	data, err := store.ReadFile(place, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestStoredResultsAreSkippedTogether runs 24 requests again whose results are in a store
// that takes its time: many are looked at at once.
func TestStoredResultsAreSkippedTogether(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	server := storetest.S3(t, "bucket")
	j := job(t, request.Quads, meshes(t)[:4])
	j.Requests = request.Variants(j.Requests, 6)
	j.Settings.Out = "s3://bucket/out"
	again := j
	again.Requests = slices.Clone(j.Requests)
	expect(t, 24, 0, 0)(Generate(t.Context(), j))
	server.Delay.Store(int64(50 * time.Millisecond))
	var skipped, most atomic.Int64
	t.Cleanup(func() { transforms.Observe(nil) })
	transforms.Observe(func(e transforms.Event) {
		if e.Kind == transforms.Finished && skipped.Add(1) == 20 { // publishing, later, also looks at many
			most.Store(server.MostLooks.Load())
		}
	})
	server.MostLooks.Store(0)
	expect(t, 24, 0, 24)(Generate(t.Context(), again))
	if most.Load() < 8 {
		t.Errorf("%d requests at once while 24 results were looked at", most.Load())
	}
}
