package dataflow

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/dataflow"
	"google.golang.org/api/googleapi"

	"github.com/morton-gen/morton/pipelines/jobserver"
)

// Label is the label of a job that has the name of its run.
const Label = "morton-run"

// ErrName reports a job of the same name that runs already.
var ErrName = errors.New("a job of that name is running; choose another --job_name")

// What is of the launcher alone does not travel with a job.
func init() {
	for _, name := range []string{"worker_binary", "dry_run"} {
		dataflow.DontUseFlagAsPipelineOption(name)
	}
}

// beamMu guards Beam's flags and options, which belong to the process.
var beamMu sync.Mutex

// Submit begins a job and returns its id. Beam's flags say where it is staged and on what
// machines it runs. The end of the context keeps it from beginning until all is staged.
func (s *Service) Submit(ctx context.Context, j jobserver.Job) (id string, err error) {
	beamMu.Lock()
	defer beamMu.Unlock()
	restore, err := set(map[string]string{"dataflow_endpoint": s.base, "project": s.project, "region": s.region, "async": "true"})
	if err != nil {
		return "", err
	}
	defer restore()
	result, err := start(ctx, j)
	if answer := (*googleapi.Error)(nil); errors.As(err, &answer) {
		err = kindOf(answer)
	}
	if err != nil {
		return "", fmt.Errorf("dataflow.Submit: %w", err)
	}
	if result == nil || result.JobID() == "" {
		return "", errors.New("dataflow.Submit: Beam has staged a template or a dry run, and begun nothing")
	}
	quiet := context.WithoutCancel(ctx)
	job, err := s.get(quiet, result.JobID())
	switch {
	case err != nil: // nobody could come back to it
		return "", fmt.Errorf("dataflow.Submit: %w", errors.Join(err, s.Cancel(quiet, result.JobID())))
	case job.Labels[Label] != j.Run: // Beam returns the other's id
		return "", fmt.Errorf("dataflow.Submit: %w", ErrName)
	}
	return result.JobID(), nil
}

// start has Beam's runner do what its flags say, with the job's label and options.
func start(ctx context.Context, j jobserver.Job) (beam.PipelineResult, error) {
	labels := map[string]string{}
	if text := flag.Lookup("labels").Value.String(); text != "" {
		if err := json.Unmarshal([]byte(text), &labels); err != nil {
			return nil, fmt.Errorf("--labels: %w", err)
		}
	}
	labels[Label] = j.Run
	text, err := json.Marshal(labels)
	if err != nil {
		return nil, err
	}
	restore, err := set(map[string]string{"labels": string(text), "worker_binary": j.Worker})
	if err != nil {
		return nil, err
	}
	defer restore()
	for name, value := range j.Own {
		beam.PipelineOptions.Set(name, value)
	}
	return beam.Run(ctx, "dataflow", j.Graph)
}

// set gives flags of Beam's other values until restore is called.
func set(values map[string]string) (restore func(), err error) {
	old := map[string]string{}
	restore = func() {
		for name, value := range old {
			flag.Set(name, value)
		}
	}
	for name, value := range values {
		f := flag.Lookup(name)
		if f.Value.String() == value {
			continue
		}
		old[name] = f.Value.String()
		if err := flag.Set(name, value); err != nil {
			restore()
			return nil, fmt.Errorf("--%s: %w", name, err)
		}
	}
	return restore, nil
}

// Request returns the job that the service would be sent, as JSON, and sends nothing.
func Request(ctx context.Context, j jobserver.Job) (string, error) {
	beamMu.Lock()
	defer beamMu.Unlock()
	restore, err := set(map[string]string{"dry_run": "true"})
	if err != nil {
		return "", err
	}
	defer restore()
	var said messages
	before := slog.Default()
	slog.SetDefault(slog.New(&said))
	defer slog.SetDefault(before)
	if _, err := start(ctx, j); err != nil {
		return "", fmt.Errorf("dataflow.Request: %w", err)
	}
	if said.job == "" {
		return "", errors.New("dataflow.Request: Beam printed no job")
	}
	return said.job, nil
}

// messages keeps what Beam's dry run logs of the job: its log is all that it gives.
type messages struct {
	mu  sync.Mutex
	job string
}

// Enabled implements [slog.Handler].
func (m *messages) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements [slog.Handler].
func (m *messages) WithAttrs([]slog.Attr) slog.Handler { return m }

// WithGroup implements [slog.Handler].
func (m *messages) WithGroup(string) slog.Handler { return m }

// Handle implements [slog.Handler].
func (m *messages) Handle(_ context.Context, r slog.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if strings.HasPrefix(r.Message, "{") && json.Valid([]byte(r.Message)) {
		m.job = r.Message
	}
	return nil
}
