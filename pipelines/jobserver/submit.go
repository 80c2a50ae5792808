package jobserver

import (
	"context"
	"fmt"

	"github.com/apache/beam/sdks/v2/go/container/tools"
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/util/hooks"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
	"google.golang.org/protobuf/types/known/structpb"
)

// Job is a job to submit.
type Job struct {
	Graph *beam.Pipeline
	Name  string
	Run   string // the name of the run that the job does
	// Environment and Config say who does the work, as --environment_type and
	// --environment_config: LOOPBACK, EXTERNAL, PROCESS or DOCKER.
	Environment, Config string
	// Worker is the binary sent to workers.
	Worker string
	// Own are further options, passed to the worker beside Beam's.
	Own map[string]string
}

// Request returns the first request to a server: the graph and the options. These are
// Beam's flags and the job's own.
func (j *Job) Request(ctx context.Context) (*jobpb.PrepareJobRequest, error) {
	edges, _, err := j.Graph.Build()
	if err != nil {
		return nil, err
	}
	urn, ok := environments[j.Environment]
	if !ok {
		return nil, fmt.Errorf("jobserver.Request: no environment %q", j.Environment)
	}
	environment, err := graphx.CreateEnvironment(ctx, urn, func(context.Context) string { return j.Config })
	if err != nil {
		return nil, err
	}
	graph, err := graphx.Marshal(edges, &graphx.Options{
		Environment: environment, PipelineResourceHints: jobopts.GetPipelineResourceHints(),
	})
	if err != nil {
		return nil, err
	}
	options, err := j.options()
	if err != nil {
		return nil, err
	}
	if err := runnerlib.UpdateGoEnvironmentWorker(j.Worker, graph); err != nil {
		return nil, err
	}
	return &jobpb.PrepareJobRequest{Pipeline: graph, PipelineOptions: options, JobName: j.Name}, nil
}

var environments = map[string]string{
	"LOOPBACK": "beam:env:external:v1",
	"EXTERNAL": "beam:env:external:v1",
	"PROCESS":  "beam:env:process:v1",
	"DOCKER":   "beam:env:docker:v1",
}

func (j *Job) options() (*structpb.Struct, error) {
	hooks.SerializeHooksToOptions()
	beam.PipelineOptions.LoadOptionsFromFlags(nil)
	raw := runtime.RawOptionsWrapper{
		Options: beam.PipelineOptions.Export(), AppName: j.Name, RetainDocker: *jobopts.RetainDockerContainers, Parallelism: *jobopts.Parallelism,
		Experiments: append(jobopts.GetExperiments(), "beam_fn_api"),
	}
	for name, value := range j.Own {
		raw.Options.Options[name] = value
	}
	return tools.OptionsToProto(raw)
}

// Submit starts a job and returns its id. It uploads the worker's binary. If the
// context ends, the job may not start, but a started job's id is returned.
func (s *Server) Submit(ctx context.Context, j Job) (id string, err error) {
	request, err := j.Request(ctx)
	if err != nil {
		return "", err
	}
	prepared, err := s.client.Prepare(ctx, request)
	if err != nil {
		return "", fmt.Errorf("jobserver.Submit: %w", kindOf(err))
	}
	token, err := runnerlib.Stage(ctx, prepared.GetPreparationId(), prepared.GetArtifactStagingEndpoint().GetUrl(), j.Worker,
		prepared.GetStagingSessionToken())
	if err != nil {
		return "", fmt.Errorf("jobserver.Submit: sending the worker's binary: %w", err)
	}
	run, err := s.client.Run(context.WithoutCancel(ctx), &jobpb.RunJobRequest{PreparationId: prepared.GetPreparationId(), RetrievalToken: token})
	if err != nil {
		return "", fmt.Errorf("jobserver.Submit: %w", kindOf(err))
	}
	return run.GetJobId(), nil
}
