package dataflowtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	df "google.golang.org/api/dataflow/v1b3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/morton-gen/morton/internal/store"
)

// Machines are what the fake has jobs run on.
type Machines struct {
	Prism string            // the endpoint of Beam's local runner
	Image string            // the entry point of the image: boot code
	Env   map[string]string // of its containers
}

// maxStaged bounds what is read from where a job was staged.
const maxStaged = 1 << 30

// Run runs a job as the service does, from what stands in the store alone, and moves it
// through its states. The graph is the staged one, after its digest was compared. Its
// workers are started with Beam's container contract by the image's entry point, and get
// the staged binary, where they want it, from the artifact service. In place of the
// service's own scheduler there is Prism, and in place of a container a process.
func (s *Server) Run(id string, asked *df.Job, on Machines) {
	if err := s.run(context.Background(), id, asked, on); err != nil {
		s.Say(id, "ERROR", err.Error())
		s.Move(id, "FAILED")
	}
}

func (s *Server) run(ctx context.Context, id string, asked *df.Job, on Machines) error {
	graph, options, err := Staged(asked)
	if err != nil {
		return err
	}
	for _, e := range graph.GetComponents().GetEnvironments() {
		if e.GetUrn() != "beam:env:docker:v1" {
			return fmt.Errorf("environment %s", e.GetUrn())
		}
		e.Urn = "beam:env:process:v1"
		if e.Payload, err = proto.Marshal(&pipepb.ProcessPayload{Command: on.Image, Env: on.Env}); err != nil {
			return err
		}
	}
	conn, err := grpc.NewClient(on.Prism, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	jobs := jobpb.NewJobServiceClient(conn)
	prepared, err := jobs.Prepare(ctx, &jobpb.PrepareJobRequest{Pipeline: graph, PipelineOptions: options, JobName: asked.Name})
	if err != nil {
		return err
	}
	if err := serveArtifacts(ctx, jobpb.NewArtifactStagingServiceClient(conn), prepared.GetStagingSessionToken()); err != nil {
		return err
	}
	begun, err := jobs.Run(ctx, &jobpb.RunJobRequest{PreparationId: prepared.GetPreparationId()})
	if err != nil {
		return err
	}
	return s.relay(ctx, jobs, id, begun.GetJobId())
}

// Staged returns the graph of a job from where it was staged, and the options that workers
// are told.
func Staged(asked *df.Job) (*pipepb.Pipeline, *structpb.Struct, error) {
	var named struct {
		Options struct {
			URL  string `json:"pipelineUrl"`
			Hash string `json:"pipelineProtoHash"`
		} `json:"options"`
	}
	raw := asked.Environment.SdkPipelineOptions
	if err := json.Unmarshal(raw, &named); err != nil {
		return nil, nil, err
	}
	data, err := store.ReadFile(named.Options.URL, maxStaged)
	if err != nil {
		return nil, nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != named.Options.Hash {
		return nil, nil, errors.New("the graph's digest is another")
	}
	graph, options := &pipepb.Pipeline{}, &structpb.Struct{}
	return graph, options, errors.Join(proto.Unmarshal(data, graph), protojson.Unmarshal(raw, options))
}

// serveArtifacts gives Prism what a graph names by URL.
func serveArtifacts(ctx context.Context, client jobpb.ArtifactStagingServiceClient, token string) error {
	stream, err := client.ReverseArtifactRetrievalService(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&jobpb.ArtifactResponseWrapper{StagingToken: token}); err != nil {
		return err
	}
	for {
		wanted, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var at pipepb.ArtifactUrlPayload
		if err := proto.Unmarshal(wanted.GetGetArtifact().GetArtifact().GetTypePayload(), &at); err != nil {
			return err
		}
		data, err := store.ReadFile(at.GetUrl(), maxStaged)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(data, 1<<20) {
			if err := stream.Send(artifactPart(part, false)); err != nil {
				return err
			}
		}
		if err := stream.Send(artifactPart(nil, true)); err != nil {
			return err
		}
	}
}

func artifactPart(data []byte, last bool) *jobpb.ArtifactResponseWrapper {
	return &jobpb.ArtifactResponseWrapper{IsLast: last, Response: &jobpb.ArtifactResponseWrapper_GetArtifactResponse{
		GetArtifactResponse: &jobpb.GetArtifactResponse{Data: data},
	}}
}

// afterwords is how long Prism may take to say why a job failed: it says the state first.
const afterwords = 2 * time.Second

// relay has the job be in the states that Prism says, until one is the last.
func (s *Server) relay(ctx context.Context, jobs jobpb.JobServiceClient, id, theirs string) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	stream, err := jobs.GetMessageStream(ctx, &jobpb.JobMessagesRequest{JobId: theirs})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.jobs[id].cancel = func() { jobs.Cancel(ctx, &jobpb.CancelJobRequest{JobId: theirs}) }
	s.mu.Unlock()
	for failed := false; ; {
		m, err := stream.Recv()
		if err != nil && failed {
			s.step(id, "FAILED")
			return nil
		}
		if err != nil {
			return err
		}
		if said := m.GetMessageResponse(); said.GetImportance() >= jobpb.JobMessage_JOB_MESSAGE_ERROR {
			s.Say(id, "ERROR", "Error message from worker: "+said.GetMessageText())
		}
		switch state := m.GetStateResponse().GetState(); state {
		case jobpb.JobState_RUNNING, jobpb.JobState_CANCELLING:
			s.step(id, state.String())
		case jobpb.JobState_FAILED:
			failed = true
			time.AfterFunc(afterwords, end)
		case jobpb.JobState_DONE, jobpb.JobState_CANCELLED:
			s.step(id, state.String())
			return nil
		}
	}
}
