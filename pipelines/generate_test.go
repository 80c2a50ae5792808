package pipelines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	//lint:ignore SA1019 it is the runner of local runs
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/direct"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

func TestMain(m *testing.M) {
	isolated.Enable()
	log.SetupLogging("error", "text")
	family.OpenDevice = gputest.Share
	beam.Init()
	os.Exit(m.Run())
}

// use makes a model of ours that of a family, for as long as the test runs.
func use(t *testing.T, f request.Family, e *echo) {
	t.Helper()
	family.Register(f, e.opener())
}

// useModel is use of any model.
func useModel(t *testing.T, f request.Family, m family.Model) {
	t.Helper()
	family.Register(f, func(func() (*gpu.Device, error), family.Spec) (family.Model, error) { return m, nil })
}

func meshes(t *testing.T) []string {
	t.Helper()
	paths, err := request.Match([]string{"../testdata/mesh/*.obj", "../testdata/mesh/*.gl*"})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func job(t *testing.T, f request.Family, paths []string) Job {
	t.Helper()
	requests, err := request.FromPaths(paths, request.Request{Family: f, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	return Job{
		// A spec of its own for each test, so that no test finds another's model.
		Settings: transforms.Settings{Spec: family.Spec{Family: f, Dir: t.Name()}, Out: t.TempDir()},
		Requests: requests,
	}
}

func tokens(t *testing.T, j Job) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(j.Settings.Out, report.TokensFile(j.Settings.Spec.Family)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestGenerateSameBytes holds the determinism contract from the pipeline's side:
// the runner, the number of workers and of requests in flight change no byte.
func TestGenerateSameBytes(t *testing.T) {
	e := newEcho(shard.KindQuad)
	use(t, request.Quads, e)
	paths := meshes(t)[:6]
	want := ""
	for _, c := range []struct {
		runner            string
		workers, inFlight int
	}{{"direct", 1, 1}, {"direct", 1, 16}, {"direct", 3, 4}, {"prism", 1, 4}, {"prism", 4, 2}} {
		t.Run(fmt.Sprintf("%s/workers=%d/flight=%d", c.runner, c.workers, c.inFlight), func(t *testing.T) {
			j := job(t, request.Quads, paths)
			j.Runner, j.Workers, j.Settings.InFlight = c.runner, c.workers, c.inFlight
			e.most.Store(0)
			s, err := Generate(context.Background(), j)
			if err != nil {
				t.Fatal(err)
			}
			if s.Done != len(paths) || s.Failed != 0 || s.Skipped != 0 || s.Drawn != 50*len(paths) || !s.Complete {
				t.Fatalf("summary %+v of %d inputs", s, len(paths))
			}
			if most := e.most.Load(); c.runner == "direct" && most > int64(c.inFlight*c.workers) || most > 1 != (c.inFlight > 1) {
				t.Errorf("%d requests were in flight", most)
			}
			if got := tokens(t, j); want == "" {
				want = got
			} else if got != want {
				t.Error("tokens differ from those of the first run")
			}
			for _, name := range []string{"index.html", "quads/cc-0_bread.glb", "quads/cc-0_bread.obj", "quads/cc-0_bread.png"} {
				if _, err := os.Stat(filepath.Join(j.Settings.Out, name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestGenerateSkipsWhatIsDone(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	j := job(t, request.Quads, meshes(t)[:3])
	run := func() report.Summary {
		t.Helper()
		s, err := Generate(context.Background(), j)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := run(); s.Skipped != 0 {
		t.Fatalf("first run skipped %d", s.Skipped)
	}
	before := tokens(t, j)
	if s := run(); s.Skipped != 3 || s.Done != 3 || s.Drawn != 0 {
		t.Fatalf("second run: %+v", s)
	}
	if tokens(t, j) != before {
		t.Fatal("skipping changed the tokens")
	}
	if err := os.Remove(filepath.Join(j.Settings.Out, "quads", j.Requests[1].ID+".glb")); err != nil {
		t.Fatal(err)
	}
	j.Requests[2].Seed++
	if s := run(); s.Skipped != 1 || s.Done != 3 {
		t.Fatalf("a lost file and another seed: %+v", s)
	}
	j.Settings.Overwrite = true
	if s := run(); s.Skipped != 0 || s.Done != 3 {
		t.Fatalf("overwrite: %+v", s)
	}
}

// TestBytes holds the bytes of a summary to those of the files.
func TestBytes(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	j := job(t, request.Quads, meshes(t)[:2])
	s, err := Generate(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var read, written int64
	for _, r := range j.Requests {
		read += size(r.Input)
		for _, name := range []string{r.ID + ".glb", r.ID + ".obj", r.ID + ".png", "done/" + r.ID + ".parquet"} {
			written += size(filepath.Join(j.Settings.Out, "quads", name))
		}
	}
	if s.BytesRead != read || s.BytesWritten != written {
		t.Errorf("%d bytes read, %d written, want %d and %d", s.BytesRead, s.BytesWritten, read, written)
	}
}

// TestFamiliesShareAFolder checks that runs add to what others left there.
func TestFamiliesShareAFolder(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	use(t, request.Video, newEcho(shard.KindCube))
	quads := job(t, request.Quads, append(meshes(t)[:2:2], "missing.obj"))
	clips := job(t, request.Video, []string{"../testdata/video/bbb_256x144_25fps_64f.mp4"})
	clips.Settings.Out = quads.Settings.Out
	for range 2 {
		for _, j := range []Job{quads, clips} {
			if _, err := Generate(context.Background(), j); err != nil {
				t.Fatal(err)
			}
		}
	}
	results, err := report.ReadResults(quads.Settings.Out)
	if err != nil {
		t.Fatal(err)
	}
	failures, err := report.ReadFailures(quads.Settings.Out)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 3 || len(failures) != 1 || failures[0].Kind != "not_found" {
		t.Fatalf("%d results, failures %+v", len(results), failures)
	}
	if r := results[2]; r.Family != request.Video || r.OutputFrames != 4 || r.Output != "video/bbb_256x144_25fps_64f.mp4" {
		t.Fatalf("video row %+v", r)
	}
	page, err := os.ReadFile(filepath.Join(quads.Settings.Out, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"bbb_256x144_25fps_64f.mp4", "cc-0_bread", "missing.obj"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// TestGeneratePanicIsOneFailure checks that a fault of ours costs one item.
func TestGeneratePanicIsOneFailure(t *testing.T) {
	e := newEcho(shard.KindQuad)
	e.generate = func(r request.Request) error {
		if r.ID == "cc-0_bread" {
			panic("off by one")
		}
		return nil
	}
	use(t, request.Quads, e)
	j := job(t, request.Quads, meshes(t)[:12])
	s, err := Generate(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	if s.Failed != 1 || s.Kinds[report.Internal] != 1 || s.Done != len(j.Requests)-1 {
		t.Fatalf("%+v", s)
	}
}

// TestGenerateCancelled checks that a cancelled run says so and keeps what is done.
func TestGenerateCancelled(t *testing.T) {
	for _, runner := range []string{"direct", "prism"} {
		t.Run(runner, func(t *testing.T) {
			e := newEcho(shard.KindQuad)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var served atomic.Int64
			e.generate = func(request.Request) error {
				switch served.Add(1) {
				case 3:
					return mesh.ErrEmpty
				case 6:
					cancel()
				}
				return nil
			}
			use(t, request.Quads, e)
			j := job(t, request.Quads, meshes(t)[:12])
			j.Runner, j.Settings.InFlight = runner, 1
			s, err := Generate(ctx, j)
			if !errors.Is(err, ErrCancelled) {
				t.Fatalf("error %v, want ErrCancelled", err)
			}
			if s.Complete || s.Done >= len(j.Requests) || s.Skipped != 0 || s.Failed != 1 {
				t.Fatalf("%+v", s)
			}
			if rows, err := os.ReadFile(filepath.Join(j.Settings.Out, "failures.jsonl")); err != nil || bytes.Count(rows, []byte("\n")) != 1 {
				t.Errorf("failures.jsonl has %q, error %v", rows, err)
			}
			if _, err := os.Stat(filepath.Join(j.Settings.Out, "index.html")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestJobIsChecked(t *testing.T) {
	for _, j := range []Job{{}, {Requests: make([]request.Request, 1)}} {
		if _, err := Generate(context.Background(), j); !errors.Is(err, ErrJob) {
			t.Errorf("error %v, want ErrJob", err)
		}
	}
	j := job(t, request.Quads, []string{"a.obj"})
	j.Settings.Out = filepath.Join("..", "testdata", "mesh", "cc-0_box.obj")
	var path *fs.PathError
	if _, err := Generate(context.Background(), j); !errors.As(err, &path) {
		t.Errorf("error %v, want the file system's", err)
	}
}
