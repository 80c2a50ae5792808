package pipelines

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/gcpopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/prism"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/extworker"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/pipelines/dataflow"
	"github.com/morton-gen/morton/pipelines/jobserver"
	"github.com/morton-gen/morton/transforms"
)

// OptionFolder is the option that tells a worker the working directory of the
// process that started its job. Inputs are relative to it.
const OptionFolder = "morton_folder"

// OptionBinary is the option that tells boot code the SHA-256 of the binary that
// started the job, so that it need not fetch an equal one.
const OptionBinary = "morton_binary_sha256"

// A service runs jobs in other processes, and is asked about them.
type service interface {
	Submit(ctx context.Context, job jobserver.Job) (id string, err error)
	State(ctx context.Context, id string) (jobserver.State, error)
	Cancel(ctx context.Context, id string) error
	Follow(ctx context.Context, id string, on func(jobserver.State)) error
	Close() error
}

// dataflowRunner is the runner that is no job server of Beam's, and runs elsewhere.
const dataflowRunner = "dataflow"

// submitted reports whether the job is sent to a service that runs it in other processes.
func (j *Job) submitted() bool {
	return j.Runner == dataflowRunner || j.Portable() && !j.InProcess()
}

// Portable reports whether the job's runner is a job server of Beam's, in this process or
// elsewhere.
func (j *Job) Portable() bool {
	switch j.Runner {
	case "prism", "universal", "flink":
		return true
	}
	return false
}

// endpoint is that of the job server, or the URL of Dataflow's jobs; "" is the Prism of
// this process.
func (j *Job) endpoint() string {
	if j.Runner == dataflowRunner {
		return dataflow.Endpoint(flag.Lookup("dataflow_endpoint").Value.String(), *gcpopts.Project, *gcpopts.Region)
	}
	return *jobopts.Endpoint
}

// environment is Beam's name of the workers' environment.
func (j *Job) environment() string {
	if e := strings.ToUpper(*jobopts.EnvironmentType); e != "" {
		return e
	}
	if j.endpoint() == "" {
		return "LOOPBACK"
	}
	return "DOCKER" // Beam's default, and all that Dataflow has
}

// startPrism starts the Prism of this process. It serves until the process ends.
var startPrism = sync.OnceValues(func() (*jobserver.Server, error) {
	client, err := prism.CreateJobServer(context.Background(), prism.Options{})
	if err != nil {
		return nil, err
	}
	return jobserver.New(client), nil
})

// dial reaches the service of a runner.
func dial(ctx context.Context, runner, endpoint string) (service, error) {
	switch {
	case runner == dataflowRunner:
		return dataflow.Dial(ctx, endpoint)
	case endpoint == "":
		return startPrism()
	}
	return jobserver.Dial(ctx, endpoint)
}

// Reach returns an error if the job's service cannot be asked: of package jobserver, and
// for Dataflow nothing but missing credentials.
func Reach(ctx context.Context, job Job) error {
	s, err := dial(ctx, job.Runner, job.endpoint())
	if err != nil {
		return err
	}
	return s.Close()
}

// CheckEndpoint returns the error of [Reach] for an endpoint that no run takes, and asks
// nothing.
func CheckEndpoint(job Job) error {
	if job.Runner == dataflowRunner {
		return dataflow.Check(job.endpoint())
	}
	return nil
}

// ask returns the request to a job server.
func (j *Job) ask(manifest string) (jobserver.Job, error) {
	p, s := beam.NewPipelineWithRoot()
	build(s, *j, manifest, chains[j.Settings.Action])
	config := *jobopts.EnvironmentConfig
	if j.Runner == dataflowRunner {
		config = flag.Lookup("sdk_container_image").Value.String()
	}
	ask := jobserver.Job{
		Graph: p, Name: jobopts.GetJobName(), Run: j.Settings.Run, Environment: j.environment(), Config: config,
		Worker: *jobopts.WorkerBinary, Own: map[string]string{},
	}
	if ask.Environment == "LOOPBACK" {
		return ask, nil
	}
	var err error
	if ask.Own[OptionBinary], err = store.Digest(ask.Worker); err != nil {
		return ask, err
	}
	if j.relative() {
		ask.Own[OptionFolder] = j.from
	}
	return ask, nil
}

// relative reports whether inputs are relative, so that a worker in another
// folder would not find them.
func (j *Job) relative() bool {
	for i := range j.Requests {
		for _, path := range j.Requests[i].Files() {
			if !store.IsAbs(path) {
				return true
			}
		}
	}
	return false
}

// grace is the time for a job to end by itself once the stages of this process have
// ended.
const grace = 2 * time.Second

// runOnServer runs the job on a job server whose worker is this process. If the context
// ends, the stages end with a fault (see [transforms.HaltWith]). If that does not end the
// job it is cancelled, since a runner may retry it.
func (j *Job) runOnServer(ctx context.Context, aside *atomicfile.Folder, manifest string) error {
	server, err := dial(ctx, j.Runner, j.endpoint())
	if err != nil {
		return err
	}
	defer server.Close()
	quiet := context.WithoutCancel(ctx)
	worker, err := extworker.StartLoopback(quiet, 0)
	if err != nil {
		return err
	}
	defer worker.Stop(quiet)
	ask, err := j.ask(manifest)
	if err != nil {
		return err
	}
	ask.Config, ask.Worker = worker.EnvironmentConfig(quiet), aside.Path("no-binary")
	if err := os.WriteFile(ask.Worker, nil, 0o600); err != nil { // a server requires one
		return err
	}
	id, err := server.Submit(ctx, ask)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	defer close(ended)
	defer context.AfterFunc(ctx, func() {
		select {
		case <-ended:
		case <-time.After(grace):
			server.Cancel(quiet, id) // if this fails, so does Follow
		}
	})()
	err = server.Follow(quiet, id, func(state jobserver.State) {
		transforms.Notify(transforms.Event{Kind: transforms.Moved, ID: id, State: string(state)})
	})
	if err != nil {
		err = fmt.Errorf("job %s: %w", id, err)
	}
	return err
}
