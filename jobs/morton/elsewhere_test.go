package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"

	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/pipelines/jobserver/jobservertest"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// elsewhere is a job of a server that runs nothing: the test does what its workers would.
type elsewhere struct {
	*jobservertest.Server
	out   string
	args  []string
	works sync.WaitGroup // what the job's workers would do
}

// newElsewhere makes a job whose folder has a summary of an earlier run.
func newElsewhere(t *testing.T, begun func(e *elsewhere, id string)) *elsewhere {
	t.Helper()
	t.Cleanup(func() { resetRunner(t) })
	e := &elsewhere{out: t.TempDir()}
	failed := report.Fail(request.Request{ID: "earlier", Family: request.Quads}, "decode", os.ErrNotExist)
	if _, err := report.Publish(e.out, []report.Outcome{failed}, report.Run{Name: "earlier", Action: report.Generate, Begun: time.Now()}); err != nil {
		t.Fatal(err)
	}
	e.Server = jobservertest.Start(t, &jobservertest.Server{Begun: func(id string, _ *jobpb.PrepareJobRequest) {
		if begun != nil {
			e.works.Add(1)
			defer e.works.Done()
			begun(e, id)
		}
	}})
	t.Cleanup(e.works.Wait) // the command may end before, when it sees the summary
	e.args = []string{
		"generate", "quads", "../../testdata/mesh/cc-0_box.obj", "../../testdata/mesh/cc-0_bread.obj", "--out", e.out,
		"--runner", "flink", "--endpoint", e.Endpoint, "--environment_type", "PROCESS", "--parallelism", "2",
	}
	return e
}

// publish does what the last stage of a run does.
func (e *elsewhere) publish(t *testing.T) {
	all, err := pipelines.Submissions(e.out)
	if err != nil || len(all) != 1 {
		t.Errorf("%d jobs are known: %v", len(all), err)
		return
	}
	if _, err := report.Publish(e.out, nil, report.Run{Name: all[0].Run, Action: report.Generate, Begun: time.Now()}); err != nil {
		t.Error(err)
	}
}

// noJobs makes sure that the folder knows no job any more.
func (e *elsewhere) noJobs(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(e.out, pipelines.JobsFolder)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a job's record is left: %v", err)
	}
}

// TestJobsElsewhereEndHonestly has a job end in each way. Only one that publishes its own
// summary is a success.
func TestJobsElsewhereEndHonestly(t *testing.T) {
	for _, c := range []struct {
		name  string
		begun func(e *elsewhere, id string)
		code  int
		want  []string
	}{
		{"done", func(e *elsewhere, id string) { e.publish(t); e.Move(id, jobpb.JobState_DONE) }, exitDone, []string{"0 done, 0 failed, in"}},
		{
			"cancelled elsewhere", func(e *elsewhere, id string) { e.Move(id, jobpb.JobState_CANCELLED) }, exitFailed,
			[]string{"0 done, 0 failed, 2 cut off", "the job was cancelled, and not by this command"},
		},
		{"failed", func(e *elsewhere, id string) {
			e.Say(id, jobpb.JobMessage_JOB_MESSAGE_ERROR, "java.net.ConnectException: Connection refused")
			e.Move(id, jobpb.JobState_FAILED)
		}, exitFailed, []string{"the job failed: Connection refused"}},
		{"failed for want of a restart", func(e *elsewhere, id string) {
			e.Say(id, jobpb.JobMessage_JOB_MESSAGE_DEBUG, "Recovery is suppressed by NoRestartBackoffTimeStrategy")
			e.Say(id, jobpb.JobMessage_JOB_MESSAGE_ERROR, "worker lost")
			e.Move(id, jobpb.JobState_FAILED)
		}, exitFailed, []string{"worker lost", "restart-strategy.type"}},
		{"forgotten", func(e *elsewhere, id string) { e.Forget(id) }, exitFailed, []string{"does not know the job"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newElsewhere(t, c.begun)
			code, out, errs := morton(e.args...)
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out+errs, want) {
					t.Errorf("it does not say %q:\n%s%s", want, out, errs)
				}
			}
			e.noJobs(t)
		})
	}
}

