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

// afterwords is how long the server may take to say why a job failed once it has said
// that it did. Prism says the state first.
const afterwords = 3 * time.Second

// Follow waits for the end of a job and tells on of each new state. It returns nil if
// the job is done. Else the error wraps [ErrCancelled], [ErrFailed], [ErrUnknown] or
// [ErrLost], or is the context's; the job then goes on. What the server says meanwhile
// goes to Beam's log.
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

// follower is what a job's server has said.
type follower struct {
	on     func(State)
	client jobpb.JobServiceClient
	id     string

	state State
	heard bool // something, on the last stream
	cause string
	trace string // the longer text
}

// stream listens until the server ends the stream or breaks off. The state says whether
// the job has ended.
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

// awaitEnd calls ended when the job has ended, after the time in which a stream should
// have said so.
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

// ask asks for the state where a stream ends without it.
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
	if f.state = s; s != "STOPPED" { // which is Flink's word for a job that is not begun
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

// noRestart is how Flink names the strategy that it has by default.
const noRestart = "NoRestartBackoffTimeStrategy"

// ErrNoRestart reports a job that a runner ended at the first lost worker, because
// nothing tells it to begin again. It comes with [ErrFailed].
var ErrNoRestart = errors.New("the runner does not begin a job again")

// end puts the job's last state into an error.
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
	case strings.Contains(line, "CANCELLED: client cancelled"): // what is left of its connection
		return "a worker was lost (" + line + ")"
	}
	return line
}
