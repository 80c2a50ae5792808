package dataflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	df "google.golang.org/api/dataflow/v1b3"

	"github.com/morton-gen/morton/pipelines/jobserver"
)

// askTime is how late an end may be known. The service answers some thousand questions a
// minute, and a job takes minutes to begin.
const askTime = 5 * time.Second

// firstAsk is the pause after the first question; it doubles up to askTime.
const firstAsk = 500 * time.Millisecond

// lostTime is how long a job may be out of sight.
const lostTime = 5 * time.Minute

// Follow waits for the end of a job and tells on of each new state. It returns nil if the
// job is done. Else the error wraps [jobserver.ErrCancelled], [jobserver.ErrFailed],
// [jobserver.ErrUnknown], or [jobserver.ErrLost] and [jobserver.ErrDenied] after minutes of
// them, or is the context's; the job then goes on. What the service says meanwhile goes to
// Beam's log.
func (s *Service) Follow(ctx context.Context, id string, on func(jobserver.State)) error {
	var last jobserver.State
	said := teller{told: map[string]bool{}}
	seen := time.Now()
	for pause := firstAsk; ; pause = min(2*pause, s.askEvery) {
		state, err := s.State(ctx, id)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, jobserver.ErrUnknown), err != nil && time.Since(seen) > s.lostAfter:
			return fmt.Errorf("dataflow.Follow: %w", err)
		case err == nil:
			seen = time.Now()
			if state != last {
				last = state
				on(state)
			}
			s.tell(ctx, id, &said)
		}
		if state.Ended() {
			return s.end(ctx, id, state)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(pause, s.askEvery)):
		}
	}
}

// teller knows what was logged of a job.
type teller struct {
	told map[string]bool // ids of messages
	last string          // the time of the newest, in RFC 3339
}

// tell logs what the service has said about a job and was not logged before. It may be
// out of reach: the end asks again.
func (s *Service) tell(ctx context.Context, id string, said *teller) {
	messages, err := s.messages(ctx, id, "JOB_MESSAGE_BASIC", said.last)
	if err != nil {
		return
	}
	for _, m := range messages {
		if said.told[m.Id] {
			continue
		}
		said.told[m.Id], said.last = true, m.Time
		if m.MessageImportance == "JOB_MESSAGE_ERROR" {
			log.Error(ctx, m.MessageText)
		} else {
			log.Info(ctx, m.MessageText)
		}
	}
}

// maxPages bounds the messages of a job that are read, 100 a page.
const maxPages = 50

// messages returns what the service has said about a job since a time, "" being the
// beginning, the oldest first.
func (s *Service) messages(ctx context.Context, id, importance, since string) (all []*df.JobMessage, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	list := s.api.Projects.Locations.Jobs.Messages.List(s.project, s.region, id).MinimumImportance(importance).PageSize(100).Context(ctx)
	if since != "" {
		list.StartTime(since)
	}
	for range maxPages {
		page, err := list.Do()
		if err != nil {
			return nil, kindOf(err)
		}
		all = append(all, page.JobMessages...)
		if page.NextPageToken == "" {
			break
		}
		list.PageToken(page.NextPageToken)
	}
	return all, nil
}

// end puts a job's last state into an error.
func (s *Service) end(ctx context.Context, id string, state jobserver.State) error {
	switch state {
	case "CANCELLED", "DRAINED":
		return jobserver.ErrCancelled
	case "FAILED":
		messages, err := s.messages(ctx, id, "JOB_MESSAGE_ERROR", "")
		if err != nil {
			return fmt.Errorf("%w, and why is not known: %w", jobserver.ErrFailed, err)
		}
		return fmt.Errorf("%w: %s", jobserver.ErrFailed, cause(messages))
	}
	return nil
}

// cause returns the line that says why a job failed. The service's last word names steps
// alone ("Workflow failed. Causes: S03 failed"); what a worker said came before.
func cause(messages []*df.JobMessage) string {
	text := ""
	for _, m := range messages {
		if !strings.HasPrefix(m.MessageText, "Workflow failed") || text == "" {
			text = m.MessageText
		}
	}
	return jobserver.Cause(text)
}
