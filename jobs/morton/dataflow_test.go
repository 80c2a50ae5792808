package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	df "google.golang.org/api/dataflow/v1b3"
	"google.golang.org/protobuf/proto"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/internal/store/storetest"
	"github.com/morton-gen/morton/pipelines/dataflow/dataflowtest"
	"github.com/morton-gen/morton/transforms/report"
)

var golden = flag.Bool("golden", false, "rewrite golden files")

// dataflowFlags are those of docs/dataflow.md.
func dataflowFlags(s *dataflowtest.Server) []string {
	return []string{
		"--runner", "dataflow", "--project", "p", "--region", "r", "--staging_location", "gs://bucket/staging", "--temp_location", "gs://bucket/temp",
		"--sdk_container_image", "r-docker.pkg.dev/p/images/morton:1", "--dataflow_endpoint", s.URL,
	}
}

// gpuFlags are those of docs/dataflow.md for machines with a GPU.
var gpuFlags = []string{
	"--worker_machine_type", "g2-standard-8", "--dataflow_service_options", "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver",
	"--num_workers", "2", "--max_num_workers", "4", "--number_of_worker_harness_threads", "4", "--disk_size_gb", "50", "--labels", `{"team": "a"}`,
}

// TestDataflow runs jobs on a fake of Dataflow and of Google's store. The launcher, the
// boot code and the worker are processes of their own. The launcher stages this binary and
// the graph; the fake takes both from the store, and its workers, whose image has another
// binary, fetch the staged one. They read the manifest and the inputs from the store. The
// results are the direct runner's, byte for byte.
func TestDataflow(t *testing.T) {
	storetest.GS(t)
	withQuads(t, openNoting)
	uploadTo(t, "gs://bucket/in", "../../testdata/mesh/cc-0_box.obj", "../../testdata/mesh/cc-0_crate.obj")
	const manifest = "gs://bucket/in/all.jsonl"
	putText(t, manifest, `{"input": "cc-0_box.obj"}
{"input": "cc-0_crate.obj", "id": "crate"}
{"input": "missing.obj"}
`)
	notes := t.TempDir()
	t.Setenv(workerNotes, notes)
	machines := dataflowtest.Machines{Prism: startPrism(t), Image: otherBinary(t), Env: map[string]string{workerNotes: notes}}
	service := &dataflowtest.Server{}
	service.Begun = func(id string, job *df.Job) { service.Run(id, job, machines) }
	dataflowtest.Start(t, service)
	for _, command := range []string{"generate", "tokenize"} {
		args := []string{command, "quads", "--manifest", manifest, "--json"}
		here, there := "gs://bucket/"+command+"/here", "gs://bucket/"+command+"/there"
		code, want, errs := runJSON(t, append(slices.Clone(args), "--out", here))
		resetRunner(t)
		if code != exitFailed || want.Done != 2 || want.Kinds["not_found"] != 1 {
			t.Fatalf("here: exit %d, %+v\n%s", code, want, errs)
		}
		os.RemoveAll(filepath.Join(notes, fmt.Sprint(os.Getpid())))
		flags := append(dataflowFlags(service), "--job_name", command+"-1", "-v")
		if command == "generate" {
			flags = append(flags, gpuFlags...)
		}
		code, got, errs := launch(t, append(append(slices.Clone(args), "--out", there), flags...))
		if code != exitFailed || got.Done != 2 || got.Kinds["not_found"] != 1 || got.Drawn != want.Drawn {
			t.Fatalf("there: exit %d, %+v\n%s", code, got, errs)
		}
		for _, state := range []string{"pending", "running", "done"} {
			if !strings.Contains(errs, state) {
				t.Errorf("the launcher does not say %q:\n%s", state, errs)
			}
		}
		for _, secret := range service.Secrets() {
			if strings.Contains(errs, secret) {
				t.Errorf("the launcher prints a secret")
			}
		}
		compareFolders(t, here, there)
	}
	if workers, err := os.ReadDir(notes); err != nil || len(workers) != 1 || workers[0].Name() == fmt.Sprint(os.Getpid()) {
		t.Errorf("%v generated, want one worker that is not this process: %v", workers, err)
	}
	checkJob(t, service.Requests()[0])
	checkSecrets(t, service)
}

// launch runs a command line as a launcher of its own, in a folder of its own.
func launch(t *testing.T, args []string) (code int, s report.Summary, errs string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), launcher+"=1", "TMPDIR="+cmd.Dir)
	var out, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &e
	err := cmd.Run()
	if jerr := json.Unmarshal(out.Bytes(), &s); jerr != nil {
		t.Fatalf("%v, %q: %v\n%s", err, out.String(), jerr, e.String())
	}
	if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
		t.Errorf("the launcher leaves %v: %v", left, err)
	}
	return cmd.ProcessState.ExitCode(), s, e.String()
}

