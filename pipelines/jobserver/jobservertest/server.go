// Package jobservertest has a job server for tests. It runs nothing: the test sets the
// state of a job.
package jobservertest

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Server is the job server. Its fields must be set before Start.
type Server struct {
	jobpb.UnimplementedJobServiceServer
	jobpb.UnimplementedArtifactStagingServiceServer

	Endpoint string
	// Begun, if set, is called in its own goroutine when a job starts.
	Begun func(id string, r *jobpb.PrepareJobRequest)
	// Stubborn makes cancelled jobs continue.
	Stubborn bool

	mu        sync.Mutex
	changed   *sync.Cond
	server    *grpc.Server
	prepared  []*jobpb.PrepareJobRequest
	cancelled []string
	jobs      map[string]*job
}

type job struct {
	state jobpb.JobState_Enum
	said  []*jobpb.JobMessagesResponse
	over  bool // no more messages
}

// Start starts a server that stops at the end of the test. Its jobs are RUNNING
// at first.
func Start(t *testing.T, s *Server) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Endpoint, s.jobs, s.changed = listener.Addr().String(), map[string]*job{}, sync.NewCond(&s.mu)
	s.server = grpc.NewServer()
	jobpb.RegisterJobServiceServer(s.server, s)
	jobpb.RegisterArtifactStagingServiceServer(s.server, s)
	go s.server.Serve(listener)
	t.Cleanup(s.Stop)
	return s
}

// Stop stops the server, as in a crash.
func (s *Server) Stop() {
	s.mu.Lock()
	for _, j := range s.jobs {
		j.over = true
	}
	s.changed.Broadcast()
	s.mu.Unlock()
	s.server.Stop()
}

// Prepared returns the requests for all jobs.
func (s *Server) Prepared() []*jobpb.PrepareJobRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prepared
}

// Cancelled returns the jobs that a client asked to cancel.
func (s *Server) Cancelled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cancelled
}

// Move sets the state of a job.
func (s *Server) Move(id string, state jobpb.JobState_Enum) {
	s.say(id, &jobpb.JobMessagesResponse{Response: &jobpb.JobMessagesResponse_StateResponse{StateResponse: &jobpb.JobStateEvent{State: state}}})
}

// MoveUnsaid sets the state of a job without sending it to streams.
func (s *Server) MoveUnsaid(id string, state jobpb.JobState_Enum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[id].state = state
}

// Say sends a message about a job.
func (s *Server) Say(id string, importance jobpb.JobMessage_MessageImportance, text string) {
	s.say(id, &jobpb.JobMessagesResponse{Response: &jobpb.JobMessagesResponse_MessageResponse{
		MessageResponse: &jobpb.JobMessage{Importance: importance, MessageText: text},
	}})
}

func (s *Server) say(id string, m *jobpb.JobMessagesResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[id]
	j.said = append(j.said, m)
	if r := m.GetStateResponse(); r != nil {
		j.state = r.GetState()
	}
	s.changed.Broadcast()
}

// BreakOff breaks the streams of a job once.
func (s *Server) BreakOff(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[id].said = append(s.jobs[id].said, nil)
	s.changed.Broadcast()
}

// Forget removes a job from the server.
func (s *Server) Forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[id].over = true
	delete(s.jobs, id)
	s.changed.Broadcast()
}

// GetJobs implements Beam's service.
func (s *Server) GetJobs(context.Context, *jobpb.GetJobsRequest) (*jobpb.GetJobsResponse, error) {
	return &jobpb.GetJobsResponse{}, nil
}

// Prepare implements Beam's service.
func (s *Server) Prepare(_ context.Context, r *jobpb.PrepareJobRequest) (*jobpb.PrepareJobResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepared = append(s.prepared, r)
	return &jobpb.PrepareJobResponse{
		PreparationId: fmt.Sprint(len(s.prepared) - 1), ArtifactStagingEndpoint: &pipepb.ApiServiceDescriptor{Url: s.Endpoint}, StagingSessionToken: "token",
	}, nil
}

// ReverseArtifactRetrievalService implements Beam's service: it wants no artifact.
func (s *Server) ReverseArtifactRetrievalService(stream jobpb.ArtifactStagingService_ReverseArtifactRetrievalServiceServer) error {
	_, err := stream.Recv()
	return err
}

// Run implements Beam's service.
func (s *Server) Run(_ context.Context, r *jobpb.RunJobRequest) (*jobpb.RunJobResponse, error) {
	s.mu.Lock()
	n, err := strconv.Atoi(r.GetPreparationId())
	if err != nil || n >= len(s.prepared) {
		s.mu.Unlock()
		return nil, status.Errorf(codes.NotFound, "preparation %s", r.GetPreparationId())
	}
	id, request := fmt.Sprint("job-", n), s.prepared[n]
	s.jobs[id] = &job{}
	s.mu.Unlock()
	s.Move(id, jobpb.JobState_RUNNING)
	if s.Begun != nil {
		go s.Begun(id, request)
	}
	return &jobpb.RunJobResponse{JobId: id}, nil
}

// GetState implements Beam's service.
func (s *Server) GetState(_ context.Context, r *jobpb.GetJobStateRequest) (*jobpb.JobStateEvent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[r.GetJobId()]
	if j == nil {
		return nil, unknown(r.GetJobId())
	}
	return &jobpb.JobStateEvent{State: j.state}, nil
}

func unknown(id string) error { return status.Errorf(codes.NotFound, "job %s", id) }

// Cancel implements Beam's service.
func (s *Server) Cancel(_ context.Context, r *jobpb.CancelJobRequest) (*jobpb.CancelJobResponse, error) {
	s.mu.Lock()
	known := s.jobs[r.GetJobId()] != nil
	s.cancelled = append(s.cancelled, r.GetJobId())
	s.mu.Unlock()
	if !known {
		return nil, unknown(r.GetJobId())
	}
	if s.Stubborn {
		return &jobpb.CancelJobResponse{State: jobpb.JobState_CANCELLING}, nil
	}
	s.Move(r.GetJobId(), jobpb.JobState_CANCELLED)
	return &jobpb.CancelJobResponse{State: jobpb.JobState_CANCELLED}, nil
}

// GetMessageStream implements Beam's service.
func (s *Server) GetMessageStream(r *jobpb.JobMessagesRequest, stream jobpb.JobService_GetMessageStreamServer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[r.GetJobId()]
	if j == nil {
		return unknown(r.GetJobId())
	}
	stop := context.AfterFunc(stream.Context(), func() { s.mu.Lock(); s.changed.Broadcast(); s.mu.Unlock() })
	defer stop()
	for next := 0; !j.over && stream.Context().Err() == nil; {
		if next == len(j.said) {
			s.changed.Wait()
			continue
		}
		m := j.said[next]
		if m == nil {
			j.said = append(j.said[:next:next], j.said[next+1:]...)
			return status.Error(codes.Unavailable, "broken off")
		}
		next++
		s.mu.Unlock()
		err := stream.Send(m)
		s.mu.Lock()
		if err != nil {
			return err
		}
	}
	return nil
}
