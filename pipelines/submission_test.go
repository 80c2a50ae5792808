package pipelines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/pipelines/jobserver/jobservertest"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// submitted begins a job on a server that runs nothing.
func submitted(t *testing.T, server *jobservertest.Server) *Submission {
	t.Helper()
	old := [4]string{*jobopts.Endpoint, *jobopts.EnvironmentType, *jobopts.EnvironmentConfig, *jobopts.WorkerBinary}
	t.Cleanup(func() {
		*jobopts.Endpoint, *jobopts.EnvironmentType, *jobopts.EnvironmentConfig, *jobopts.WorkerBinary = old[0], old[1], old[2], old[3]
	})
	jobservertest.Start(t, server)
	*jobopts.Endpoint, *jobopts.EnvironmentType, *jobopts.EnvironmentConfig, *jobopts.WorkerBinary = server.Endpoint, "EXTERNAL", "localhost:1", "submission_test.go"
	use(t, request.Quads, newEcho(shard.KindQuad))
	j := job(t, request.Quads, meshes(t)[:3])
	j.Runner = "universal"
	s, err := Submit(context.Background(), j, report.Generate)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStubbornJob interrupts the launcher of a job that does not end when it is
// cancelled: it says so, and how to come back, and the job's record stays.
func TestStubbornJob(t *testing.T) {
	server := &jobservertest.Server{Stubborn: true}
	s := submitted(t, server)
	s.most = 200 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := s.follow(ctx)
	if !errors.Is(err, ErrRunning) || !errors.Is(err, ErrCancelled) || len(server.Cancelled()) != 1 || !strings.Contains(err.Error(), s.ID) {
		t.Errorf("error %v, cancelled %v", err, server.Cancelled())
	}
	all, err := Submissions(s.folder)
	if err != nil || len(all) != 1 || all[0].ID != s.ID {
		t.Errorf("%d jobs are known: %v", len(all), err)
	}
	if _, err := os.Stat(s.stopFile()); err != nil {
		t.Errorf("the workers are not told: %v", err)
	}
}

// TestWorkersDoneElsewhere has the workers of a job do all of it, in another folder than
// their launcher's: the launcher tells of each result, and publishes what is there when
// the job is cancelled.
func TestWorkersDoneElsewhere(t *testing.T) {
	server := &jobservertest.Server{}
	s := submitted(t, server)
	// The same requests by the direct runner, under the name of the run.
	requests, err := s.requests()
	if err != nil || len(requests) != 3 {
		t.Fatalf("%d requests: %v", len(requests), err)
	}
	var seen []string
	transforms.Observe(func(e transforms.Event) {
		if e.Kind == transforms.Finished {
			seen = append(seen, e.ID)
		}
	})
	defer transforms.Observe(nil)
	w := newWatch(s.folder, s.Run, requests)
	if n, err := w.look(func(report.Outcome) {}); n != 0 || err != nil {
		t.Fatalf("%d results before any: %v", n, err)
	}
	done := job(t, request.Quads, nil)
	done.Requests, done.Settings.Out = requests[:2], s.folder
	if _, err := Generate(context.Background(), done); err != nil {
		t.Fatal(err)
	}
	if n, err := w.look(func(report.Outcome) {}); n != 0 || err != nil {
		t.Errorf("%d results of another run count: %v", n, err)
	}
	for _, r := range requests[:1] {
		rename(t, s.folder, r, s.Run)
	}
	n, err := w.look(func(o report.Outcome) { seen = append(seen, o.Done.ID) })
	if n != 1 || err != nil || seen[len(seen)-1] != requests[0].ID {
		t.Errorf("%d results, %v: %v", n, seen, err)
	}
	if n, err := s.Results(); n != 1 || err != nil {
		t.Errorf("%d results: %v", n, err)
	}
	t.Chdir(t.TempDir()) // to which the inputs are not relative
	if err := s.Cancel(context.Background()); err != nil {
		t.Fatal(err)
	}
	summary, err := s.Wait(context.Background())
	if !errors.Is(err, ErrCancelled) || summary.Done != 2 || summary.Skipped != 1 || summary.CutOff != 1 || summary.Run != s.Run {
		t.Errorf("%+v: error %v", summary, err)
	}
	if _, err := os.Stat(filepath.Join(s.folder, JobsFolder)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the record is left: %v", err)
	}
}

// TestFailuresElsewhere checks that a launcher tells of the failures of a job whose workers
// are elsewhere, and of no earlier run's.
func TestFailuresElsewhere(t *testing.T) {
	s := submitted(t, &jobservertest.Server{})
	requests, err := s.requests()
	if err != nil || len(requests) != 3 {
		t.Fatalf("%d requests: %v", len(requests), err)
	}
	e := newEcho(shard.KindQuad)
	e.generate = func(r request.Request) error {
		if r.ID != requests[0].ID {
			return mesh.ErrEmpty
		}
		return nil
	}
	use(t, request.Quads, e)
	done := job(t, request.Quads, nil)
	done.Settings.Out = s.folder
	earlier := requests[2]
	earlier.ID = "earlier"
	for _, of := range [][]request.Request{{earlier}, requests} { // by the direct runner
		done.Requests = of
		if _, err := Generate(context.Background(), done); err != nil {
			t.Fatal(err)
		}
	}
	summary, err := report.ReadSummary(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	summary.Run = s.Run // as if its workers had published
	data, err := json.Marshal(summary)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.folder, report.SummaryFile), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	transforms.Observe(func(e transforms.Event) {
		if e.Kind == transforms.Failed {
			failed = append(failed, e.ID+": "+e.Outcome.Failed.Kind)
		}
	})
	defer transforms.Observe(nil)
	if _, err := s.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := []string{requests[1].ID + ": no_faces", requests[2].ID + ": no_faces"}; !slices.Equal(failed, want) {
		t.Errorf("failed: %q, want %q", failed, want)
	}
}

// rename makes a result one of another run.
func rename(t *testing.T, dir string, r request.Request, run string) {
	t.Helper()
	p := report.Place{Family: r.Family, ID: r.ID}
	m, err := report.ReadMarker(dir, p)
	if err != nil {
		t.Fatal(err)
	}
	m.Run = run
	var b bytes.Buffer
	if err := report.EncodeMarker(&b, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, p.Marker()), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzRecord reads records of jobs. One that is taken names no file elsewhere.
func FuzzRecord(f *testing.F) {
	for _, s := range []Submission{
		{Run: "a-1", Runner: "flink", Endpoint: "localhost:1", ID: "b", Settings: transforms.Settings{Out: "o"}}, {Run: "../a", Settings: transforms.Settings{Out: "o"}}, {Run: "a"}, {},
	} {
		data, err := json.Marshal(&s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeSubmission(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, ErrOut) {
				t.Errorf("error %v, want ErrOut", err)
			}
			return
		}
		s.folder = "/folder"
		if dir := filepath.Dir(s.recordFile()); dir != "/folder/"+JobsFolder || filepath.Dir(s.stopFile()) != dir {
			t.Errorf("the record of run %q is %s", s.Run, s.recordFile())
		}
	})
}
