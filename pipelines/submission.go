package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/pipelines/jobserver"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// JobsFolder is the folder in Settings.Out with the running jobs of other processes:
// a record each, and the requests.
const JobsFolder = transforms.JobsFolder

// Submission is a job that runs in other processes. Any process that sees its folder can
// return to it.
type Submission struct {
	Run      string              `json:"run"` // unique name
	Runner   string              `json:"runner"`
	Endpoint string              `json:"endpoint"` // of its job server, or the URL of Dataflow's jobs
	ID       string              `json:"job"`      // by the server; empty while it is submitted
	Settings transforms.Settings `json:"settings"`
	Folder   string              `json:"folder"` // base of relative inputs
	Asked    int                 `json:"asked"`  // requests
	Command  string              `json:"command,omitempty"`
	Begun    time.Time           `json:"begun"`

	folder string        // the record's folder: Settings.Out, perhaps by another name
	delay  time.Duration // until files of other hosts are visible
	most   time.Duration // for a cancelled job to end
}

// String names the job for users.
func (s *Submission) String() string {
	return fmt.Sprintf("job %s on %s %s", s.ID, s.Runner, s.Endpoint)
}

// maxRecordBytes bounds a record.
const maxRecordBytes = 1 << 20

// Submissions returns the jobs recorded in a folder, oldest first. Errors are the file
// system's, or wrap [ErrOut].
func Submissions(folder string) ([]Submission, error) {
	entries, err := store.ReadDir(store.Join(folder, JobsFolder))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Submission
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		s, err := readSubmission(folder, e.Name())
		if errors.Is(err, fs.ErrNotExist) { // it has ended in the meantime
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func readSubmission(folder, name string) (s Submission, err error) {
	path := store.Join(folder, JobsFolder, name)
	f, err := store.Open(path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	if s, err = decodeSubmission(f); err == nil && s.Run+".json" != name {
		err = fmt.Errorf("%w: it is of run %q", ErrOut, s.Run)
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.folder, s.delay, s.most = folder, diskDelay, endTime(s.Runner)
	return s, nil
}

// decodeSubmission reads the bytes of a record. The error wraps [ErrOut].
func decodeSubmission(r io.Reader) (s Submission, err error) {
	data, err := io.ReadAll(io.LimitReader(r, maxRecordBytes+1))
	switch {
	case err != nil:
		return s, err
	case len(data) > maxRecordBytes:
		return s, fmt.Errorf("%w: a job's record is at most %d bytes", ErrOut, maxRecordBytes)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%w: no record of a job: %w", ErrOut, err)
	}
	if !filepath.IsLocal(s.Run) || s.Run != filepath.Base(s.Run) || s.Settings.Out == "" {
		return s, fmt.Errorf("%w: no record of a job", ErrOut)
	}
	return s, nil
}

func (s *Submission) recordFile() string {
	return store.Join(s.folder, transforms.RecordFile(s.Run))
}

// manifest is the file of the job's requests, read by its workers.
func (s *Submission) manifest() string { return store.Join(s.folder, JobsFolder, s.Run+".jsonl") }

func (s *Submission) stopFile() string { return store.Join(s.folder, transforms.StopFile(s.Run)) }

// save writes the record. The first one must not replace another.
func (s *Submission) save(first bool) error {
	write := store.Replace
	if first {
		write = store.New
	}
	return write(s.recordFile(), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	})
}

// forget removes the record and the requests of an ended job.
func (s *Submission) forget() error {
	for _, path := range []string{s.recordFile(), s.manifest(), s.stopFile()} {
		if err := store.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := s.forgetShared(); err != nil {
		return err
	}
	if !store.Stored(s.folder) {
		os.Remove(filepath.Join(s.folder, JobsFolder)) // fails if another job's record is in it
	}
	return nil
}

// forgetShared removes what the job's workers told each other.
func (s *Submission) forgetShared() error {
	folder := store.Join(s.folder, transforms.ShareFolder(s.Run))
	if !store.Stored(folder) {
		return os.RemoveAll(folder)
	}
	entries, err := store.ReadDir(folder)
	if err != nil {
		return err
	}
	return store.Each(folder, len(entries), func(i int) error { return store.Remove(store.Join(folder, entries[i].Name())) })
}

// Submit starts a job in other processes and returns without waiting for it. action is
// as in package report. Errors are those of [Generate] before a run, and jobserver's.
func Submit(ctx context.Context, job Job, action string) (*Submission, error) {
	release, err := job.begin(action)
	if err != nil {
		return nil, err
	}
	defer release()
	return job.submit(ctx)
}

// submit writes the job's record and requests for its workers and later processes, and
// sends its graph to the job server.
func (j *Job) submit(ctx context.Context) (*Submission, error) {
	server, err := dial(ctx, j.Runner, j.endpoint())
	if err != nil {
		return nil, err
	}
	defer server.Close()
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	j.Settings.Run, j.from, j.elsewhere = transforms.NewRunName(), here, true
	s := &Submission{
		Run: j.Settings.Run, Runner: j.Runner, Endpoint: j.endpoint(), Settings: j.Settings, Folder: here, Asked: len(j.Requests), Command: j.Command, Begun: j.Begun,
		folder: j.Settings.Out, delay: diskDelay, most: endTime(j.Runner),
	}
	if err := store.MkdirAll(store.Join(s.folder, JobsFolder)); err != nil {
		return nil, err
	}
	if err := j.submitTo(ctx, server, s); err != nil {
		return nil, errors.Join(err, s.forget())
	}
	return s, nil
}

func (j *Job) submitTo(ctx context.Context, server service, s *Submission) error {
	if err := s.save(true); err != nil {
		return err
	}
	if err := writeManifest(s.manifest(), j.Requests); err != nil {
		return err
	}
	ask, err := j.ask(s.manifest())
	if err != nil {
		return err
	}
	if s.ID, err = server.Submit(ctx, ask); err != nil {
		return fmt.Errorf("pipelines: %w: %w", ErrRun, err)
	}
	if err := s.save(false); err != nil { // without a record no process could return to it
		return errors.Join(err, server.Cancel(context.WithoutCancel(ctx), s.ID))
	}
	return nil
}

// job returns the submitted job.
func (s *Submission) job() (Job, error) {
	requests, err := s.requests()
	job := Job{
		Settings: s.Settings, Requests: requests, Runner: s.Runner, Command: s.Command, Begun: s.Begun, Shards: s.Settings.Shards,
		elsewhere: true, from: s.Folder, prepared: s.Settings.Action,
	}
	job.Settings.Out = s.folder
	return job, err
}

// requests reads the job's requests. They do not exist if the run is over, or if its
// submission failed early.
func (s *Submission) requests() ([]request.Request, error) {
	f, err := store.Open(s.manifest())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return request.DecodeManifest(f, request.Request{})
}

// State asks what the job does. Where its runner has forgotten it, and where it was not
// submitted, the error wraps [jobserver.ErrUnknown].
func (s *Submission) State(ctx context.Context) (jobserver.State, error) {
	if s.published() {
		return "DONE", nil
	}
	if s.ID == "" {
		return "", jobserver.ErrUnknown
	}
	server, err := dial(ctx, s.Runner, s.Endpoint)
	if err != nil {
		return "", err
	}
	defer server.Close()
	return server.State(ctx, s.ID)
}

// published reports whether the run has written its summary.
func (s *Submission) published() bool {
	summary, err := report.ReadSummary(s.folder)
	return err == nil && summary.Run == s.Run
}

// Results returns the number of results so far.
func (s *Submission) Results() (int, error) {
	job, err := s.job()
	if err != nil {
		return 0, err
	}
	w := newWatch(s.folder, s.Run, job.Requests)
	return w.look(func(report.Outcome) {})
}

// Cancel asks the runner to end the job, and the job's workers to stop.
// [Submission.Wait] waits for their end.
func (s *Submission) Cancel(ctx context.Context) error {
	return errors.Join(s.cancel(ctx), s.stopWorkers())
}

// stopWorkers tells the job's workers that it is cancelled.
func (s *Submission) stopWorkers() error {
	if store.Stored(s.folder) {
		if _, err := store.Lstat(s.recordFile()); errors.Is(err, fs.ErrNotExist) { // the job is over
			return nil
		}
		return store.Replace(s.stopFile(), func(io.Writer) error { return nil })
	}
	err := os.WriteFile(s.stopFile(), nil, 0o644)
	if errors.Is(err, fs.ErrNotExist) { // the job is over
		return nil
	}
	return err
}

// givenUp reports whether that was done.
func (s *Submission) givenUp() bool {
	_, err := store.Lstat(s.stopFile())
	return err == nil
}

func (s *Submission) cancel(ctx context.Context) error {
	if s.ID == "" {
		return jobserver.ErrUnknown
	}
	server, err := dial(ctx, s.Runner, s.Endpoint)
	if err != nil {
		return err
	}
	defer server.Close()
	return server.Cancel(ctx, s.ID)
}
