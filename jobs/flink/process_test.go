//go:build flink

package flink

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that a test has started. All it writes goes to a file.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	over chan struct{}
	err  error
}

// begin starts a program.
func (r *rig) begin(t *testing.T, name string, words ...string) *process {
	t.Helper()
	r.count++
	p := &process{name: name, log: filepath.Join(r.dir, "logs", fmt.Sprintf("%02d-%s", r.count, name)), over: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(words[0], words[1:]...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = log, log, r.dir
	p.cmd.Env = append(os.Environ(), "TMPDIR="+r.temp, mark+"="+r.dir, "XDG_CACHE_HOME="+r.dir+"/cache")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.over)
	}()
	return p
}

// text returns what the process has written.
func (p *process) text() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// wait waits for the end and returns the exit code.
func (p *process) wait(t *testing.T, most time.Duration) int {
	t.Helper()
	select {
	case <-p.over:
	case <-time.After(most):
		p.cmd.Process.Kill()
		<-p.over
		t.Fatalf("%s has not ended within %v:\n%s", p.name, most, p.text())
	}
	if exit := (*exec.ExitError)(nil); p.err != nil && !errors.As(p.err, &exit) {
		t.Fatalf("%s: %v", p.name, p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// end ends a process that serves.
func (p *process) end(t *testing.T) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.wait(t, time.Minute)
}

// listening waits until somebody listens at a port of this machine.
func (p *process) listening(t *testing.T, port int) {
	t.Helper()
	until(t, p.name+" listens", func() bool {
		c, err := net.DialTimeout("tcp", net.JoinHostPort("localhost", strconv.Itoa(port)), time.Second)
		if err == nil {
			c.Close()
		}
		select {
		case <-p.over:
			t.Fatalf("%s has ended:\n%s", p.name, p.text())
		default:
		}
		return err == nil
	})
}

// until waits for something to become true.
func until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for begun := time.Now(); !yes(); time.Sleep(100 * time.Millisecond) {
		if time.Since(begun) > 90*time.Second {
			t.Fatalf("it does not come true: %s", what)
		}
	}
}

// mark is the variable that all processes inherit from a rig.
const mark = "MORTON_TEST_FLINK_RIG"

// running returns the processes of the rig whose command lines have all the words, by id.
func (r *rig) running(words ...string) map[int]string {
	found := map[int]string{}
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range entries {
		env, err := os.ReadFile(dir + "/environ")
		if err != nil || !bytes.Contains(env, []byte(mark+"="+r.dir+"\x00")) {
			continue
		}
		line, _ := os.ReadFile(dir + "/cmdline")
		text := strings.ReplaceAll(string(line), "\x00", " ")
		pid, err := strconv.Atoi(filepath.Base(dir))
		has := err == nil && text != ""
		for _, w := range words {
			has = has && strings.Contains(text, w)
		}
		if has {
			found[pid] = text
		}
	}
	return found
}

// kill kills one process of the rig by force.
func (r *rig) kill(t *testing.T, words ...string) {
	t.Helper()
	found := r.running(words...)
	if len(found) == 0 {
		t.Fatalf("no process %v runs: %v", words, r.running())
	}
	for pid := range found {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		return
	}
}

// noWorkers waits until all workers have ended, and removed what they had.
func (r *rig) noWorkers(t *testing.T) {
	t.Helper()
	workers := func() int { return len(r.running("--worker=true")) + len(r.running("--provision_endpoint")) }
	for begun := time.Now(); workers() > 0 && time.Since(begun) < time.Minute; {
		time.Sleep(100 * time.Millisecond)
	}
	for _, kind := range []string{"--worker=true", "--provision_endpoint"} {
		for pid, line := range r.running(kind) {
			t.Errorf("process %d is left: %.300s", pid, line)
		}
	}
	r.noTemporaries(t)
}

// noTemporaries holds the folder of temporary files, and those of results, to having
// none of ours.
func (r *rig) noTemporaries(t *testing.T) {
	t.Helper()
	if left, err := os.ReadDir(r.temp); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
	left, err := filepath.Glob("/tmp/bin[0-9]*")
	if err != nil || len(left) > 0 {
		t.Errorf("copies of binaries are left: %v, %v", left, err)
	}
	filepath.WalkDir(filepath.Join(r.dir, "out"), func(path string, e os.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), ".partial-") {
			t.Errorf("left on its way: %s", path)
		}
		return nil
	})
}
