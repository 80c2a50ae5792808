package pipelines

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/pipelines/jobserver"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// Generate runs the requests of one family through its model. It writes the results,
// results.jsonl, failures.jsonl, summary.json and the page into Settings.Out and
// returns the summary. Failed inputs are not an error.
//
// The error wraps ErrJob, ErrOut, ErrRun, ErrCancelled, ErrTooManyFailed or is the
// file system's. After all but the first two, finished results are published, and the
// failures that this process has seen; after ErrTooManyFailed these are all. A job that
// others cancelled is ErrCancelled too.
func Generate(ctx context.Context, job Job) (report.Summary, error) {
	return run(ctx, job, report.Generate)
}

// Tokenize encodes inputs of one family to shards in Settings.Out, which
// replace all other samples of the family. Otherwise it is like Generate,
// without a page.
func Tokenize(ctx context.Context, job Job) (report.Summary, error) {
	return run(ctx, job, report.Tokenize)
}

// Detokenize decodes samples (see [Samples]) to media. Otherwise it is like
// Generate.
func Detokenize(ctx context.Context, job Job) (report.Summary, error) {
	return run(ctx, job, report.Detokenize)
}

func run(ctx context.Context, job Job, action string) (report.Summary, error) {
	if job.submitted() {
		s, err := Submit(ctx, job, action)
		if err != nil {
			return report.Summary{}, err
		}
		return s.follow(ctx)
	}
	release, err := job.begin(action)
	if err != nil {
		return report.Summary{}, err
	}
	defer release()
	aside, err := atomicfile.CreateFolder(near(job.Settings.Out))
	if err != nil {
		return report.Summary{}, err
	}
	defer aside.Remove()
	manifest := aside.Path("requests.jsonl")
	if err := writeManifest(manifest, job.Requests); err != nil {
		return report.Summary{}, err
	}
	left, err := job.runHere(ctx, aside, manifest)
	return job.conclude(ctx, left, err)
}

// near is the place for temporary files of a folder: the folder itself, or the system's
// temporary folder for a store.
func near(folder string) string {
	if store.Stored(folder) {
		return os.TempDir()
	}
	return folder
}

