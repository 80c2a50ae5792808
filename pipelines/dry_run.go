package pipelines

import (
	"context"
	"os"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"

	"github.com/morton-gen/morton/pipelines/dataflow"
	"github.com/morton-gen/morton/pipelines/jobserver"
	"github.com/morton-gen/morton/transforms"
)

// Request returns the request that the job's runner would receive, without writing
// anything. For a runner without a job server, it is what a job server would receive.
func Request(ctx context.Context, job Job, action string) (*jobpb.PrepareJobRequest, error) {
	ask, err := job.dry(action)
	if err != nil {
		return nil, err
	}
	return ask.Request(ctx)
}

// DataflowRequest returns the job that Dataflow would be sent, as JSON, and writes nothing.
func DataflowRequest(ctx context.Context, job Job, action string) (string, error) {
	ask, err := job.dry(action)
	if err != nil {
		return "", err
	}
	return dataflow.Request(ctx, ask)
}

func (j *Job) dry(action string) (jobserver.Job, error) {
	if j.Runner == "" {
		j.Runner = "direct"
	}
	here, err := os.Getwd()
	if err != nil {
		return jobserver.Job{}, err
	}
	j.from = here
	j.Settings.Action, j.Settings.Shards, j.Settings.Run = action, j.Shards, transforms.NewRunName()
	record := Submission{Run: j.Settings.Run, folder: j.Settings.Out}
	return j.ask(record.manifest())
}
