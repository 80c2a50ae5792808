package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	df "google.golang.org/api/dataflow/v1b3"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/internal/store/storetest"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/pipelines/dataflow/dataflowtest"
	"github.com/morton-gen/morton/transforms/report"
)

// distant is a job of a service that runs nothing: the test says what becomes of it.
type distant struct {
	*dataflowtest.Server
	args []string
}

const distantOut = "gs://bucket/out"

func newDistant(t *testing.T, begun func(d *distant, id string)) *distant {
	t.Helper()
	t.Cleanup(func() { resetRunner(t) })
	storetest.GS(t)
	uploadTo(t, "gs://bucket/in", "../../testdata/mesh/cc-0_box.obj", "../../testdata/mesh/cc-0_bread.obj")
	d := &distant{}
	var begins sync.WaitGroup // what begun does may go on when the command has seen its end
	d.Server = &dataflowtest.Server{Begun: func(id string, _ *df.Job) {
		begins.Add(1)
		defer begins.Done()
		if begun != nil {
			begun(d, id)
		}
	}}
	dataflowtest.Start(t, d.Server)
	t.Cleanup(begins.Wait)
	small := filepath.Join(t.TempDir(), "worker") // nobody runs it
	if err := os.WriteFile(small, []byte("#!"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.args = append([]string{"generate", "quads", "gs://bucket/in/*.obj", "--out", distantOut, "--worker_binary", small}, dataflowFlags(d.Server)...)
	return d
}

// publish does what the last stage of a run does.
func (d *distant) publish(t *testing.T) {
	all, err := pipelines.Submissions(distantOut)
	if err != nil || len(all) != 1 {
		t.Errorf("%d jobs are known: %v", len(all), err)
		return
	}
	if _, err := report.Publish(distantOut, nil, report.Run{Name: all[0].Run, Action: report.Generate, Begun: time.Now()}); err != nil {
		t.Error(err)
	}
}

func noDistantJobs(t *testing.T) {
	t.Helper()
	if left, err := store.ReadDir(store.Join(distantOut, pipelines.JobsFolder)); err != nil || len(left) > 0 {
		t.Errorf("left of the job: %v, %v", left, err)
	}
}

// TestDataflowEndsHonestly has a job end in each way. Only one that publishes its own
// summary is a success.
func TestDataflowEndsHonestly(t *testing.T) {
	for _, c := range []struct {
		name  string
		begun func(d *distant, id string)
		code  int
		want  []string
	}{
		{"done", func(d *distant, id string) { d.publish(t); d.Move(id, "DONE") }, exitDone, []string{"0 done, 0 failed, in"}},
		{
			"cancelled elsewhere", func(d *distant, id string) { d.Move(id, "RUNNING"); d.Move(id, "CANCELLED") }, exitFailed,
			[]string{"2 cut off", "the job was cancelled, and not by this command"},
		},
		{"failed", func(d *distant, id string) {
			d.Say(id, "BASIC", "Worker pool started.")
			d.Say(id, "ERROR", "Error message from worker: process bundle failed for instruction 1\n\tcaused by:\nno device")
			d.Say(id, "DETAILED", "Stopping")
			d.Say(id, "ERROR", "Workflow failed. Causes: S03:Generate failed., a work item was attempted 4 times without success.")
			d.Move(id, "FAILED")
		}, exitFailed, []string{"the job failed: no device"}},
		{"no machines", func(d *distant, id string) {
			d.Say(id, "ERROR", "Workflow failed. Causes: ZONE_RESOURCE_POOL_EXHAUSTED")
			d.Move(id, "FAILED")
		}, exitFailed, []string{"the job failed: Workflow failed. Causes: ZONE_RESOURCE_POOL_EXHAUSTED"}},
		{"forgotten", func(d *distant, id string) { d.Forget(id) }, exitFailed, []string{"does not know the job"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDistant(t, c.begun)
			code, out, errs := morton(d.args...)
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out+errs, want) {
					t.Errorf("it does not say %q:\n%s%s", want, out, errs)
				}
			}
			for _, secret := range d.Secrets() {
				if strings.Contains(out+errs, secret) {
					t.Error("it prints a secret")
				}
			}
			noDistantJobs(t)
		})
	}
}

// TestDataflowInterrupt does what Ctrl-C does.
func TestDataflowInterrupt(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	d := newDistant(t, func(d *distant, id string) { d.Move(id, "RUNNING"); interrupt() })
	var out, errs bytes.Buffer
	code := run(ctx, d.args, &out, &errs)
	if code != exitInterrupted || len(d.Cancelled()) != 1 || !strings.Contains(out.String(), "2 cut off") || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit %d, cancelled %v:\n%s%s", code, d.Cancelled(), &out, &errs)
	}
	noDistantJobs(t)
}

