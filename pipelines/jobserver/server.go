package jobserver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Errors a caller can branch on.
var (
	// ErrUnreachable reports an endpoint that does not answer.
	ErrUnreachable = errors.New("nobody answers")
	// ErrNotServer reports an endpoint where something else than a job server answers.
	ErrNotServer = errors.New("no job server of Beam's")
	// ErrDenied reports a server that does not take the caller's credentials, or wants some.
	ErrDenied = errors.New("the service refuses the credentials")
	// ErrUnknown reports a job that the server does not know, or no longer.
	ErrUnknown = errors.New("the job server does not know the job")
	// ErrCancelled reports a cancelled job.
	ErrCancelled = errors.New("the job was cancelled")
	// ErrFailed reports a job that failed; the error has the cause.
	ErrFailed = errors.New("the job failed")
	// ErrLost reports a server that no longer answers while its job may continue.
	ErrLost = errors.New("the job server no longer answers")
)

// answerTime is the time for a server to answer a small request. Flink's takes
// milliseconds.
const answerTime = 15 * time.Second

// Server is a client of a job server. It is safe for concurrent use.
type Server struct {
	client jobpb.JobServiceClient
	conn   *grpc.ClientConn // nil if the server is in this process

	lostAfter time.Duration // without an answer
	askEvery  time.Duration // interval of state requests
}

// askTime bounds the delay in noticing an end. Flink's job server sends a state to one
// client after the other, and to none after a disconnected one.
const askTime = 5 * time.Second

// lostTime is how long a job server may be unreachable: in a container it takes
// about a minute to restart.
const lostTime = 2 * time.Minute

// New returns a server with the given client.
func New(client jobpb.JobServiceClient) *Server {
	return &Server{client: client, lostAfter: lostTime, askEvery: askTime}
}

// Dial connects to the server at an endpoint, host:port, and checks that it is a job
// server. The error wraps [ErrUnreachable] or [ErrNotServer].
func Dial(ctx context.Context, endpoint string) (*Server, error) {
	conn, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)))
	if err != nil {
		return nil, fmt.Errorf("jobserver.Dial: %w: %w", ErrUnreachable, err)
	}
	s := New(jobpb.NewJobServiceClient(conn))
	s.conn = conn
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if _, err := s.client.GetJobs(ctx, &jobpb.GetJobsRequest{}); err != nil {
		if err = notServer(err); err != nil {
			return nil, errors.Join(fmt.Errorf("jobserver.Dial: %w", err), conn.Close())
		}
	}
	return s, nil
}

// notServer classifies the error of the first request. A server need not implement
// listing jobs.
func notServer(err error) error {
	text := status.Convert(err).Message()
	switch code := status.Code(err); {
	case code == codes.Unimplemented && !strings.Contains(text, "HTTP"):
		return nil
	case code == codes.Unavailable && !strings.Contains(text, "preface"):
		return fmt.Errorf("%w: %s", ErrUnreachable, lastPart(text))
	case code == codes.DeadlineExceeded:
		return fmt.Errorf("%w within %v", ErrUnreachable, answerTime)
	}
	return fmt.Errorf("%w: %s", ErrNotServer, lastPart(text))
}

// lastPart returns the end of gRPC's error text, which has the cause.
func lastPart(text string) string {
	if i := strings.LastIndex(text, "desc = "); i >= 0 {
		text = text[i+len("desc = "):]
	}
	return strings.Trim(text, `"`)
}

// Close closes the connection. Jobs continue.
func (s *Server) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}

// State is a job's state by Beam's name: RUNNING, DONE, FAILED, CANCELLED and others.
type State string

func stateOf(s jobpb.JobState_Enum) State { return State(s.String()) }

// Ended reports whether the state is final.
func (s State) Ended() bool {
	switch s {
	case "DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED":
		return true
	}
	return false
}

// State returns the state of a job. The error wraps [ErrUnknown] or [ErrLost].
func (s *Server) State(ctx context.Context, id string) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	r, err := s.client.GetState(ctx, &jobpb.GetJobStateRequest{JobId: id})
	if err != nil {
		return "", fmt.Errorf("jobserver.State: %w", kindOf(err))
	}
	return stateOf(r.GetState()), nil
}

// Cancel asks the server to cancel a job, which takes a while: see [Server.Follow]. The
// error wraps [ErrUnknown] or [ErrLost].
func (s *Server) Cancel(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if _, err := s.client.Cancel(ctx, &jobpb.CancelJobRequest{JobId: id}); err != nil {
		return fmt.Errorf("jobserver.Cancel: %w", kindOf(err))
	}
	return nil
}

// kindOf classifies an error of a server. Flink's answers NOT_FOUND, or an
// exception with that meaning, for a job that it has forgotten.
func kindOf(err error) error {
	switch status.Code(err) {
	case codes.NotFound:
		return ErrUnknown
	case codes.Unavailable, codes.DeadlineExceeded:
		return fmt.Errorf("%w: %s", ErrLost, lastPart(status.Convert(err).Message()))
	}
	return err
}
