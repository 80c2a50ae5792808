package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/jobs/worker"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// Roles that this test binary takes when it starts itself again.
const (
	prismPort   = "MORTON_TEST_PRISM"    // serve Prism on that port until standard input ends
	workerNotes = "MORTON_TEST_NOTES"    // as a worker, write into that folder who worked
	launcher    = "MORTON_TEST_LAUNCHER" // be the command
	workerFault = "MORTON_TEST_FAULT"    // as a worker, lose the device, or hang until the job is cancelled
)

// servePrism is the main function of a Prism that stands alone.
func servePrism(port string) {
	log.SetupLogging("error", "text")
	n, err := strconv.Atoi(port)
	if err == nil {
		_, err = prism.CreateJobServer(context.Background(), prism.Options{Port: n})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// startPrism starts one and returns its endpoint.
func startPrism(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), prismPort+"="+port), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("prism said %q: %v", line, err)
	}
	return "localhost:" + port
}

// noting is a mirror that writes down which process it works in, with which of
// Beam's options, and for which device it was opened.
type noting struct {
	mirror
	spec family.Spec
}

func (n noting) Generate(ctx context.Context, r request.Request, in family.Media) (*family.Result, error) {
	note := fmt.Sprintf("%s, width %d, %d threads", runtime.GlobalOptions.Get("job_name"), n.spec.Width, n.spec.Threads)
	path := filepath.Join(os.Getenv(workerNotes), fmt.Sprint(os.Getpid()))
	if err := os.WriteFile(path, []byte(note), 0o644); err != nil {
		return nil, err
	}
	switch os.Getenv(workerFault) {
	case "lost":
		return nil, gpu.ErrDeviceLost
	case "hang":
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return n.mirror.Generate(ctx, r, in)
}

func openNoting(_ func() (*gpu.Device, error), s family.Spec) (family.Model, error) {
	return noting{spec: s}, nil
}

// startPool serves a pool until the test ends, and then holds it to leaving nothing.
func startPool(t *testing.T) (endpoint string) {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- worker.Serve(ctx, listener, t.Output()) }()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("the pool leaves %v: %v", left, err)
		}
	})
	return listener.Addr().String()
}

// otherBinary is this one, with a byte more.
func otherBinary(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(path, append(data, 0), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestStandalonePrism runs the same inputs on the direct runner, and on a Prism in
// a process of its own with the workers in this process, then in one of their own:
// the same binary, staged.
func TestStandalonePrism(t *testing.T) {
	withQuads(t, openNoting)
	folder, err := filepath.Abs("../../testdata/mesh") // the sources stand beside the tokens
	if err != nil {
		t.Fatal(err)
	}
	base := []string{"generate", "quads", "--input", folder + "/cc-0_*.obj", "missing.obj", "--seed", "5", "--json", "--model", t.Name(), "--subgroup", "16", "--threads", "2"}
	endpoint, name := startPrism(t), "job-of-"+t.Name()
	var want []byte
	for _, c := range []struct {
		name  string
		flags []string
		here  bool // the workers are this process
	}{
		{"direct", nil, true},
		{"loopback", []string{"--runner", "universal", "--endpoint", endpoint, "--workers", "2"}, true},
		{"staged", []string{
			"--runner", "prism", "--endpoint", endpoint, "--environment_type", "EXTERNAL", "--environment_config", startPool(t), "--job_name", name,
		}, false},
		{"process", []string{"--runner", "universal", "--endpoint", endpoint, "--environment_type", "PROCESS", "--job_name", name}, false},
		{"fetched", []string{ // by the pool, whose binary is another
			"--runner", "prism", "--endpoint", endpoint, "--environment_type", "EXTERNAL", "--environment_config", startPool(t), "--job_name", name,
			"--worker_binary", otherBinary(t),
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer resetRunner(t)
			notes, out := t.TempDir(), t.TempDir()
			t.Setenv(workerNotes, notes)
			if c.name == "process" { // its environment is Prism's
				config, _ := json.Marshal(map[string]any{"command": os.Args[0], "env": map[string]string{workerNotes: notes}})
				c.flags = append(c.flags, "--environment_config", string(config))
			}
			code, s, errs := runJSON(t, append(append(base, "--out", out), c.flags...))
			if code != exitFailed || s.Done != 11 || s.Failed != 1 || s.Kinds["not_found"] != 1 {
				t.Fatalf("exit %d, %+v\n%s", code, s, errs)
			}
			tokens, err := os.ReadFile(filepath.Join(out, report.TokensFile(request.Quads)))
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = tokens
			} else if !bytes.Equal(tokens, want) {
				t.Error("tokens differ from those of the direct runner")
			}
			checkNotes(t, notes, c.here, name)
		})
	}
}

// runJSON runs a command line for at most two minutes: a job whose worker does
// not come up would wait for ever.
func runJSON(t *testing.T, args []string) (code int, s report.Summary, errs string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer time.AfterFunc(2*time.Minute, cancel).Stop()
	var out, e bytes.Buffer
	code = run(ctx, args, &out, &e)
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatalf("exit %d, %q: %v\n%s", code, out.String(), err, e.String())
	}
	return code, s, e.String()
}

func checkNotes(t *testing.T, dir string, here bool, job string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d processes worked: %v", len(list), err)
	}
	pid := list[0].Name()
	if (pid == fmt.Sprint(os.Getpid())) != here {
		t.Errorf("process %s worked, this is %d", pid, os.Getpid())
	}
	if here {
		return
	}
	note, err := os.ReadFile(filepath.Join(dir, pid))
	if want := job + ", width 16, 2 threads"; err != nil || string(note) != want {
		t.Errorf("the worker was asked for %q, want %q: %v", note, want, err)
	}
}

// TestChosenWorkers checks what stands in for flags that a person leaves out.
func TestChosenWorkers(t *testing.T) {
	o := newGenerateFlags().options
	defer resetRunner(t)
	if err := o.parse(strings.Fields("--out o --runner universal --endpoint localhost:1 a.obj")); err != nil {
		t.Fatal(err)
	}
	job := o.job(request.Quads, nil, time.Now())
	if got := o.flags.Lookup("environment_type").Value.String(); got != "LOOPBACK" || !job.InProcess() {
		t.Errorf("environment %q, in process %v, want LOOPBACK and true", got, job.InProcess())
	}
	if got, self := flag.Lookup("worker_binary").Value.String(), os.Args[0]; filepath.Base(got) != filepath.Base(self) {
		t.Errorf("the worker is %q, want %s", got, self)
	}
}