// TestDataflowDetach begins a job, and comes back to it from commands without Beam's flags.
func TestDataflowDetach(t *testing.T) {
	d := newDistant(t, func(d *distant, id string) { d.Move(id, "RUNNING") })
	code, out, errs := morton(append(d.args, "--detach")...)
	resetRunner(t)
	if code != exitDone || !strings.Contains(out, "on dataflow "+d.URL+"v1b3/projects/p/locations/r") || !strings.Contains(out, "morton wait --out "+distantOut) {
		t.Fatalf("exit %d\n%s%s", code, out, errs)
	}
	if code, out, _ = morton("status", "--out", distantOut); code != exitDone || !strings.Contains(out, "running, 0 of 2 done") {
		t.Errorf("status: exit %d, %s", code, out)
	}
	if code, _, errs = morton(d.args...); code != exitUsage || !strings.Contains(errs, "is RUNNING into it") {
		t.Errorf("a second job: exit %d, %s", code, errs)
	}
	resetRunner(t)
	d.Down(http.StatusForbidden)
	if code, _, errs = morton("cancel", "--out", distantOut); code != exitFailed || !strings.Contains(errs, "refuses the credentials: 403") {
		t.Errorf("cancel by a stranger: exit %d, %s", code, errs)
	}
	d.Down(0)
	if code, out, errs = morton("cancel", "--out", distantOut); code != exitDone || len(d.Cancelled()) != 1 || !strings.Contains(out, "2 cut off") {
		t.Errorf("cancel: exit %d, %s%s", code, out, errs)
	}
	noDistantJobs(t)
}

// TestDataflowRefusals checks that what the service or its client refuses is one line, and
// leaves nothing behind.
func TestDataflowRefusals(t *testing.T) {
	d := newDistant(t, func(d *distant, id string) { d.Move(id, "RUNNING") })
	begin := func(more ...string) (int, string) {
		defer resetRunner(t)
		code, out, errs := morton(append(d.args, more...)...)
		said := strings.TrimPrefix(errs, "[0/2] begun\n")
		if strings.Count(said, "\n") != 1 || out != "" {
			t.Errorf("%v: not one line: %q %q", more, out, errs)
		}
		return code, errs
	}
	d.Down(http.StatusForbidden)
	if code, errs := begin(); code != exitFailed || !strings.Contains(errs, "403 Forbidden") {
		t.Errorf("a stranger: exit %d, %s", code, errs)
	}
	noDistantJobs(t)
	d.Down(0)
	for _, c := range []struct{ flags, want string }{
		{"--labels team=a", "--labels is JSON"},
		{"--autoscaling_algorithm BOGUS", "one of NONE, THROUGHPUT_BASED"},
		{"--flexrs_goal fast", "one of FLEXRS_UNSPECIFIED"},
		{"--out o", "see no disk of this machine"},
		{"--input a.obj", "a.obj: dataflow's workers see no disk"},
		{"--environment_type PROCESS", "is not for dataflow"},
		{"--template_location gs://bucket/t", "a template has no run"},
		{"--staging_location /tmp/x", "--staging_location /tmp/x: dataflow takes a folder in gs://"},
		{"--temp_location s3://bucket/t", "--temp_location s3://bucket/t: dataflow takes a folder in gs://"},
		{"--resource_hints min_ram=much", `--resource_hints: unable to parse "much"`},
		{"--dataflow_endpoint https://example.com/", "Dataflow is at https://dataflow.googleapis.com/"},
	} {
		if code, errs := begin(strings.Fields(c.flags)...); code != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, %s", c.flags, code, errs)
		}
		jobopts.ResourceHints = nil // Beam's flag adds to what it has
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	if code, errs := begin(); code != exitUsage || !strings.Contains(errs, "refuses the credentials") || !strings.Contains(errs, "gcloud auth application-default login") {
		t.Errorf("no credentials: exit %d, %s", code, errs)
	}
	if len(d.Requests()) > 0 {
		t.Error("a job began")
	}
}

// TestDataflowName begins a job whose name another has: Beam would take that one for ours.
func TestDataflowName(t *testing.T) {
	d := newDistant(t, func(d *distant, id string) { d.Move(id, "RUNNING") })
	code, _, errs := morton(append(d.args, "--job_name", "night", "--detach")...)
	resetRunner(t)
	if code != exitDone {
		t.Fatal(errs)
	}
	args := append(d.args, "--job_name", "night", "--out", "gs://bucket/other")
	if code, _, errs := morton(args...); code != exitFailed || !strings.Contains(errs, "choose another --job_name") {
		t.Errorf("exit %d, %s", code, errs)
	}
	if len(d.Requests()) != 1 || len(d.Cancelled()) > 0 {
		t.Errorf("%d jobs, %v cancelled", len(d.Requests()), d.Cancelled())
	}
}

