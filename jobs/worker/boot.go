package worker

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/artifact"
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/child"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/pipelines"
)

// IsBoot reports whether a runner started this process as boot code: as a process or
// the entry of a container, with its flags alone. They come in any order.
func IsBoot(args []string) bool {
	return len(args) > 0 && strings.HasPrefix(args[0], "-") && !Is(args) && slices.ContainsFunc(args, func(a string) bool {
		return strings.HasPrefix(strings.TrimLeft(a, "-"), "id=")
	})
}

// Boot runs one worker to its end and returns the exit code.
func Boot(args []string) int {
	o, err := bootFlags(args)
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		err = boot(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "morton: boot:", err)
		return 1
	}
	return 0
}

// order is a runner's request for a worker: its id and the runner's endpoints.
type order struct{ id, provision, artifact, logging, control string }

func bootFlags(args []string) (o order, err error) {
	f := flag.NewFlagSet("boot", flag.ContinueOnError)
	f.StringVar(&o.id, "id", "", "")
	f.StringVar(&o.provision, "provision_endpoint", "", "")
	f.StringVar(&o.artifact, "artifact_endpoint", "", "")
	f.StringVar(&o.logging, "logging_endpoint", "", "")
	f.StringVar(&o.control, "control_endpoint", "", "")
	f.String("semi_persist_dir", "", "")
	err = f.Parse(args)
	o.id = strings.Trim(o.id, "'") // Prism 2.77 adds quotes that no shell removes
	return o, err
}

func boot(ctx context.Context, o order) error {
	exited := make(chan error, 1)
	w, err := launch(ctx, o, func(err error) { exited <- err })
	if err != nil {
		return err
	}
	select {
	case err = <-exited:
		return err
	case <-ctx.Done():
		w.stop()
		<-exited
		return nil
	}
}

// process is a running worker with a folder of its own.
type process struct {
	cmd    *exec.Cmd
	over   chan struct{}
	ending sync.Once
}

// launch prepares and starts a worker. After the worker ends it removes the folder and
// calls exited. A runner may kill boot code at any time, and Flink does when it cancels a
// task, so launch first removes the folders of processes that were killed.
func launch(ctx context.Context, o order, exited func(error)) (*process, error) {
	_ = atomicfile.Sweep(os.TempDir()) // the folders of other users stay
	folder, err := atomicfile.CreateFolder(os.TempDir())
	if err != nil {
		return nil, err
	}
	w := &process{over: make(chan struct{})}
	if w.cmd, err = o.command(ctx, folder.Path("")); err == nil {
		err = child.Start(w.cmd, syscall.SIGTERM, func(err error) {
			rerr := folder.Remove()
			close(w.over)
			exited(errors.Join(err, rerr))
		})
	}
	if err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	return w, nil
}

// stop ends the worker, by force after a grace period.
func (w *process) stop() {
	w.ending.Do(func() {
		w.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-w.over:
		case <-time.After(unwind + time.Second):
			w.cmd.Process.Kill()
		}
	})
	<-w.over
}

// command asks the runner for the job's options and binary and returns the command to
// run.
func (o order) command(ctx context.Context, folder string) (*exec.Cmd, error) {
	if o.id == "" || o.provision == "" {
		return nil, errors.New("a worker has an --id and a --provision_endpoint")
	}
	ctx = grpcx.WriteWorkerID(ctx, o.id)
	info, err := tools.ProvisionInfo(ctx, o.provision)
	if err != nil {
		return nil, err
	}
	o.take(info)
	if o.artifact == "" || o.logging == "" || o.control == "" {
		return nil, errors.New("the runner names no endpoint for artifacts, logging or control")
	}
	options, err := tools.ProtoToJSON(info.GetPipelineOptions())
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "options.json")
	if err := os.WriteFile(file, []byte(options), 0o600); err != nil {
		return nil, err
	}
	own := goOptions(info)
	if _, err := os.Stat(own[pipelines.OptionFolder]); own[pipelines.OptionFolder] != "" && err != nil {
		return nil, fmt.Errorf("%w: %w", errFolder, err) // the worker's own error would only be in a log
	}
	binary, err := o.binary(ctx, folder, info, own[pipelines.OptionBinary])
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "--worker=true", "--id="+o.id, "--logging_endpoint="+o.logging, "--control_endpoint="+o.control, "--semi_persist_dir="+folder)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "PIPELINE_OPTIONS_FILE="+file, "RUNNER_CAPABILITIES="+strings.Join(info.GetRunnerCapabilities(), " "),
		"STATUS_ENDPOINT="+info.GetStatusEndpoint().GetUrl())
	return cmd, nil
}

// take prefers the endpoints in the provision info.
func (o *order) take(info *fnpb.ProvisionInfo) {
	for _, e := range []struct {
		to   *string
		from *pipepb.ApiServiceDescriptor
	}{{&o.logging, info.GetLoggingEndpoint()}, {&o.artifact, info.GetArtifactEndpoint()}, {&o.control, info.GetControlEndpoint()}} {
		if e.from.GetUrl() != "" {
			*e.to = e.from.GetUrl()
		}
	}
}

// goOptions returns the options of the launcher's process.
func goOptions(info *fnpb.ProvisionInfo) map[string]string {
	own := map[string]string{}
	list := info.GetPipelineOptions().GetFields()["beam:option:go_options:v1"].GetStructValue().GetFields()["options"].GetStructValue()
	for name, value := range list.GetFields() {
		own[name] = value.GetStringValue()
	}
	return own
}

// binary returns the binary to run: this process's own if the launcher's is the same,
// else the launcher's, which the runner passes through its workers' memory.
func (o order) binary(ctx context.Context, folder string, info *fnpb.ProvisionInfo, hash string) (string, error) {
	if own, err := selfHash(); err == nil && own == hash {
		return os.Executable()
	}
	staged, err := artifact.Materialize(ctx, o.artifact, info.GetDependencies(), info.GetRetrievalToken(), folder)
	if err != nil {
		return "", err
	}
	for _, a := range staged {
		if len(staged) > 1 && a.GetRoleUrn() != artifact.URNGoWorkerBinaryRole {
			continue
		}
		name, _ := artifact.MustExtractFilePayload(a)
		path := filepath.Join(folder, name)
		if got, err := store.Digest(path); err != nil || hash != "" && got != hash {
			return "", errors.Join(errBinary, err)
		}
		return path, os.Chmod(path, 0o700)
	}
	return "", errors.New("the runner has no binary of the launcher's")
}

var errBinary = errors.New("the binary that came is not the one that the launcher sent")

// selfHash returns the hash of this process's binary.
var selfHash = sync.OnceValues(func() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return store.Digest(self)
})
