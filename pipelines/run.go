package pipelines

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// Generate runs the requests of one family through its model. It writes the
// results, results.jsonl, failures.jsonl, summary.json and the page into
// Settings.Out, and returns the summary, whose failures are no error.
//
// The error wraps ErrJob, ErrOut, ErrRun, ErrCancelled, ErrTooManyFailed or is the
// file system's. After all but the first two, finished results are published, and the
// failures that this process has seen; after ErrTooManyFailed these are all. On a
// runner in another process the context must have no deadline: Beam panics on it.
func Generate(ctx context.Context, job Job) (report.Summary, error) {
	return run(ctx, job, report.Generate, generateChain)
}

// Tokenize turns inputs of one family into shards in Settings.Out, which then
// hold this run's samples and no others of the family. Otherwise as Generate,
// without a page.
func Tokenize(ctx context.Context, job Job) (report.Summary, error) {
	return run(ctx, job, report.Tokenize, tokenizeChain)
}

// Detokenize turns samples (see [Samples]) into media. Otherwise as Generate.
func Detokenize(ctx context.Context, job Job) (report.Summary, error) {
	return run(ctx, job, report.Detokenize, detokenizeChain)
}

func run(ctx context.Context, job Job, action string, c chain) (report.Summary, error) {
	if err := Prepare(&job, action); err != nil {
		return report.Summary{}, err
	}
	if job.Runner == "" {
		job.Runner = "direct"
	}
	if job.Begun.IsZero() {
		job.Begun = time.Now()
	}
	if err := writeRequests(job); err != nil {
		return report.Summary{}, err
	}
	aside, err := atomicfile.CreateFolder(job.Settings.Out)
	if err != nil {
		return report.Summary{}, err
	}
	defer aside.Remove()
	manifest := aside.Path("requests.jsonl")
	if err := writeManifest(manifest, job.Requests); err != nil {
		return report.Summary{}, err
	}
	if left, err := submit(ctx, job, manifest, c); err != nil || ctx.Err() != nil {
		return salvage(ctx, job, left, err)
	}
	summary, err := report.ReadSummary(job.Settings.Out)
	if err == nil && (summary.Unreached > 0 || job.Settings.MaxFailed.Exceeded(summary.Done, summary.Failed)) {
		err = tooMany(job.Settings.MaxFailed, summary)
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

// remains are what this process knows of a run that did not come to its end.
type remains struct {
	failed []report.Outcome
	begun  int // requests
}

// submit has the runner run the job's graph, and waits.
func submit(ctx context.Context, job Job, manifest string, c chain) (remains, error) {
	name, over := transforms.HaltWith(ctx)
	defer over()
	job.Settings.Run = name
	if job.InProcess() {
		ctx = context.WithoutCancel(ctx)
	}
	p, s := beam.NewPipelineWithRoot()
	build(s, job, manifest, c)
	_, err := beam.Run(ctx, job.Runner, p)
	return remains{transforms.Failures(name), transforms.CountBegun(name)}, err
}

// salvage publishes what a run has done that did not come to its end, and what failed
// as far as this process knows.
func salvage(ctx context.Context, job Job, left remains, cause error) (report.Summary, error) {
	if ctx.Err() != nil {
		cause = fmt.Errorf("pipelines: %w: %w", ErrCancelled, context.Cause(ctx))
	} else {
		cause = fmt.Errorf("pipelines: %w: %w", ErrRun, cause)
	}
	outcomes := withFailures(recoverAll(job), left.failed)
	r := job.run()
	r.Partial = true
	if job.InProcess() {
		r.Unreached, r.CutOff = unfinished(len(job.Requests), left.begun, outcomes)
	}
	if r.Action == report.Tokenize { // shards are whole or not there
		return report.Count(job.Settings.Out, outcomes, r), cause
	}
	summary, err := report.Publish(job.Settings.Out, outcomes, r)
	if err != nil && !errors.Is(cause, err) {
		cause = fmt.Errorf("%w; nor is all of it listed: %w", cause, err)
	}
	return summary, cause
}

// unfinished splits the requests without an outcome into those that were not begun and
// those that were.
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
// came to a result.
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
		if r.Family != "" { // else it can only fail
			byFamily[r.Family] = append(byFamily[r.Family], r)
		}
	}
	var outcomes []report.Outcome
	for f, requests := range byFamily {
		spec := job.Settings.Spec
		spec.Family = f
		lease := family.Acquire(spec)
		if model, err := lease.Model(); err == nil { // without it nothing was done
			outcomes = append(outcomes, report.Recover(job.Settings.Out, job.Settings.Action, model.Name(), requests, job.Begun)...)
		}
		lease.Release()
	}
	return outcomes
}
