package worker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/morton-gen/morton/internal/child"
	"github.com/morton-gen/morton/pipelines"
)

// role is what this test binary does when it starts itself again.
const role = "MORTON_TEST_WORKER_ROLE"

func TestMain(m *testing.M) {
	switch r := os.Getenv(role); {
	case r == "":
		os.Exit(m.Run())
	case r == "copy":
		removeCopy()
	case r == "boot":
		os.Exit(Boot(os.Args[1:]))
	case r == "worker": // of a pool: it ends when its runner closes the connection
		c, err := net.Dial("tcp", strings.TrimPrefix(os.Args[4], "--control_endpoint="))
		if err != nil {
			os.Exit(3)
		}
		io.Copy(io.Discard, c)
	case r == "child that is bound", r == "child":
		if r == "child" {
			if err := child.EndWithParent(syscall.SIGTERM); err != nil {
				os.Exit(3)
			}
		}
		fmt.Println(os.Getpid())
		select {}
	default: // "parent of" a child
		cmd := exec.Command(os.Args[0])
		cmd.Env, cmd.Stdout = append(os.Environ(), role+"="+strings.TrimPrefix(r, "parent of ")), os.Stdout
		if strings.HasSuffix(r, "bound") {
			child.Start(cmd, syscall.SIGTERM, func(error) {})
		} else {
			cmd.Start()
		}
		select {}
	}
}

// alive reports whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

func until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for begun := time.Now(); !yes(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("it does not come true: %s", what)
		}
	}
}

// TestWorkersEndWithTheirParents kills a parent by force: a child that is started by
// start ends with it, and one that has asked for that.
func TestWorkersEndWithTheirParents(t *testing.T) {
	for _, kind := range []string{"child that is bound", "child"} {
		t.Run(kind, func(t *testing.T) {
			parent := exec.Command(os.Args[0])
			parent.Env = append(os.Environ(), role+"=parent of "+kind)
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			defer parent.Wait()
			defer parent.Process.Kill()
			line, err := bufio.NewReader(out).ReadString('\n')
			var pid int
			if _, serr := fmt.Sscan(line, &pid); serr != nil || !alive(pid) {
				t.Fatalf("%q: %v, %v", line, err, serr)
			}
			time.Sleep(200 * time.Millisecond)
			if !alive(pid) {
				t.Fatal("it ends before its parent")
			}
			parent.Process.Kill()
			until(t, "the child ends", func() bool { return !alive(pid) })
		})
	}
}

// TestWorkerRemovesItsCopy runs a binary from where Beam's boot code puts one.
func TestWorkerRemovesItsCopy(t *testing.T) {
	folder := fmt.Sprintf("/tmp/bin%d%d", os.Getpid(), time.Now().UnixNano())
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder+"/worker", binary, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(folder + "/worker")
	cmd.Env = append(os.Environ(), role+"=copy")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the copy is left: %v", err)
	}
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"=copy")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(os.Args[0]); err != nil {
		t.Errorf("another binary was removed: %v", err)
	}
}

// TestBootIsKilled kills boot code by force while it waits for its runner, as Flink does
// when it cancels a task: the next one removes the folder that is left, and not that of one
// that runs.
func TestBootIsKilled(t *testing.T) {
	silent, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	temp := t.TempDir()
	folders := func() (names []string) {
		all, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			names = append(names, e.Name())
		}
		return names
	}
	begin := func() *exec.Cmd { // returns when it has its folder and asks the runner
		cmd := exec.Command(os.Args[0], "--id=1", "--provision_endpoint="+silent.Addr().String())
		cmd.Env = append(os.Environ(), role+"=boot", "TMPDIR="+temp)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill() })
		c, err := silent.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return cmd
	}
	end := func(cmd *exec.Cmd, s os.Signal) {
		cmd.Process.Signal(s)
		cmd.Wait()
	}
	first := begin()
	left := folders()
	second := begin()
	if got := folders(); len(left) != 1 || len(got) != 2 {
		t.Fatalf("%v of the first, %v of both", left, got)
	}
	end(second, syscall.SIGTERM)
	if got := folders(); !slices.Equal(got, left) {
		t.Fatalf("%v after the end of the second, want %v", got, left)
	}
	end(first, syscall.SIGKILL)
	third := begin()
	if got := folders(); len(got) != 1 || got[0] == left[0] {
		t.Errorf("%v of the third, and the first left %v", got, left)
	}
	end(third, syscall.SIGTERM)
	if got := folders(); len(got) > 0 {
		t.Errorf("%v is left", got)
	}
}

// provision is what a runner tells boot code.
type provision struct {
	fnpb.UnimplementedProvisionServiceServer
	options map[string]any
}

func (p *provision) GetProvisionInfo(context.Context, *fnpb.GetProvisionInfoRequest) (*fnpb.GetProvisionInfoResponse, error) {
	options, err := structpb.NewStruct(map[string]any{"beam:option:go_options:v1": map[string]any{"options": p.options}})
	return &fnpb.GetProvisionInfoResponse{Info: &fnpb.ProvisionInfo{PipelineOptions: options}}, err
}

