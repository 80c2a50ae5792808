package pipelines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/pipelines/jobserver"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// endTime is how long a cancelled job may take to end. Flink gives a task 30 s before it
// interrupts it again. Dataflow takes its machines down first.
func endTime(runner string) time.Duration {
	if runner == dataflowRunner {
		return 10 * time.Minute
	}
	return time.Minute
}

// diskDelay is how long a network file system may hide a new file from a process that
// looked for it before: 30 s on NFS.
const diskDelay = 35 * time.Second

// settleTime is the time for workers to notice that a job is cancelled and to finish.
// Steps of a model take milliseconds, and results are written within a second.
const settleTime = 2 * time.Second

// ErrRunning reports a job that continues although this process no longer waits for
// it.
var ErrRunning = errors.New("the job runs on")

// Wait waits for the end of the job and returns its summary as [Generate] does. If the
// job did not complete, what it has done is published first. If the context ends, the
// job continues, and the error wraps [ErrRunning] and the context's.
func (s *Submission) Wait(ctx context.Context) (report.Summary, error) {
	return s.wait(ctx, func() {})
}

// follow is [Submission.Wait] for the process that started the job: if the context ends,
// it cancels the job and waits for its end.
func (s *Submission) follow(ctx context.Context) (report.Summary, error) {
	waiting, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	stop := context.AfterFunc(ctx, func() {
		transforms.Notify(transforms.Event{Kind: transforms.Moved, State: "CANCELLING"})
		s.Cancel(waiting) // if this fails, the job does not end in time
		defer time.AfterFunc(s.most, giveUp).Stop()
		<-waiting.Done()
	})
	defer stop()
	summary, err := s.wait(waiting, giveUp)
	if ctx.Err() != nil && err != nil && !errors.Is(err, ErrCancelled) {
		err = fmt.Errorf("pipelines: %w: %w: %w", ErrCancelled, context.Cause(ctx), err)
	}
	return summary, err
}

func (s *Submission) wait(ctx context.Context, over func()) (report.Summary, error) {
	defer over()
	job, jerr := s.job() // before another waiting process removes it
	if jerr != nil {
		return report.Summary{}, jerr
	}
	err := s.ended(ctx, job.Requests)
	if errors.Is(err, jobserver.ErrFailed) && s.givenUp() { // its workers were faster than its runner
		err = jobserver.ErrCancelled
	}
	for begun := time.Now(); err == nil && !s.published() && time.Since(begun) < s.delay; {
		time.Sleep(time.Second)
	}
	switch {
	case s.published():
		err = nil
		noteFailures(s.folder, job.Requests)
	case ctx.Err() != nil:
		return report.Summary{}, fmt.Errorf("pipelines: %w: %s: %w", ErrRunning, s, context.Cause(ctx))
	case slices.ContainsFunc(unseen, func(u error) bool { return errors.Is(err, u) }):
		return report.Summary{}, fmt.Errorf("pipelines: %w, perhaps: %s: %w", ErrRunning, s, err)
	case err == nil:
		err = errNotPublished
	default: // a worker may still be at work
		if serr := s.stopWorkers(); serr == nil {
			time.Sleep(settleTime)
		}
	}
	summary, err := job.conclude(ctx, remains{}, err)
	return summary, errors.Join(err, job.sweep(), s.forget())
}

// unseen are errors after which a job may be running.
var unseen = []error{jobserver.ErrLost, jobserver.ErrUnreachable, jobserver.ErrNotServer, jobserver.ErrDenied}

// errNotPublished is of workers with another file system than this process.
var errNotPublished = errors.New("its workers wrote nothing to the run's folder: they must mount it in the same place")

// ended follows the job to its end and notifies the observer.
func (s *Submission) ended(ctx context.Context, requests []request.Request) error {
	if s.published() {
		return nil
	}
	if s.ID == "" {
		return jobserver.ErrUnknown
	}
	server, err := dial(ctx, s.Runner, s.Endpoint)
	if err != nil {
		return err
	}
	defer server.Close()
	w := newWatch(s.folder, s.Run, requests)
	defer w.start()()
	return server.Follow(ctx, s.ID, func(state jobserver.State) {
		transforms.Notify(transforms.Event{Kind: transforms.Moved, ID: s.ID, State: string(state)})
	})
}

// CheckJobs returns an error wrapping [ErrOut] if another process, or a job of other
// processes, is writing the same results into the job's folder. It concludes ended jobs.
func CheckJobs(ctx context.Context, job Job, action string) error {
	if err := job.checkAlone(); err != nil {
		return err
	}
	all, err := Submissions(job.Settings.Out)
	if err != nil && !store.Stored(job.Settings.Out) {
		err = fmt.Errorf("%w: %w", ErrOut, err)
	}
	if err != nil {
		return err
	}
	for i := range all {
		s := &all[i]
		if s.Settings.Action != action || s.Settings.Spec.Family != job.Settings.Spec.Family {
			continue
		}
		if s.ID == "" { // its submission is in progress or failed
			if time.Since(s.Begun) > time.Hour {
				s.forget()
			}
			continue
		}
		state, err := s.State(ctx)
		switch {
		case errors.Is(err, jobserver.ErrUnknown), err == nil && state.Ended():
			s.Wait(ctx) // the error concerns another run
		case err != nil:
			return fmt.Errorf("%w: %s may be running into it, but: %w; if that is over, remove %s", ErrOut, s, err, store.Join(s.folder, JobsFolder, s.Run+".*"))
		default:
			return fmt.Errorf("%w: %s is %s into it; see morton status, wait and cancel", ErrOut, s, state)
		}
	}
	return nil
}
