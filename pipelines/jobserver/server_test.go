package jobserver

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"

	"github.com/morton-gen/morton/pipelines/jobserver/jobservertest"
)

func TestMain(m *testing.M) {
	beam.Init()
	os.Exit(m.Run())
}

func dial(t *testing.T, endpoint string) *Server {
	t.Helper()
	s, err := Dial(context.Background(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// submit submits a job that does nothing.
func submit(t *testing.T, s *Server, j Job) (id string) {
	t.Helper()
	p, scope := beam.NewPipelineWithRoot()
	beam.Impulse(scope)
	j.Graph, j.Name, j.Worker = p, "name", filepath.Join(t.TempDir(), "binary")
	if err := os.WriteFile(j.Worker, []byte("binary"), 0o600); err != nil {
		t.Fatal(err)
	}
	id, err := s.Submit(context.Background(), j)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestDialKnowsAJobServer checks what is said of an endpoint that is none.
func TestDialKnowsAJobServer(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	for endpoint, want := range map[string]error{
		"localhost:1":                 ErrUnreachable,
		web.Listener.Addr().String():  ErrNotServer,
		"no host of that name.:8099:": ErrUnreachable,
		jobservertest.Start(t, &jobservertest.Server{}).Endpoint: nil,
	} {
		s, err := Dial(context.Background(), endpoint)
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: error %v, want %v", endpoint, err, want)
		}
		if err == nil {
			s.Close()
		}
	}
}

// TestFollow has jobs end in each way.
func TestFollow(t *testing.T) {
	const errorText = jobpb.JobMessage_JOB_MESSAGE_ERROR
	for _, c := range []struct {
		name   string
		job    func(s *jobservertest.Server, id string)
		want   error
		text   string
		states string
	}{
		{"done", func(s *jobservertest.Server, id string) { s.Move(id, jobpb.JobState_DONE) }, nil, "", "RUNNING DONE"},
		{"cancelled", func(s *jobservertest.Server, id string) { s.Move(id, jobpb.JobState_CANCELLED) }, ErrCancelled, "", "RUNNING CANCELLED"},
		{"failed, the cause first", func(s *jobservertest.Server, id string) {
			s.Say(id, errorText, "java.util.concurrent.ExecutionException: java.net.ConnectException: Connection refused\n\tat a.B\n")
			s.Move(id, jobpb.JobState_FAILED)
		}, ErrFailed, "the job failed: Connection refused", "RUNNING FAILED"},
		{"failed, the cause last", func(s *jobservertest.Server, id string) {
			s.Move(id, jobpb.JobState_FAILED)
			s.Say(id, errorText, "process bundle failed for instruction 4:\nwhile executing\n\tcaused by:\nDoFn[UID:8] failed:\nno device\n")
		}, ErrFailed, "the job failed: no device", "RUNNING FAILED"},
		{"failed, no cause", func(s *jobservertest.Server, id string) { s.Move(id, jobpb.JobState_FAILED) }, ErrFailed, "did not say why", "RUNNING FAILED"},
		{"failed for want of a restart", func(s *jobservertest.Server, id string) {
			s.Say(id, jobpb.JobMessage_JOB_MESSAGE_DEBUG, "JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy\nCaused by: x")
			s.Say(id, errorText, "org.apache.flink.x.RuntimeException: lost\n")
			s.Move(id, jobpb.JobState_FAILED)
		}, ErrNoRestart, "lost", "RUNNING FAILED"},
		{"forgotten", func(s *jobservertest.Server, id string) { s.Forget(id) }, ErrUnknown, "", "RUNNING"},
		{"a stream that breaks off", func(s *jobservertest.Server, id string) {
			s.BreakOff(id)
			s.Move(id, jobpb.JobState_DONE)
		}, nil, "", "RUNNING DONE"},
		{"an end that no stream tells", func(s *jobservertest.Server, id string) { s.MoveUnsaid(id, jobpb.JobState_CANCELLED) }, ErrCancelled, "", "RUNNING CANCELLED"},
		{"a server that goes away", func(s *jobservertest.Server, _ string) { s.Stop() }, ErrLost, "", "RUNNING"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := jobservertest.Start(t, &jobservertest.Server{})
			s := dial(t, fake.Endpoint)
			s.lostAfter, s.askEvery = 2*time.Second, 100*time.Millisecond
			id := submit(t, s, Job{Environment: "LOOPBACK"})
			var states []string
			err := s.Follow(context.Background(), id, func(state State) {
				if states = append(states, string(state)); len(states) == 1 {
					c.job(fake, id)
				}
			})
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want %v with %q", err, c.want, c.text)
			}
			if got := strings.Join(slices.Compact(states), " "); got != c.states {
				t.Errorf("states %s, want %s", got, c.states)
			}
		})
	}
}

// TestCancel cancels a job, and one that is not there.
func TestCancel(t *testing.T) {
	fake := jobservertest.Start(t, &jobservertest.Server{})
	s := dial(t, fake.Endpoint)
	id := submit(t, s, Job{Environment: "LOOPBACK"})
	if err := s.Cancel(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	if state, err := s.State(context.Background(), id); state != "CANCELLED" || !state.Ended() || err != nil {
		t.Errorf("state %s, %v", state, err)
	}
	if err := s.Cancel(context.Background(), "another"); !errors.Is(err, ErrUnknown) {
		t.Errorf("error %v, want ErrUnknown", err)
	}
}

// TestRequest looks at what a server is sent.
func TestRequest(t *testing.T) {
	fake := jobservertest.Start(t, &jobservertest.Server{})
	submit(t, dial(t, fake.Endpoint), Job{
		Environment: "PROCESS", Config: `{"command": "/boot"}`, Own: map[string]string{"own": "value"},
	})
	r := fake.Prepared()[0]
	own := r.GetPipelineOptions().GetFields()["beam:option:go_options:v1"].GetStructValue().GetFields()["options"].GetStructValue().GetFields()
	if got := own["own"].GetStringValue(); got != "value" {
		t.Errorf("own option %q", got)
	}
	for _, e := range r.GetPipeline().GetComponents().GetEnvironments() {
		if e.GetUrn() != "beam:env:process:v1" || !strings.Contains(string(e.GetPayload()), "/boot") {
			t.Errorf("environment %v", e)
		}
	}
}