// volatile matches what differs between equal results: times, the folder and the run.
var volatile = regexp.MustCompile(`"(seconds|waited_seconds|request_seconds|run|out)":\s*[^,}\n]*|bucket/[a-z]+/(here|there)|[0-9a-f]{16}-\d+`)

// compareFolders compares what two runs have left, but for the page and the checksums of
// what differs between equal results.
func compareFolders(t *testing.T, one, other string) {
	t.Helper()
	read := func(folder string) map[string]string {
		all := map[string]string{}
		if err := store.Walk(folder, "", func(name string, _ fs.FileInfo) error {
			data, err := store.ReadFile(folder+"/"+name, 1<<30)
			if all[name] = string(data); strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".jsonl") {
				all[name] = volatile.ReplaceAllString(string(data), "")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		delete(all, report.PageFile)
		delete(all, report.FolderFile)
		return all
	}
	a, b := read(one), read(other)
	if names := slices.Sorted(maps.Keys(a)); len(names) < 5 || !slices.Equal(names, slices.Sorted(maps.Keys(b))) {
		t.Fatalf("%v here, %v there", names, slices.Sorted(maps.Keys(b)))
	}
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s differs:\n%.2000s\n%.2000s", name, a[name], b[name])
		}
	}
	t.Logf("%s: %d objects are equal to the direct runner's", other, len(a))
}

// checkSecrets makes sure that no object of the store has a part of the credentials.
func checkSecrets(t *testing.T, service *dataflowtest.Server) {
	t.Helper()
	for _, folder := range []string{"staging", "generate", "tokenize", "in"} {
		if err := store.Walk("gs://bucket/"+folder, "", func(name string, _ fs.FileInfo) error {
			data, err := store.ReadFile("gs://bucket/"+folder+"/"+name, 1<<30)
			for _, secret := range service.Secrets() {
				if path := "bucket/" + folder + "/" + name; !strings.HasSuffix(name, "/worker") && bytes.Contains(data, []byte(secret)) {
					t.Errorf("%s has a secret", path)
				}
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}

// unsteady are the parts of a job's request that differ from launch to launch, and what
// the golden file has in their place.
var unsteady = []struct {
	match *regexp.Regexp
	with  string
}{
	{regexp.MustCompile(`/go-\d+-\d+/`), "/go-STAGED/"},     // a counter and the time
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "SHA-256"},     // of the binary and of the graph
	{regexp.MustCompile(`\b[0-9a-f]{16}-\d+\b`), "RUN"},     // the run's name
	{regexp.MustCompile(`http://127\.0\.0\.1:\d+/`), "URL"}, // of the fake
}

// checkJob holds a request, and the transforms of its graph, to a golden file.
func checkJob(t *testing.T, raw []byte) {
	t.Helper()
	var whole map[string]any
	var job df.Job
	if err := json.Unmarshal(raw, &whole); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &job); err != nil {
		t.Fatal(err)
	}
	options := whole["environment"].(map[string]any)["sdkPipelineOptions"].(map[string]any)
	slices.SortFunc(options["display_data"].([]any), func(a, b any) int { // Beam ranges over a map
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	text, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	graph, _, err := dataflowtest.Staged(&job)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text) + "\n\ntransforms:\n"
	var names []string
	for _, x := range graph.GetComponents().GetTransforms() {
		names = append(names, x.GetUniqueName())
	}
	slices.Sort(names)
	got += strings.Join(names, "\n") + "\n\nenvironments:\n"
	for _, e := range graph.GetComponents().GetEnvironments() {
		got += environmentText(t, e)
	}
	for _, u := range unsteady {
		got = u.match.ReplaceAllString(got, u.with)
	}
	const path = "testdata/dataflow-job.txt"
	if *golden {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("the job is another than %s has (-golden rewrites it): %v\n%s", path, err, got)
	}
}

func environmentText(t *testing.T, e *pipepb.Environment) string {
	t.Helper()
	var image pipepb.DockerPayload
	if err := proto.Unmarshal(e.GetPayload(), &image); err != nil {
		t.Fatal(err)
	}
	text := e.GetUrn() + " " + image.GetContainerImage() + "\n"
	for _, d := range e.GetDependencies() {
		var at pipepb.ArtifactUrlPayload
		if err := proto.Unmarshal(d.GetTypePayload(), &at); err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("  %s %s %s %s\n", d.GetRoleUrn(), d.GetTypeUrn(), at.GetUrl(), at.GetSha256())
	}
	for _, c := range e.GetCapabilities() {
		text += "  " + c + "\n"
	}
	return text
}
