package dataflow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/dataflow/dataflowlib"
	df "google.golang.org/api/dataflow/v1b3"
	"google.golang.org/api/googleapi"

	"github.com/morton-gen/morton/pipelines/jobserver"
)

// Google is the base URL of the service itself.
const Google = "https://dataflow.googleapis.com/"

// answerTime is how long the service may take to answer a small question.
const answerTime = 30 * time.Second

// Service is a client of Dataflow for one project and region. It is safe for concurrent
// use.
type Service struct {
	api             *df.Service
	base            string
	project, region string

	lostAfter time.Duration // without an answer
	askEvery  time.Duration // at most, for a job's state
}

// Endpoint returns the URL of a project's jobs in a region. An empty base is Google's.
func Endpoint(base, project, region string) string {
	if base == "" {
		base = Google
	}
	return strings.TrimSuffix(base, "/") + "/v1b3/projects/" + url.PathEscape(project) + "/locations/" + url.PathEscape(region)
}

var endpoint = regexp.MustCompile(`^(https?://[^/]+/)v1b3/projects/([^/]+)/locations/([^/]+)$`)

// Dial returns the service at an endpoint, and asks nothing of it yet. The error wraps
// [jobserver.ErrNotServer] for what is neither Google's nor on this machine, since the
// caller's credentials would be sent there, and [jobserver.ErrDenied] without credentials.
func Dial(ctx context.Context, at string) (*Service, error) {
	if err := Check(at); err != nil {
		return nil, err
	}
	m := endpoint.FindStringSubmatch(at)
	project, err1 := url.PathUnescape(m[2])
	region, err2 := url.PathUnescape(m[3])
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("dataflow.Dial: %w: %w", jobserver.ErrNotServer, err)
	}
	base := m[1]
	if base == Google {
		base = "" // Beam has it
	}
	api, err := dataflowlib.NewClient(context.WithoutCancel(ctx), base)
	if err != nil {
		return nil, fmt.Errorf("dataflow.Dial: %w: %w", jobserver.ErrDenied, err)
	}
	return &Service{api: api, base: base, project: project, region: region, lostAfter: lostTime, askEvery: askTime}, nil
}

// Check returns the error of [Dial] for an endpoint that is not Dataflow's.
func Check(at string) error {
	if m := endpoint.FindStringSubmatch(at); m == nil || !trusted(m[1]) {
		return fmt.Errorf("dataflow.Check: %w: Dataflow is at %s, its regional names or this machine", jobserver.ErrNotServer, Google)
	}
	return nil
}

// trusted reports whether credentials may be sent to a base URL. A job's record may name
// one, and whoever can write to the folder can write the record.
func trusted(base string) bool {
	u, err := url.Parse(base)
	if err != nil || u.User != nil {
		return false
	}
	host := u.Hostname()
	switch host {
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	return u.Scheme == "https" && u.Port() == "" && strings.HasSuffix(host, ".googleapis.com")
}

// Close is for what has an end: a job runs on.
func (s *Service) Close() error { return nil }

// State asks for the state of a job. The error wraps [jobserver.ErrUnknown],
// [jobserver.ErrDenied] or [jobserver.ErrLost].
func (s *Service) State(ctx context.Context, id string) (jobserver.State, error) {
	job, err := s.get(ctx, id)
	if err != nil {
		return "", fmt.Errorf("dataflow.State: %w", err)
	}
	return stateOf(job), nil
}

func stateOf(job *df.Job) jobserver.State {
	return jobserver.State(strings.TrimPrefix(job.CurrentState, "JOB_STATE_"))
}

func (s *Service) get(ctx context.Context, id string) (*df.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	job, err := s.api.Projects.Locations.Jobs.Get(s.project, s.region, id).Context(ctx).Do()
	return job, kindOf(err)
}

// Cancel asks the service to cancel a job, which takes minutes: see [Service.Follow]. The
// errors are those of [Service.State].
func (s *Service) Cancel(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err := s.api.Projects.Locations.Jobs.Update(s.project, s.region, id, &df.Job{RequestedState: "JOB_STATE_CANCELLED"}).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("dataflow.Cancel: %w", kindOf(err))
	}
	return nil
}

// kindOf gives an error of the client its kind.
func kindOf(err error) error {
	var answer *googleapi.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &answer):
		var sent *url.Error // its text has the address, and perhaps that of the credentials
		if errors.As(err, &sent) {
			err = sent.Err
		}
		return fmt.Errorf("%w: %w", jobserver.ErrLost, err)
	case answer.Code == http.StatusNotFound:
		return jobserver.ErrUnknown
	case answer.Code == http.StatusUnauthorized || answer.Code == http.StatusForbidden:
		return fmt.Errorf("%w: %d %s", jobserver.ErrDenied, answer.Code, answer.Message)
	case answer.Code == http.StatusTooManyRequests || answer.Code >= 500:
		return fmt.Errorf("%w: %d %s", jobserver.ErrLost, answer.Code, answer.Message)
	}
	return fmt.Errorf("%d %s", answer.Code, answer.Message)
}
