package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"google.golang.org/grpc"
)

// Pool starts workers for runners on request, as for --environment_type EXTERNAL. Each
// job and each task manager of a runner gets its own workers, even if their names are
// equal.
type Pool struct {
	fnpb.UnimplementedBeamFnExternalWorkerPoolServer

	log   io.Writer     // gets a line for each start and end of a worker
	grace time.Duration // for a worker to end by itself

	mu      sync.Mutex
	closed  bool
	workers map[key]*process
}

// key identifies a worker: a runner's names are unique per endpoint.
type key struct{ id, control string }

func newPool(log io.Writer) *Pool { return &Pool{log: log, grace: unwind, workers: map[key]*process{}} }

// Serve serves a pool until the context ends, then ends its workers.
func Serve(ctx context.Context, listener net.Listener, log io.Writer) error {
	p := newPool(log)
	server := grpc.NewServer()
	fnpb.RegisterBeamFnExternalWorkerPoolServer(server, p)
	stopped := context.AfterFunc(ctx, server.Stop)
	defer stopped()
	err := server.Serve(listener)
	p.close()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// StartWorker implements Beam's service. A start error is in the answer, and thereby
// in the job's error.
func (p *Pool) StartWorker(ctx context.Context, r *fnpb.StartWorkerRequest) (*fnpb.StartWorkerResponse, error) {
	if err := p.start(ctx, r); err != nil {
		p.note("worker %s: %v", r.GetWorkerId(), err)
		return &fnpb.StartWorkerResponse{Error: "morton worker-pool: " + err.Error()}, nil
	}
	return &fnpb.StartWorkerResponse{}, nil
}

func (p *Pool) start(ctx context.Context, r *fnpb.StartWorkerRequest) error {
	k := key{r.GetWorkerId(), r.GetControlEndpoint().GetUrl()}
	if err := p.reserve(k); err != nil {
		return err
	}
	o := order{
		id: r.GetWorkerId(), provision: r.GetProvisionEndpoint().GetUrl(), artifact: r.GetArtifactEndpoint().GetUrl(),
		logging: r.GetLoggingEndpoint().GetUrl(), control: r.GetControlEndpoint().GetUrl(),
	}
	ready := make(chan struct{})
	w, err := launch(ctx, o, func(err error) {
		<-ready
		p.ended(k, err)
	})
	defer close(ready)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		delete(p.workers, k)
		return err
	case p.closed:
		go w.stop()
		return errClosed
	}
	p.workers[k] = w
	p.note("worker %s, process %d, begins", k.id, w.cmd.Process.Pid)
	return nil
}

var errClosed = errors.New("the pool is closing")

// reserve ensures that a worker is started once.
func (p *Pool) reserve(k key) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosed
	}
	if _, there := p.workers[k]; there {
		return fmt.Errorf("worker %s of %s is there", k.id, k.control)
	}
	p.workers[k] = nil
	return nil
}

func (p *Pool) ended(k key, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.workers, k)
	if err != nil {
		p.note("worker %s ends: %v", k.id, err)
		return
	}
	p.note("worker %s ends", k.id)
}

func (p *Pool) note(format string, args ...any) {
	fmt.Fprintf(p.log, time.Now().Format(time.DateTime)+" "+format+"\n", args...)
}

// StopWorker implements Beam's service. A worker ends by itself when its runner closes
// the connection. It is also stopped if it is the only one of its name, since the
// request does not identify the runner.
func (p *Pool) StopWorker(_ context.Context, r *fnpb.StopWorkerRequest) (*fnpb.StopWorkerResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var named []*process
	for k, w := range p.workers {
		if k.id == r.GetWorkerId() && w != nil {
			named = append(named, w)
		}
	}
	if len(named) == 1 {
		go func() {
			select {
			case <-named[0].over:
			case <-time.After(p.grace):
				named[0].stop()
			}
		}()
	}
	return &fnpb.StopWorkerResponse{}, nil
}

// close ends all workers and waits for them.
func (p *Pool) close() {
	p.mu.Lock()
	p.closed = true
	var wait sync.WaitGroup
	for _, w := range p.workers {
		if w != nil {
			wait.Go(w.stop)
		}
	}
	p.mu.Unlock()
	wait.Wait()
}
