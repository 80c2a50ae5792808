package dataflow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	df "google.golang.org/api/dataflow/v1b3"

	"github.com/morton-gen/morton/pipelines/dataflow/dataflowtest"
	"github.com/morton-gen/morton/pipelines/jobserver"
)

// TestDial checks where credentials may be sent. A record in a folder names the endpoint,
// and others may have written it.
func TestDial(t *testing.T) {
	dataflowtest.Start(t, &dataflowtest.Server{})
	for at, want := range map[string]bool{
		Endpoint("", "p", "us-central1"):                                       true,
		Endpoint("https://dataflow.us-central1.rep.googleapis.com/", "p", "r"): true,
		Endpoint("http://127.0.0.1:1/", "p", "r"):                              true,
		Endpoint("http://localhost:1", "p", "r"):                               true,
		Endpoint("", "example.com:p", "r"):                                     true,
		Endpoint("http://dataflow.googleapis.com/", "p", "r"):                  false, // in the clear
		Endpoint("https://dataflow.googleapis.com:8443/", "p", "r"):            false,
		Endpoint("https://googleapis.com.example.com/", "p", "r"):              false,
		Endpoint("https://dataflow.googleapis.com@example.com/", "p", "r"):     false,
		Endpoint("https://examplegoogleapis.com/", "p", "r"):                   false,
		Endpoint("http://127.0.0.1.example.com/", "p", "r"):                    false,
		"https://example.com/?https://dataflow.googleapis.com/v1b3/projects/p": false,
		"": false, "localhost:8099": false,
	} {
		_, err := Dial(context.Background(), at)
		if (err == nil) != want || err != nil && !errors.Is(err, jobserver.ErrNotServer) {
			t.Errorf("%q: %v, want trust %v", at, err, want)
		}
	}
	s, err := Dial(context.Background(), Endpoint("", "example.com:p", "r"))
	if err != nil || s.project != "example.com:p" || s.region != "r" {
		t.Errorf("%+v, %v", s, err)
	}
}

// begin begins a job of a service that is asked often.
func begin(t *testing.T, fake *dataflowtest.Server) (*Service, string) {
	t.Helper()
	dataflowtest.Start(t, fake)
	s, err := Dial(context.Background(), Endpoint(fake.URL, "p", "r"))
	if err != nil {
		t.Fatal(err)
	}
	s.askEvery, s.lostAfter = time.Millisecond, time.Second
	job, err := s.api.Projects.Locations.Jobs.Create("p", "r", &df.Job{Name: "a"}).Do()
	if err != nil {
		t.Fatal(err)
	}
	return s, job.Id
}

// TestFollowOutOfSight follows jobs whose service does not answer for a while, or no more.
func TestFollowOutOfSight(t *testing.T) {
	for _, c := range []struct {
		status int
		back   bool
		want   error
	}{
		{http.StatusServiceUnavailable, true, nil},
		{http.StatusTooManyRequests, false, jobserver.ErrLost},
		{http.StatusForbidden, true, nil},
		{http.StatusUnauthorized, false, jobserver.ErrDenied},
	} {
		fake := &dataflowtest.Server{}
		s, id := begin(t, fake)
		var states []string
		err := s.Follow(context.Background(), id, func(state jobserver.State) {
			if states = append(states, string(state)); len(states) == 1 {
				fake.Down(c.status)
				if c.back {
					time.AfterFunc(s.lostAfter/4, func() { fake.Move(id, "DONE"); fake.Down(0) })
				}
			}
		})
		if !errors.Is(err, c.want) || c.back && strings.Join(states, " ") != "PENDING DONE" {
			t.Errorf("%d: %v, states %v", c.status, err, states)
		}
	}
}

// TestFollowEnds ends a caller's context: the job goes on.
func TestFollowEnds(t *testing.T) {
	fake := &dataflowtest.Server{}
	s, id := begin(t, fake)
	ctx, stop := context.WithCancel(context.Background())
	err := s.Follow(ctx, id, func(jobserver.State) { stop() })
	if !errors.Is(err, context.Canceled) || len(fake.Cancelled()) > 0 {
		t.Errorf("%v, cancelled %v", err, fake.Cancelled())
	}
	if _, err := s.State(context.Background(), "other"); !errors.Is(err, jobserver.ErrUnknown) {
		t.Errorf("a job that is not there: %v", err)
	}
	fake.Move(id, "DONE")
	if err := s.Cancel(context.Background(), id); err == nil || !strings.Contains(err.Error(), "Cannot cancel") {
		t.Errorf("a job that has ended: %v", err)
	}
}

// TestMessages has the service say more than a page while a job is followed. Each is
// logged once.
func TestMessages(t *testing.T) {
	var log strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	fake := &dataflowtest.Server{}
	s, id := begin(t, fake)
	for n := range 5 {
		fake.Say(id, "BASIC", fmt.Sprint("before-", n))
	}
	fake.Say(id, "DEBUG", "unimportant")
	time.AfterFunc(100*time.Millisecond, func() {
		fake.Say(id, "WARNING", "after-0")
		fake.Move(id, "DONE")
	})
	if err := s.Follow(context.Background(), id, func(jobserver.State) {}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"before-": 5, "after-": 1, "unimportant": 0} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q: logged %d times, want %d\n%s", text, got, want, log.String())
		}
	}
}

// TestCause finds why a job failed among what a service says.
func TestCause(t *testing.T) {
	for _, c := range []struct {
		said []string
		want string
	}{
		{nil, "the runner did not say why"},
		{[]string{"Workflow failed. Causes: S1"}, "Workflow failed. Causes: S1"},
		{[]string{"Error message from worker: a\n\tcaused by:\nno device", "Workflow failed. Causes: S1"}, "no device"},
		{[]string{"one", "two\nmore", "Workflow failed."}, "two"},
	} {
		var messages []*df.JobMessage
		for _, text := range c.said {
			messages = append(messages, &df.JobMessage{MessageText: text})
		}
		if got := cause(messages); got != c.want {
			t.Errorf("%q: %q, want %q", c.said, got, c.want)
		}
	}
}