// TestDataflowDryRun prints a job and sends nothing.
func TestDataflowDryRun(t *testing.T) {
	d := newDistant(t, nil)
	for _, asJSON := range []bool{false, true} {
		args := append(d.args, "--dry_run")
		if asJSON {
			args = append(args, "--json")
		}
		code, out, errs := morton(args...)
		resetRunner(t)
		wants := []string{`"workerHarnessContainerImage": "r-docker.pkg.dev/p/images/morton:1"`, `"morton-run"`}
		if !asJSON {
			wants = append(wants, "graph of ", "2 requests", "  Generate\n", "request to dataflow:")
		}
		for _, want := range wants {
			if code != exitDone || !strings.Contains(out, want) {
				t.Errorf("exit %d, no %q:\n%s%.3000s", code, want, errs, out)
			}
		}
		if asJSON && !json.Valid([]byte(out)) {
			t.Error("no JSON")
		}
	}
	code, _, errs := morton(append(d.args, "--dry_run", "--dataflow_endpoint", "https://localhost.example/")...)
	resetRunner(t)
	if code != exitUsage || !strings.Contains(errs, "--dataflow_endpoint: ") {
		t.Errorf("another endpoint: exit %d, %s", code, errs)
	}
	if left, err := store.ReadDir("gs://bucket"); err != nil || len(left) != 1 || len(d.Requests()) > 0 {
		t.Errorf("it made %v or sent something: %v", left, err)
	}
}

// TestDataflowScript has the script of deploy/ print its job, with a GPU and without.
func TestDataflowScript(t *testing.T) {
	d := newDistant(t, nil)
	for gpu, want := range map[string][]string{
		"":     {`"machineType": "g2-standard-8"`, `"worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver"`, `"maxNumWorkers": 4`, `"numWorkers": 1`},
		"none": {`"machineType": "n2-standard-4"`, `"numThreadsPerWorker": 4`},
	} {
		cmd := exec.Command("../../deploy/dataflow", "generate", "quads", "gs://bucket/in/*.obj", "--out", distantOut, "--dry_run", "--dataflow_endpoint", d.URL)
		cmd.Env = append(os.Environ(), launcher+"=1", "MORTON="+os.Args[0], "PROJECT=p", "REGION=r", "BUCKET=bucket", "IMAGE=image:1", "GPU="+gpu)
		out, err := cmd.CombinedOutput()
		for _, text := range append(want, "request to dataflow:", `"workerHarnessContainerImage": "image:1"`, `"gs://bucket/temp"`) {
			if err != nil || !strings.Contains(string(out), text) {
				t.Errorf("GPU %q: no %s: %v\n%s", gpu, text, err, out)
			}
		}
		if strings.Contains(string(out), "worker_accelerator") != (gpu == "") {
			t.Errorf("GPU %q:\n%s", gpu, out)
		}
	}
}

// TestDataflowWorkersFail has workers of the staged binary lose their device, and hang
// until Ctrl-C.
func TestDataflowWorkersFail(t *testing.T) {
	storetest.GS(t)
	uploadTo(t, "gs://bucket/in", "../../testdata/mesh/cc-0_box.obj")
	prism, self := startPrism(t), otherBinary(t)
	for fault, c := range map[string]struct {
		code int
		want string
	}{
		"lost": {exitFailed, "the job failed: "},
		"hang": {exitInterrupted, "interrupted; the same command goes on where it stopped"},
	} {
		t.Run(fault, func(t *testing.T) {
			notes := t.TempDir()
			machines := dataflowtest.Machines{Prism: prism, Image: self, Env: map[string]string{workerNotes: notes, workerFault: fault}}
			service := &dataflowtest.Server{}
			service.Begun = func(id string, job *df.Job) { service.Run(id, job, machines) }
			dataflowtest.Start(t, service)
			args := append([]string{"generate", "quads", "gs://bucket/in/*.obj", "--out", "gs://bucket/" + fault}, dataflowFlags(service)...)
			cmd := exec.Command(os.Args[0], args...)
			cmd.Env = append(os.Environ(), launcher+"=1")
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			kill := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
			defer kill.Stop()
			if fault == "hang" {
				until(t, func() bool { made, err := os.ReadDir(notes); return err == nil && len(made) == 1 })
				cmd.Process.Signal(os.Interrupt)
			}
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(said.String(), c.want) || strings.Contains(said.String(), "goroutine") {
				t.Errorf("exit %d, want %d and %q:\n%s", code, c.code, c.want, &said)
			}
			if fault == "lost" && !strings.Contains(said.String(), "lost") {
				t.Errorf("it does not say why:\n%s", &said)
			}
			if left, err := store.ReadDir("gs://bucket/" + fault + "/jobs"); err != nil || len(left) > 0 {
				t.Errorf("left of the job: %v, %v", left, err)
			}
		})
	}
}

// until waits until something is so.
func until(t *testing.T, so func() bool) {
	t.Helper()
	for range 1200 {
		if so() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("it did not come to that")
}