// runner is one of a job's, with a connection to each of its workers.
type runner struct {
	provision, control string
	close              func()
}

func newRunner(t *testing.T, options map[string]any) *runner {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	fnpb.RegisterProvisionServiceServer(server, &provision{options: options})
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	control, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{provision: listener.Addr().String(), control: control.Addr().String()}
	connected := make(chan net.Conn, 16)
	go func() {
		for {
			c, err := control.Accept()
			if err != nil {
				return
			}
			connected <- c
		}
	}()
	r.close = func() {
		control.Close()
		for {
			select {
			case c := <-connected:
				c.Close()
			default:
				return
			}
		}
	}
	t.Cleanup(r.close)
	return r
}

func (r *runner) order(id string) *fnpb.StartWorkerRequest {
	at := func(url string) *pipepb.ApiServiceDescriptor { return &pipepb.ApiServiceDescriptor{Url: url} }
	return &fnpb.StartWorkerRequest{
		WorkerId: id, ProvisionEndpoint: at(r.provision), ControlEndpoint: at(r.control), LoggingEndpoint: at("localhost:1"), ArtifactEndpoint: at("localhost:1"),
	}
}

// TestPool has runners that call their workers the same.
func TestPool(t *testing.T) {
	t.Setenv(role, "worker")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	hash, err := selfHash()
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(t.Output())
	p.grace = 100 * time.Millisecond
	ask := func(r *runner) string {
		t.Helper()
		answer, err := p.StartWorker(context.Background(), r.order("1-1"))
		if err != nil {
			t.Fatal(err)
		}
		return answer.GetError()
	}
	stop := func() {
		if _, err := p.StopWorker(context.Background(), &fnpb.StopWorkerRequest{WorkerId: "1-1"}); err != nil {
			t.Error(err)
		}
	}
	count := func(n int) {
		t.Helper()
		until(t, fmt.Sprintf("%d workers", n), func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return len(p.workers) == n
		})
		if left, err := os.ReadDir(temp); err != nil || len(left) != n {
			t.Errorf("%d folders for %d workers: %v", len(left), n, err)
		}
	}
	one, two := newRunner(t, map[string]any{pipelines.OptionBinary: hash}), newRunner(t, map[string]any{pipelines.OptionBinary: hash})
	for _, r := range []*runner{one, two} {
		if why := ask(r); why != "" {
			t.Fatal(why)
		}
	}
	if why := ask(one); !strings.Contains(why, "is there") {
		t.Errorf("a second worker of the same name and runner: %q", why)
	}
	count(2)
	stop() // which of them?
	time.Sleep(3 * p.grace)
	count(2)
	time.Sleep(200 * time.Millisecond) // it has connected by now
	one.close()
	count(1)
	stop()
	count(0)

	away := newRunner(t, map[string]any{pipelines.OptionBinary: hash, pipelines.OptionFolder: filepath.Join(temp, "no")})
	if why := ask(away); !strings.Contains(why, "mount it") {
		t.Errorf("relative inputs that are not here: %q", why)
	}
	if why := ask(&runner{provision: one.provision}); !strings.Contains(why, "no endpoint") {
		t.Errorf("no endpoint for control: %q", why)
	}
	count(0)

	if why := ask(newRunner(t, map[string]any{pipelines.OptionBinary: hash})); why != "" {
		t.Fatal(why)
	}
	p.close()
	count(0)
	if why := ask(two); !strings.Contains(why, "closing") {
		t.Errorf("a closed pool: %q", why)
	}
}

// TestModes tells the ways in which this binary is started.
func TestModes(t *testing.T) {
	for line, want := range map[string][2]bool{
		"--worker=true --id=1": {true, false}, "-worker=true": {true, false}, "--id=1 --provision_endpoint=a": {false, true},
		"--logging_endpoint=a --id=1": {false, true}, "-v --ids=1": {},
		"generate --worker=true": {}, "": {}, "worker=true": {}, "--version": {}, "generate --id=1": {},
	} {
		args := strings.Fields(line)
		if got := [2]bool{Is(args), IsBoot(args)}; got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

// TestOptionsOfAJob takes a job's options as a worker does, which may be done once.
func TestOptionsOfAJob(t *testing.T) {
	dir := t.TempDir()
	if err := enter(map[string]string{pipelines.OptionFolder: filepath.Join(dir, "no")}); err == nil {
		t.Error("it went to a folder that is not there")
	}
	t.Chdir(t.TempDir()) // and back at the end
	if err := enter(map[string]string{pipelines.OptionFolder: dir}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Getwd(); err != nil || got != dir {
		t.Errorf("in %s: %v", got, err)
	}
	if err := takeOptions("{"); err == nil {
		t.Error("it took what is no JSON")
	}
}
