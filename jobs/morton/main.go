package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/codecs/video/isolated"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/jobs/worker"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/pipelines/jobserver"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1 // some inputs or the run failed
	exitUsage       = 2
	exitInterrupted = 130 // the shell's code for Ctrl-C
)

func main() {
	isolated.Enable()
	gpu.AllowEnvironment()
	switch args := os.Args[1:]; {
	case worker.Is(args):
		os.Exit(worker.Main(args))
	case worker.IsBoot(args):
		os.Exit(worker.Boot(args))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(30) // tokens of a long film are most of the heap; collecting sooner costs under 1%
	}
	beam.Init()
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills the process
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// terminal is the output of a command: results on out, everything else on err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	args     []string // the words after "morton"
}

// printJSON prints what a command with --json found.
func printJSON(t terminal, v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// errUsage is wrapped by errors that the user has to correct.
var errUsage = errors.New("wrong use")

// usagef returns such an error; where names the help to read.
func usagef(where, format string, args ...any) error {
	help := "morton help"
	if where != "" {
		help += " " + where
	}
	return fmt.Errorf("%w%s (see: %s)", silent{errUsage}, fmt.Sprintf(format, args...), help)
}

// silent wraps an error for errors.Is without its text.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

// errSomeFailed sets exit code 1 after a run whose report has the details.
var errSomeFailed = errors.New("some inputs failed")

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	err := command(ctx, args, terminal{os.Stdin, out, errs, args})
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSomeFailed):
		return exitFailed
	case errors.Is(err, pipelines.ErrRunning):
		fmt.Fprintf(errs, "morton: %s (see: morton help wait)\n", firstLine(plain(err)))
		if ctx.Err() != nil {
			return exitInterrupted
		}
		return exitFailed
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "morton: interrupted; the same command goes on where it stopped")
		return exitInterrupted
	}
	hint, code := "", exitFailed
	switch {
	case errors.Is(err, errUsage), errors.Is(err, store.ErrSettings):
		code = exitUsage
	case errors.Is(err, gpu.ErrNoDevice):
		hint = " (see: morton help devices)"
	case errors.Is(err, jobserver.ErrNoRestart):
		hint = "; restart-strategy.type in Flink's configuration, such as fixed-delay, has a job begin again when a worker is lost"
	case errors.Is(err, pipelines.ErrCancelled):
		hint = ", and not by this command; the same command goes on where it stopped"
	}
	fmt.Fprintln(errs, "morton: "+firstLine(plain(err))+hint)
	return code
}

// command parses and runs the command line.
func command(ctx context.Context, args []string, t terminal) error {
	root := newRoot(t)
	args, err := twoDashes(root, args)
	if err != nil {
		return err
	}
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// firstLine returns the first line of an error and its last cause. The log has
// Beam's stack of wrapped errors; -v shows it.
func firstLine(s string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(s), "\n")
	line = strings.Join(strings.Fields(line), " ")
	const mark = "caused by:\n"
	if i := strings.LastIndex(rest, mark); i >= 0 {
		line += ": " + firstLine(rest[i+len(mark):])
	}
	return line
}
