package isolated

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/morton-gen/morton/internal/child"
)

// process is a child. It serves one session at a time.
type process struct {
	cmd    *exec.Cmd
	memory int64
	served int // sessions before the present one
	in     *os.File
	from   *os.File
	out    *bufio.Reader // of from
	stderr head
	kill   func()        // does nothing if it has ended
	over   chan struct{} // closed when it has ended, as err says
	err    error
}

// pool has the children that wait for work.
var pool struct {
	sync.Mutex
	idle []*process
}

// take returns a child: one that waits, unless a fresh one is wanted, or a new one.
func take(memory int64, fresh bool) (*process, error) {
	if !fresh {
		if p := waiting(memory); p != nil {
			return p, nil
		}
	}
	return start(memory)
}

func waiting(memory int64) *process {
	pool.Lock()
	defer pool.Unlock()
	for i := len(pool.idle) - 1; i >= 0; i-- {
		p := pool.idle[i]
		if p.memory != memory {
			continue
		}
		pool.idle = append(pool.idle[:i], pool.idle[i+1:]...)
		if p.ended() {
			p.end()
			continue
		}
		return p
	}
	return nil
}

// put lets a child wait for work, or ends it if as many wait as there are processors.
func put(p *process) {
	p.served++
	pool.Lock()
	defer pool.Unlock()
	if len(pool.idle) >= runtime.GOMAXPROCS(0) {
		p.end()
		return
	}
	pool.idle = append(pool.idle, p)
}

func start(memory int64) (*process, error) {
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStart, err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errStart, err), stdin.Close(), in.Close())
	}
	p := &process{memory: memory, in: in, from: from, out: bufio.NewReaderSize(from, 1<<16), over: make(chan struct{})}
	self, err := program()
	if err == nil {
		p.cmd = exec.Command(self, argument, strconv.FormatInt(memory, 10))
		p.cmd.Args[0] = os.Args[0]
		p.cmd.Stdin, p.cmd.ExtraFiles, p.cmd.Stderr = stdin, []*os.File{out}, &p.stderr
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal signals groups
		err = child.Start(p.cmd, syscall.SIGKILL, func(err error) {
			p.err = err
			close(p.over)
		})
	}
	p.kill = func() { _ = p.cmd.Process.Kill() }
	closed := errors.Join(stdin.Close(), out.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errStart, err), closed, in.Close(), from.Close())
	}
	return p, nil
}

// ended reports a child that has ended, or said something unasked.
func (p *process) ended() bool {
	select {
	case <-p.over:
		return true
	default:
		return p.out.Buffered() > 0
	}
}

// end ends a child.
func (p *process) end() {
	p.kill()
	<-p.over
	_, _ = p.in.Close(), p.from.Close() // pipes
}

// greedy reports a child that ended because it took too much memory.
func (p *process) greedy() bool {
	<-p.over
	e := new(exec.ExitError)
	return errors.As(p.err, &e) && e.ExitCode() == exitMemory
}

// why says how a child has ended.
func (p *process) why() string {
	<-p.over
	text := "its process ended"
	if e := new(exec.ExitError); errors.As(p.err, &e) {
		text = e.String()
		if s, ok := e.Sys().(syscall.WaitStatus); ok && s.Signaled() && s.Signal() == syscall.SIGKILL {
			text += ", as where memory lacks"
		}
	}
	if line := p.stderr.line(); line != "" {
		text += ": " + line
	}
	return text
}

// head keeps the beginning of what is written to it.
type head struct {
	mu   sync.Mutex
	text []byte
}

// maxHead bounds it: a crash begins with its cause, and goes on with stacks.
const maxHead = 1 << 12

// Write implements [io.Writer].
func (h *head) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, b[:min(len(b), maxHead-len(h.text))]...)
	return len(b), nil
}

// line returns the first line, at most 200 bytes.
func (h *head) line() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	line, _, _ := bytes.Cut(bytes.TrimSpace(h.text), []byte("\n"))
	return strings.ToValidUTF8(string(line[:min(len(line), 200)]), "?")
}
