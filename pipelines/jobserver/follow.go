package jobserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
)

// afterwords is the time for the server to send the cause of a failure after the
// state. Prism sends the state first.
const afterwords = 3 * time.Second

// Follow waits for the end of a job and calls on for each new state. It returns nil if
// the job is done. Otherwise the error wraps [ErrCancelled], [ErrFailed], [ErrUnknown]
// or [ErrLost], or is the context's; the job then continues. The server's messages go
// to Beam's log.
func (s *Server) Follow(ctx context.Context, id string, on func(State)) error {
	f := &follower{on: on, client: s.client, id: id}
	for seen := time.Now(); ; {
		err := f.stream(ctx, s.askEvery)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if f.state.Ended() {
			return f.end()
		}
		if f.heard {
			seen, f.heard = time.Now(), false
		}
		if err = kindOf(err); errors.Is(err, ErrUnknown) {
			return fmt.Errorf("jobserver.Follow: %w", err)
		}
		if time.Since(seen) > s.lostAfter {
			return fmt.Errorf("jobserver.Follow: %w: %w", ErrLost, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// follower holds what a job's server has sent.
type follower struct {
	on     func(State)
	client jobpb.JobServiceClient
	id     string

	state State
	heard bool // anything, on the last stream
	cause string
	trace string // the longer text
}

// stream reads the stream until the server ends it or the connection breaks. The state
// shows whether the job has ended.
func (f *follower) stream(whole context.Context, askEvery time.Duration) error {
	ctx, cancel := context.WithCancel(whole)
	defer cancel()
	messages, err := f.client.GetMessageStream(ctx, &jobpb.JobMessagesRequest{JobId: f.id})
	if err != nil {
		return err
	}
	go f.awaitEnd(ctx, askEvery, cancel)
	for {
		m, err := messages.Recv()
		if errors.Is(err, io.EOF) || err != nil && ctx.Err() != nil && whole.Err() == nil {
			return f.ask(whole)
		}
		if err != nil {
			return err
		}
		f.heard = true
		if m.GetMessageResponse() != nil {
			f.message(ctx, m.GetMessageResponse())
		} else {
			f.move(stateOf(m.GetStateResponse().GetState()))
		}
		switch {
		case f.state == "FAILED" && f.cause == "":
			time.AfterFunc(afterwords, cancel)
		case f.state.Ended():
			return nil
		}
	}
}

// awaitEnd calls ended when the job has ended and a stream should have reported it.
func (f *follower) awaitEnd(ctx context.Context, every time.Duration, ended func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		r, err := f.client.GetState(ctx, &jobpb.GetJobStateRequest{JobId: f.id})
		if err == nil && stateOf(r.GetState()).Ended() {
			time.AfterFunc(afterwords, ended)
			return
		}
	}
}

// ask requests the state if a stream ended without it.
func (f *follower) ask(ctx context.Context) error {
	if f.state.Ended() {
		return nil
	}
	r, err := f.client.GetState(ctx, &jobpb.GetJobStateRequest{JobId: f.id})
	if err != nil {
		return err
	}
	f.heard = true
	f.move(stateOf(r.GetState()))
	return io.ErrUnexpectedEOF
}

func (f *follower) move(s State) {
	if s == f.state {
		return
	}
	if f.state = s; s != "STOPPED" { // Flink's state of a job that has not started
		f.on(s)
	}
}

func (f *follower) message(ctx context.Context, m *jobpb.JobMessage) {
	text := m.GetMessageText()
	if m.GetImportance() >= jobpb.JobMessage_JOB_MESSAGE_ERROR {
		log.Error(ctx, text)
		f.cause = text
		return
	}
	if strings.Contains(text, noRestart) {
		f.trace = text
	}
	log.Debug(ctx, text)
}

// noRestart is Flink's name of its default restart strategy.
const noRestart = "NoRestartBackoffTimeStrategy"

// ErrNoRestart reports a job that ended at the first lost worker because the
// runner has no restart strategy. It comes with [ErrFailed].
var ErrNoRestart = errors.New("the runner does not begin a job again")

// end turns the job's last state into an error.
func (f *follower) end() error {
	switch f.state {
	case "CANCELLED", "DRAINED":
		return ErrCancelled
	case "FAILED":
		err := fmt.Errorf("%w: %s", ErrFailed, Cause(f.cause))
		if f.trace != "" {
			err = fmt.Errorf("%w (%w)", err, ErrNoRestart)
		}
		return err
	}
	return nil
}

// Cause returns the line of a runner's last error that says why. Java and Go put the
// first cause last. The names of Java's exceptions are left out where more is said, and so
// is the name of a Go stage, which ends in a colon and stands on a line of its own.
func Cause(text string) string {
	for _, mark := range []string{"Caused by: ", "caused by:"} {
		if i := strings.LastIndex(text, mark); i >= 0 {
			text = text[i+len(mark):]
		}
	}
	line, rest, more := strings.Cut(strings.TrimSpace(text), "\n")
	for more && strings.HasSuffix(line, ":") {
		line, rest, more = strings.Cut(strings.TrimSpace(rest), "\n")
	}
	for {
		name, rest, ok := strings.Cut(line, ": ")
		if !ok || strings.ContainsAny(name, " /") || !strings.Contains(name, ".") || !strings.HasSuffix(name, "Exception") && !strings.HasSuffix(name, "Error") {
			break
		}
		line = rest
	}
	switch {
	case line == "":
		return "the runner did not say why"
	case strings.Contains(line, "CANCELLED: client cancelled"): // of the closed connection
		return "a worker was lost (" + line + ")"
	}
	return line
}