// TestInterruptCancelsTheJob does what Ctrl-C does.
func TestInterruptCancelsTheJob(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	e := newElsewhere(t, func(*elsewhere, string) { interrupt() })
	var out, errs bytes.Buffer
	code := run(ctx, e.args, &out, &errs)
	if code != exitInterrupted || len(e.Cancelled()) != 1 || !strings.Contains(out.String(), "2 cut off") || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit %d, cancelled %v:\n%s%s", code, e.Cancelled(), &out, &errs)
	}
	e.noJobs(t)
}

// TestDetach begins a job, and comes back to it.
func TestDetach(t *testing.T) {
	e := newElsewhere(t, nil)
	code, out, errs := morton(append(e.args, "--detach")...)
	if code != exitDone || !strings.Contains(out, "job job-0 on flink "+e.Endpoint) || !strings.Contains(out, "morton wait --out "+e.out) {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	code, out, _ = morton("status", "--out", e.out)
	if code != exitDone || !strings.Contains(out, "running, 0 of 2 done") {
		t.Errorf("status: exit %d, %s", code, out)
	}
	code, _, errs = morton(e.args...)
	if code != exitUsage || !strings.Contains(errs, "is RUNNING into it") {
		t.Errorf("a second job: exit %d, %s", code, errs)
	}
	ctx, stop := context.WithCancel(context.Background())
	time.AfterFunc(time.Second, stop)
	var o, w bytes.Buffer
	if code := run(ctx, []string{"wait", "--out", e.out}, &o, &w); code != exitInterrupted || !strings.Contains(w.String(), "the job runs on") {
		t.Errorf("wait, interrupted: exit %d, %s", code, &w)
	}
	if len(e.Cancelled()) > 0 {
		t.Error("the end of waiting cancelled the job")
	}
	e.publish(t)
	e.Move("job-0", jobpb.JobState_DONE)
	code, out, errs = morton("wait", "--out", e.out, "--json")
	var s report.Summary
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != exitDone || s.Run == "earlier" {
		t.Errorf("wait: exit %d, %s%s", code, out, errs)
	}
	e.noJobs(t)
	if code, out, _ = morton("wait", "--out", e.out); code != exitDone || !strings.Contains(out, "0 done") {
		t.Errorf("wait for what is over: exit %d, %s", code, out)
	}
}

// TestCancel cancels a job from another process than the one that began it.
func TestCancel(t *testing.T) {
	e := newElsewhere(t, nil)
	if code, out, errs := morton(append(e.args, "--detach", "--json")...); code != exitDone || !strings.Contains(out, `"job": "job-0"`) {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	code, out, errs := morton("cancel", "--out", e.out)
	if code != exitDone || len(e.Cancelled()) != 1 || !strings.Contains(out, "2 cut off") {
		t.Errorf("cancel: exit %d, %s%s", code, out, errs)
	}
	e.noJobs(t)
	if code, _, errs := morton("cancel", "--out", e.out); code != exitUsage || !strings.Contains(errs, "no job") {
		t.Errorf("cancel again: exit %d, %s", code, errs)
	}
}

// TestLostServer checks that a job whose server is gone is not given up, nor begun again.
func TestLostServer(t *testing.T) {
	e := newElsewhere(t, nil)
	if code, _, errs := morton(append(e.args, "--detach")...); code != exitDone {
		t.Fatal(errs)
	}
	e.Stop()
	for _, words := range [][]string{{"wait", "--out", e.out}, {"cancel", "--out", e.out}} {
		if code, _, errs := morton(words...); code != exitFailed || !strings.Contains(errs, "nobody answers") {
			t.Errorf("%v: exit %d, %s", words, code, errs)
		}
	}
	resetRunner(t)
	code, _, errs := morton("generate", "quads", "../../testdata/mesh/cc-0_box.obj", "--out", e.out)
	if code != exitUsage || !strings.Contains(errs, "may be running into it") || !strings.Contains(errs, "remove "+e.out) {
		t.Errorf("another run: exit %d, %s", code, errs)
	}
}

// TestDryRun prints a job and makes nothing.
func TestDryRun(t *testing.T) {
	e := newElsewhere(t, nil)
	const secret = "what-nobody-may-read"
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	out := filepath.Join(t.TempDir(), "out")
	nobody := append(slices.Clone(e.args[6:]), "--endpoint", "localhost:1")
	for runner, flags := range map[string][]string{"flink": nobody, "direct": nil} {
		args := append([]string{"generate", "quads", e.args[2], "--dry_run", "--out", out}, flags...)
		code, text, errs := morton(args...)
		for _, want := range []string{"graph of ", "Generate\n", "request to " + runner, `"beam:option:go_options:v1"`} {
			if code != exitDone || !strings.Contains(text, want) {
				t.Errorf("%s: exit %d, no %q:\n%s%.3000s", runner, code, want, errs, text)
			}
		}
		if strings.Contains(text, secret) {
			t.Error("it shows a variable of the environment")
		}
		resetRunner(t)
	}
	if _, err := os.Stat(out); err == nil || len(e.Prepared()) > 0 {
		t.Error("it made a folder, or sent something")
	}
}

// TestMissingOfRunnersElsewhere checks that what a runner lacks is said in one line, with
// the flag, before anything is made.
func TestMissingOfRunnersElsewhere(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	for _, c := range []struct{ flags, want string }{
		{"--runner flink --endpoint localhost:1", "needs --environment_type"},
		{"--runner flink --endpoint localhost:1 --environment_type EXTERNAL", "morton worker-pool"},
		{"--runner flink --endpoint localhost:1 --environment_type DOCKER", "needs --environment_config IMAGE"},
		{"--runner universal --endpoint localhost:1 --environment_type PROCESS --environment_config /boot", `{"command"`},
		{"--runner flink --endpoint localhost:1 --environment_type RAY", "is LOOPBACK, EXTERNAL, PROCESS or DOCKER"},
		{"--runner flink --endpoint localhost:1 --environment_type PROCESS", "nobody answers"},
		{"--runner flink --endpoint " + web.Listener.Addr().String() + " --environment_type PROCESS", "Flink's own 8081"},
		{"--runner dataflow --project p --region r --staging_location gs://b/s", "needs --sdk_container_image"},
		{"--detach", "with workers elsewhere"},
		{"--async", "is --detach here"},
		{"--out gs://user:password@bucket/o", "gs://…@bucket/o names no bucket"},
		{"--input http://user:password@host/a.obj?key", "http://…@host/a.obj?…: http:// places are not supported"},
		{"--model hdfs://m", "hdfs:// places are not supported"},
		{"--input s3:/bucket/a.obj", "in a store it is s3://bucket/a.obj"},
		{"--out gs:bucket/o", "in a store it is gs://bucket/o"},
		{"file:///a.obj", "file:// places are not supported"},
	} {
		code, out, errs := morton(append(strings.Fields("generate quads --out o --input a.obj"), strings.Fields(c.flags)...)...)
		if code != exitUsage || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("%s: exit %d, %q, want 2 and one line with %q", c.flags, code, errs, c.want)
		}
		resetRunner(t)
	}
	if err := os.WriteFile("m.jsonl", []byte(`{"input": "hdfs://bucket/a.obj"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := morton("generate", "quads", "--manifest", "m.jsonl", "--out", "o"); code != exitUsage || !strings.Contains(errs, "m.jsonl:1") {
		t.Errorf("a manifest: exit %d, %s", code, errs)
	}
	if code, _, errs := morton("status", "--out", "m.jsonl"); code != exitUsage || !strings.Contains(errs, "m.jsonl is no folder") {
		t.Errorf("status of a file: exit %d, %s", code, errs)
	}
	if code, _, errs := morton("convert", "a.obj", "s3://bucket/b.glb"); code != exitUsage || !strings.Contains(errs, "s3:// places are not supported") {
		t.Errorf("convert: exit %d, %s", code, errs)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 1 {
		t.Errorf("it made %v: %v", left, err)
	}
}

// TestPoolListensOnLoopback looks at where workers are ordered by default.
func TestPoolListensOnLoopback(t *testing.T) {
	f := find(t, newRoot(terminal{}), "worker-pool").Flags().Lookup("listen")
	host, _, err := net.SplitHostPort(f.DefValue)
	if err != nil || host != "localhost" {
		t.Errorf("at %q: %v", f.DefValue, err)
	}
}

// TestWaitForWhatWasCutOff: a run that did not reach its end is no success of wait.
func TestWaitForWhatWasCutOff(t *testing.T) {
	for partial, want := range map[bool]int{true: exitFailed, false: exitDone} {
		dir := t.TempDir()
		if _, err := report.Publish(dir, nil, report.Run{Action: report.Generate, Partial: partial}); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := morton("wait", "--out", dir); code != want || strings.Contains(errs, "was cut off") != partial {
			t.Errorf("partial %v: exit %d, %s", partial, code, errs)
		}
	}
}
