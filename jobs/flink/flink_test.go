//go:build flink

package flink

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// rig is what the tests share.
type rig struct {
	dir, temp string // absolute; all programs run in dir
	jars      string // scripts/test-flink fetched them
	binary    string // stripped, as it is released
	other     string // of the same sources, with other bytes
	count     int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil || len(all) != 1 || all[0].Flags&net.FlagLoopback == 0 {
		t.Fatalf("run scripts/test-flink: Beam's servers listen on every interface, and there must be none but loopback: %v, %v", all, err)
	}
	r := &rig{dir: os.Getenv("MORTON_FLINK_DIR"), jars: os.Getenv("MORTON_FLINK_JARS"), binary: os.Getenv("MORTON_FLINK_BINARY"), other: os.Getenv("MORTON_FLINK_OTHER_BINARY")}
	r.temp = r.dir + "/tmp"
	for _, dir := range []string{"logs", "tmp", "java", "out", "cache"} {
		if err := os.MkdirAll(filepath.Join(r.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for pid, line := range r.running() {
			t.Errorf("process %d is left: %.200s", pid, line)
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return r
}

// Jobs that the tests run, by the first words of their command lines. Inputs are
// relative to the rig's folder, and one of them is not there.
var (
	quads  = strings.Fields("generate quads --input mesh/cc-0_*.obj --input mesh/missing.obj --faces 12 --seed 3")
	shards = strings.Fields("tokenize quads --input mesh/cc-0_*.obj --input mesh/missing.obj --shards 3")
	clips  = strings.Fields("generate video --input video/*.mp4 --prefix 8 --frames 16 --seed 3")
)

// out is a folder of results.
func (r *rig) out(name string) string { return filepath.Join(r.dir, "out", name) }

// job begins a command with a pipeline, with results in the folder of that name.
func (r *rig) job(t *testing.T, name string, words []string, flags ...string) *process {
	t.Helper()
	line := append(append([]string{r.binary}, words...), "--out", "out/"+name)
	return r.begin(t, name, append(line, flags...)...)
}

// ends holds a job to its exit code.
func ends(t *testing.T, p *process, want int) string {
	t.Helper()
	if code := p.wait(t, 3*time.Minute); code != want {
		t.Errorf("%s: exit %d, want %d:\n%s", p.name, code, want, p.text())
	}
	return p.text()
}

// results counts the results of a folder that are whole.
func (r *rig) results(name string) int {
	markers, _ := report.Markers(r.out(name), request.Quads)
	n := 0
	for _, m := range markers {
		if m.Whole() {
			n++
		}
	}
	return n
}

func (r *rig) summary(t *testing.T, name string) report.Summary {
	t.Helper()
	s, err := report.ReadSummary(r.out(name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func flags(port int, more string) []string {
	return append(strings.Fields(more), "--runner", "flink", "--endpoint", fmt.Sprint("localhost:", port))
}

// TestFlink runs jobs in every way that Flink has workers, and ends them in every way.
func TestFlink(t *testing.T) {
	r := newRig(t)
	t.Run("direct", func(t *testing.T) {
		ends(t, r.job(t, "direct-quads", quads), 1)
		ends(t, r.job(t, "direct-shards", shards), 1)
		ends(t, r.job(t, "direct-clips", clips), 0)
	})
	t.Run("embedded", r.embedded)
	t.Run("session", r.session)
	r.noTemporaries(t)
}

func (r *rig) embedded(t *testing.T) {
	server := r.jobServer(t, "[local]", r.config(t, "conf-embedded", "taskmanager.numberOfTaskSlots: 4"), embeddedPort)
	defer server.end(t)
	at := func(more string) []string { return flags(embeddedPort, more) }

	t.Run("loopback", func(t *testing.T) {
		ends(t, r.job(t, "loopback-quads", quads, at("--environment_type LOOPBACK --parallelism 2")...), 1)
		compare(t, r.out("direct-quads"), r.out("loopback-quads"))
		ends(t, r.job(t, "loopback-shards", shards, "--runner", "universal", "--endpoint", fmt.Sprint("localhost:", embeddedPort)), 1)
		compare(t, r.out("direct-shards"), r.out("loopback-shards"))
		ends(t, r.job(t, "loopback-clips", clips, at("--environment_type LOOPBACK")...), 0)
		compare(t, r.out("direct-clips"), r.out("loopback-clips"))
		r.noWorkers(t)
	})
	t.Run("process", func(t *testing.T) {
		ends(t, r.job(t, "process-shards", shards, at("--environment_type PROCESS --parallelism 2")...), 1)
		compare(t, r.out("direct-shards"), r.out("process-shards"))
		r.noWorkers(t)
	})
	t.Run("no restart", r.noRestart)
	t.Run("interrupted", r.interrupted)
	t.Run("cancelled elsewhere", r.cancelledElsewhere)
	t.Run("launcher killed", r.launcherKilled)
}

// workerKilled kills the worker of a job that may begin again: the results are the same,
// and are not said to be an earlier run's.
func (r *rig) workerKilled(t *testing.T) {
	p := r.job(t, "worker-killed", quads, flags(sessionPort, "--environment_type PROCESS --parallelism 2")...)
	until(t, "three results are there", func() bool { return r.results("worker-killed") >= 3 })
	r.kill(t, "--worker=true")
	text := ends(t, p, 1)
	compare(t, r.out("direct-quads"), r.out("worker-killed"))
	want := r.summary(t, "direct-quads")
	if s := r.summary(t, "worker-killed"); s.Skipped != 0 || s.Drawn != want.Drawn || strings.Contains(text, "earlier run") {
		t.Errorf("%+v, want the counts of %+v:\n%s", s, want, text)
	}
	r.noWorkers(t)
}

// noRestart kills the worker of a job that may not begin again: the job fails, says why
// and what to do, and the same command goes on.
func (r *rig) noRestart(t *testing.T) {
	p := r.job(t, "no-restart", quads, flags(embeddedPort, "--environment_type PROCESS")...)
	until(t, "two results are there", func() bool { return r.results("no-restart") >= 2 })
	r.kill(t, "--worker=true")
	text := ends(t, p, 1)
	last := text[strings.LastIndex(strings.TrimSpace(text), "\n")+1:]
	if !strings.Contains(last, "the job failed: ") || !strings.Contains(last, "restart-strategy.type") {
		t.Errorf("the last line is %q", last)
	}
	if s := r.summary(t, "no-restart"); s.Complete || s.Done == 0 {
		t.Errorf("%+v", s)
	}
	ends(t, r.job(t, "no-restart", quads), 1)
	sameMedia(t, r.out("direct-quads"), r.out("no-restart"))
	r.noWorkers(t)
}

// interrupted sends a launcher what Ctrl-C does: the job is cancelled, and the same
// command goes on where it stopped.
func (r *rig) interrupted(t *testing.T) {
	for _, workers := range []string{"PROCESS", "LOOPBACK"} {
		name, flags := "interrupted-"+workers, flags(embeddedPort, "--parallelism 2 --environment_type "+workers)
		p := r.job(t, name, quads, flags...)
		until(t, "a result is there", func() bool { return r.results(name) >= 1 })
		p.cmd.Process.Signal(os.Interrupt)
		text := ends(t, p, 130)
		if workers == "PROCESS" && !strings.Contains(text, "cancelled\n") || !strings.Contains(text, " cut off") && !strings.Contains(text, " not begun") {
			t.Errorf("it does not say that the job was cancelled, and what is left:\n%s", text)
		}
		r.noWorkers(t)
		done := r.results(name)
		time.Sleep(3 * time.Second)
		if now := r.results(name); now != done {
			t.Errorf("%d results, %d some time later: somebody works on", done, now)
		}
		text = ends(t, r.job(t, name, quads, flags...), 1)
		if !strings.Contains(text, fmt.Sprintf("(%d by an earlier run)", done)) {
			t.Errorf("of %d results:\n%s", done, text)
		}
		sameMedia(t, r.out("direct-quads"), r.out(name))
	}
}

// cancelledElsewhere cancels a job from another process than its launcher: that is no
// success, though the folder has an earlier run's summary.
func (r *rig) cancelledElsewhere(t *testing.T) {
	ends(t, r.begin(t, "earlier", r.binary, "generate", "quads", "mesh/cc-0_box.obj", "--faces", "12", "--seed", "3", "--out", "out/elsewhere"), 0)
	p := r.job(t, "elsewhere", quads, flags(embeddedPort, "--environment_type PROCESS")...)
	until(t, "a result is there", func() bool { return r.results("elsewhere") >= 2 })
	status := ends(t, r.begin(t, "status", r.binary, "status", "--out", "out/elsewhere"), 0)
	if !regexp.MustCompile(`job \S+ on flink localhost:8099: running, \d+ of 12 done`).MatchString(status) {
		t.Errorf("status: %s", status)
	}
	again := ends(t, r.job(t, "elsewhere", quads), 2)
	if !strings.Contains(again, "RUNNING into it") {
		t.Errorf("a second job into the folder: %s", again)
	}
	ends(t, r.begin(t, "cancel", r.binary, "cancel", "--out", "out/elsewhere"), 0)
	text := ends(t, p, 1)
	if !strings.Contains(text, "the job was cancelled") || !strings.Contains(text, "not by this command") {
		t.Errorf("the launcher says:\n%s", text)
	}
	if s := r.summary(t, "elsewhere"); s.Complete || s.CutOff == 0 {
		t.Errorf("%+v", s)
	}
	r.noWorkers(t)
}

// launcherKilled kills the launcher of a job: the job runs on, and wait comes back to it.
func (r *rig) launcherKilled(t *testing.T) {
	p := r.job(t, "orphan", shards, flags(embeddedPort, "--environment_type PROCESS")...)
	until(t, "the job has begun", func() bool { return strings.Contains(p.text(), ": running") })
	p.cmd.Process.Kill()
	<-p.over
	text := ends(t, r.begin(t, "wait", r.binary, "wait", "--out", "out/orphan"), 1)
	if !strings.Contains(text, "11 done, 1 failed") {
		t.Errorf("wait says: %s", text)
	}
	compare(t, r.out("direct-shards"), r.out("orphan"))
	r.noWorkers(t)
}

func (r *rig) session(t *testing.T) {
	c := r.startCluster(t)
	defer c.end(t)
	server := r.jobServer(t, fmt.Sprint("localhost:", restPort), c.config, sessionPort)
	defer server.end(t)

	t.Run("wrong port", func(t *testing.T) {
		text := ends(t, r.job(t, "wrong-port", quads, flags(restPort, "--environment_type PROCESS")...), 2)
		if !strings.Contains(text, "not Beam's job server") {
			t.Errorf("it says %s", text)
		}
	})
	t.Run("external", r.external)
	t.Run("worker killed", r.workerKilled)
	t.Run("task manager killed", func(t *testing.T) { r.taskManagerKilled(t, c) })
	t.Run("detached", r.detached)
}

// external has one pool serve both task managers and two jobs at a time. The pool's
// binary is another than the launcher's, which it has to fetch.
func (r *rig) external(t *testing.T) {
	for _, binary := range []string{r.other, r.binary} {
		pool := r.begin(t, "pool", binary, "worker-pool")
		pool.listening(t, 50000)
		kind := filepath.Base(filepath.Dir(binary))
		env := flags(sessionPort, "--environment_type EXTERNAL --environment_config localhost:50000 --parallelism 4")
		one := r.job(t, "external-quads-"+kind, quads, env...)
		two := r.job(t, "external-shards-"+kind, shards, env...)
		ends(t, one, 1)
		ends(t, two, 1)
		compare(t, r.out("direct-quads"), r.out(one.name))
		compare(t, r.out("direct-shards"), r.out(two.name))
		r.noWorkers(t)
		pool.end(t)
		if pool.cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("the pool: %s", pool.text())
		}
		t.Logf("the pool says:\n%s", pool.text())
	}
}

// taskManagerKilled kills one of two task managers in mid-job, and a new one joins.
func (r *rig) taskManagerKilled(t *testing.T, c *cluster) {
	p := r.job(t, "manager-killed", quads, flags(sessionPort, "--environment_type PROCESS --parallelism 4")...)
	until(t, "three results are there", func() bool { return r.results("manager-killed") >= 3 })
	c.workers[0].cmd.Process.Kill()
	<-c.workers[0].over
	r.startTaskManager(t, c)
	ends(t, p, 1)
	compare(t, r.out("direct-quads"), r.out("manager-killed"))
	if s := r.summary(t, "manager-killed"); s.Skipped != 0 {
		t.Errorf("%+v", s)
	}
	r.noWorkers(t)
}

// detached begins a job without waiting, and comes back to it.
func (r *rig) detached(t *testing.T) {
	text := ends(t, r.job(t, "detached", quads, flags(sessionPort, "--environment_type PROCESS --parallelism 2 --detach --json")...), 0)
	var s struct{ Job, Endpoint, Run string }
	if err := json.Unmarshal([]byte(text[strings.Index(text, "{"):]), &s); err != nil || s.Job == "" || s.Run == "" {
		t.Fatalf("%v: %s", err, text)
	}
	ends(t, r.begin(t, "wait", r.binary, "wait", "--out", "out/detached"), 1)
	compare(t, r.out("direct-quads"), r.out("detached"))
	if got := r.summary(t, "detached"); got.Run != s.Run {
		t.Errorf("the summary is of run %s, the job of %s", got.Run, s.Run)
	}
	r.noWorkers(t)
}

// end stops the cluster.
func (c *cluster) end(t *testing.T) {
	for _, w := range c.workers {
		w.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, w := range c.workers {
		w.wait(t, time.Minute)
	}
	c.manager.end(t)
}

// sameMedia compares what two folders hold besides reports and markers: of a job that was
// done in two runs, these tell of both.
func sameMedia(t *testing.T, want, got string) {
	t.Helper()
	a, b := files(t, want), files(t, got)
	equal := 0
	for name, data := range a {
		switch filepath.Ext(name) {
		case ".obj", ".glb", ".png", ".parquet", ".mp4":
			if string(b[name]) != string(data) {
				t.Errorf("%s/%s differs from the direct runner's", got, name)
			}
			equal++
		}
	}
	if equal < 5 {
		t.Errorf("only %d files were compared", equal)
	}
}
