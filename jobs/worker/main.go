package worker

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	beamruntime "github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/harness"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"

	"github.com/morton-gen/morton/internal/child"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms"
)

// Is reports whether boot code started this process as a worker: the first
// argument is --worker.
func Is(args []string) bool {
	return len(args) > 0 && args[0][:min(1, len(args[0]))] == "-" && strings.HasPrefix(strings.TrimLeft(args[0], "-"), "worker=")
}

// Main serves a runner until it has no more work or the parent process ends. It returns
// the exit code.
func Main(args []string) int {
	runtime.LockOSThread() // the kernel watches the parent's thread, so this one must stay
	if err := child.EndWithParent(syscall.SIGTERM); err != nil {
		fmt.Fprintln(os.Stderr, "morton: worker:", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	removeCopy()
	if err := serve(ctx, args); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "morton: worker:", err)
		return 1
	}
	return 0
}

// unwind is the time for attempts to end and remove partial files. One that waits for
// a device cannot end in time and dies with the process.
const unwind = 10 * time.Second

func serve(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("worker", flag.ContinueOnError)
	f.Bool("worker", false, "")
	id := f.String("id", "", "")
	logging := f.String("logging_endpoint", "", "")
	control := f.String("control_endpoint", "", "")
	folder := f.String("semi_persist_dir", "", "")
	text := f.String("options", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := takeOptions(*text); err != nil {
		return err
	}
	if ownFolder.MatchString(*folder) {
		os.RemoveAll(*folder) // no longer needed, and its owner may be killed
	}
	defer serveWorkerMetrics()()
	beam.Init() // Beam's own worker stays away: its flag is not set
	ctx, cancel := context.WithCancel(grpcx.WriteWorkerID(ctx, *id))
	defer cancel()
	over := make(chan error, 1)
	go func() {
		over <- harness.MainWithOptions(ctx, *logging, *control, harness.Options{
			StatusEndpoint: os.Getenv("STATUS_ENDPOINT"), RunnerCapabilities: strings.Fields(os.Getenv("RUNNER_CAPABILITIES")),
		})
	}()
	var err error
	select {
	case err = <-over:
	case <-ctx.Done():
	case <-transforms.RunOver(): // the runner should end it now, but may not
		select {
		case err = <-over:
		case <-ctx.Done():
		case <-time.After(unwind):
		}
	}
	cancel()
	transforms.AwaitAttempts(unwind)
	return err
}

// takeOptions sets Beam's flags from the job's options and changes to the folder of
// relative inputs.
func takeOptions(text string) error {
	if file := os.Getenv("PIPELINE_OPTIONS_FILE"); file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text = string(data)
	}
	if text == "" {
		return nil
	}
	var options beamruntime.RawOptionsWrapper
	if err := json.Unmarshal([]byte(text), &options); err != nil {
		return fmt.Errorf("the job's options: %w", err)
	}
	beamruntime.GlobalOptions.Import(options.Options)
	return enter(options.Options.Options)
}

// errFolder reports a job with relative inputs on a machine without their folder.
var errFolder = errors.New("the inputs are relative to a folder of the launcher's that is not here; mount it, or name them from /")

func enter(options map[string]string) error {
	folder := options[pipelines.OptionFolder]
	if folder == "" {
		return nil
	}
	if err := os.Chdir(folder); err != nil {
		return fmt.Errorf("%w: %w", errFolder, err)
	}
	return nil
}

// ownFolder matches the folder that our boot code makes for a worker.
var ownFolder = regexp.MustCompile(`/\.partial-[0-9a-f]{16}$`)

// beamCopy matches the path of the binary that Beam's boot code runs once.
var beamCopy = regexp.MustCompile(`^/tmp/bin\d+/worker$`)

// removeCopy removes this process's binary if it is such a copy. The open file stays
// usable.
func removeCopy() {
	if self, err := os.Executable(); err == nil && beamCopy.MatchString(self) {
		os.RemoveAll(filepath.Dir(self))
	}
}