// begin prepares the job, locks its folders until release is called, and merges its
// requests with those of the folder.
func (j *Job) begin(action string) (release func(), err error) {
	if err := Prepare(j, action); err != nil {
		return nil, err
	}
	if j.Runner == "" {
		j.Runner = "direct"
	}
	if j.Begun.IsZero() {
		j.Begun = time.Now()
	}
	if release, err = j.alone(); err != nil {
		return nil, err
	}
	if err := writeRequests(*j); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// conclude returns the summary of an ended job. If err says that the job did not
// complete, it publishes what was done.
func (j *Job) conclude(ctx context.Context, left remains, err error) (report.Summary, error) {
	if err != nil || ctx.Err() != nil {
		return salvage(ctx, *j, left, err)
	}
	summary, err := report.ReadSummary(j.Settings.Out)
	if errors.Is(err, fs.ErrNotExist) || err == nil && summary.Run != j.Settings.Run {
		return salvage(ctx, *j, left, errNotPublished)
	}
	if err == nil && (summary.Unreached > 0 || j.Settings.MaxFailed.Exceeded(summary.Done, summary.Failed)) {
		err = tooMany(j.Settings.MaxFailed, summary)
	}
	return summary, err
}

func tooMany(limit report.Threshold, s report.Summary) error {
	text := fmt.Sprintf("%d of %d, where %s may", s.Failed, s.Done+s.Failed, limit)
	if s.Unreached > 0 {
		text += fmt.Sprintf("; %d more not begun", s.Unreached)
	}
	return fmt.Errorf("%w: %s", ErrTooManyFailed, text)
}

// remains are what this process knows of an incomplete run.
type remains struct {
	failed []report.Outcome
	begun  int // requests
}

// runHere runs the job's graph and waits.
func (j *Job) runHere(ctx context.Context, aside *atomicfile.Folder, manifest string) (remains, error) {
	name, over := transforms.HaltWith(ctx)
	defer over()
	j.Settings.Run = name
	var err error
	if j.Portable() {
		err = j.runOnServer(ctx, aside, manifest)
	} else {
		p, s := beam.NewPipelineWithRoot()
		build(s, *j, manifest, chains[j.Settings.Action])
		_, err = beam.Run(context.WithoutCancel(ctx), j.Runner, p)
	}
	return remains{transforms.Failures(name), transforms.CountBegun(name)}, err
}

// salvage publishes the results of an incomplete run, and the failures known to this
// process.
func salvage(ctx context.Context, job Job, left remains, cause error) (report.Summary, error) {
	switch {
	case ctx.Err() != nil:
		cause = fmt.Errorf("pipelines: %w: %w", ErrCancelled, context.Cause(ctx))
	case errors.Is(cause, jobserver.ErrCancelled):
		cause = fmt.Errorf("pipelines: %w: %w", ErrCancelled, cause)
	default:
		cause = fmt.Errorf("pipelines: %w: %w", ErrRun, cause)
	}
	outcomes := withFailures(recoverAll(job), left.failed)
	r := job.run()
	r.Partial = true
	if job.InProcess() {
		r.Unreached, r.CutOff = unfinished(len(job.Requests), left.begun, outcomes)
	} else {
		r.CutOff = max(0, len(job.Requests)-len(outcomes)) // only others know which were started and which failed
	}
	if r.Action == report.Tokenize { // shards are complete or missing
		return report.Count(job.Settings.Out, outcomes, r), cause
	}
	summary, err := report.Publish(job.Settings.Out, outcomes, r)
	if err != nil && !errors.Is(cause, err) {
		cause = fmt.Errorf("%w; nor is all of it listed: %w", cause, err)
	}
	return summary, cause
}

// unfinished splits the requests without an outcome into not started and started ones.
func unfinished(asked, begun int, outcomes []report.Outcome) (unreached, cutOff int) {
	left := asked - len(outcomes)
	for _, o := range outcomes {
		if o.Done == nil || !o.Done.Skipped {
			begun--
		}
	}
	cutOff = min(max(begun, 0), left)
	return left - cutOff, cutOff
}

// withFailures adds each input's first failure to the outcomes, unless a later attempt
// had a result.
func withFailures(outcomes, failed []report.Outcome) []report.Outcome {
	type key struct {
		family request.Family
		id     string
	}
	seen := map[key]bool{}
	for _, o := range outcomes {
		seen[key{o.Done.Family, o.Done.ID}] = true
	}
	for _, o := range failed {
		if k := (key{o.Failed.Family, o.Failed.ID}); !seen[k] {
			seen[k] = true
			outcomes = append(outcomes, o)
		}
	}
	return outcomes
}

func recoverAll(job Job) []report.Outcome {
	byFamily := map[request.Family][]request.Request{}
	for _, r := range job.Requests {
		if r.Family != "" { // otherwise it can only fail
			byFamily[r.Family] = append(byFamily[r.Family], r)
		}
	}
	var outcomes []report.Outcome
	for f, requests := range byFamily {
		if name, ok := job.modelName(f); ok { // otherwise nothing was done
			outcomes = append(outcomes, report.Recover(job.Settings.Out, job.Settings.Action, name, job.Settings.Run, job.from, requests)...)
		}
	}
	return outcomes
}

// modelName returns the name of the model of a family: from the run's results, or by
// opening the model, which a launching process may be unable to do.
func (j *Job) modelName(f request.Family) (string, bool) {
	markers, _ := report.Markers(j.Settings.Out, f)
	for i := range markers {
		if markers[i].By(j.Settings.Run) {
			return markers[i].Result.Model, true
		}
	}
	spec := j.Settings.Spec
	spec.Family = f
	lease := family.Acquire(spec)
	defer lease.Release()
	model, err := lease.Model()
	if err != nil {
		return "", false
	}
	return model.Name(), true
}
