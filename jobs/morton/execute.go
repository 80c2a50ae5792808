package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/jobs/worker"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/checkpoint"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/vq"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// execute runs a job to its end and prints its summary. The error is wrong use,
// errSomeFailed, or what ended the run.
func execute(ctx context.Context, t terminal, o *options, job pipelines.Job, run pipeline) error {
	quietLogs(t.err, o.verbose)
	job.Command = "morton " + quote(t.args)
	if err := job.Validate(); err != nil {
		return o.usagef("%s", plain(err))
	}
	if err := o.checkModel(&job); err != nil {
		return err
	}
	if err := o.checkPlaces(&job); err != nil {
		return err
	}
	if err := o.reach(ctx); err != nil {
		return err
	}
	asked := o.asking(t)
	defer asked()
	job.Settings.Spec.Width = o.wanted()
	if !job.InProcess() {
		if err := absolute(&job); err != nil {
			return err
		}
		o.noteParallelism(t)
	} else if err := checkStores(&job); err != nil {
		return err
	}
	if err := pipelines.CheckJobs(ctx, job, o.action()); err != nil {
		return o.outError(err)
	}
	if dryRun() {
		return o.dryRun(ctx, t, job)
	}
	if err := pipelines.Prepare(&job, o.action()); err != nil {
		return o.outError(err)
	}
	asked()
	if o.detach {
		return o.begin(ctx, t, job)
	}
	if o.metrics != "" {
		at, stop, err := worker.ServeMetrics(o.metrics)
		if err != nil {
			return o.usagef("--metrics-addr %s: %s", o.metrics, plain(err))
		}
		defer stop()
		fmt.Fprintf(t.err, "morton: metrics at http://%s/metrics\n", at)
	}
	if job.InProcess() {
		opened := sayIfSlow(t.err, "opening the model")
		release, err := o.openModels(job)
		opened()
		if err != nil {
			return err
		}
		defer release()
	}
	summary, err := observed(t, len(job.Requests), func() (report.Summary, error) { return run(ctx, job) })
	if errors.Is(err, pipelines.ErrOut) { // another run began meanwhile
		return o.outError(err)
	}
	return conclude(t, o.json, summary, err)
}

// observed runs a function with progress output and returns its results. If a stage of
// this process failed, that error is returned, since Beam wraps it in pages.
func observed(t terminal, asked int, run func() (report.Summary, error)) (report.Summary, error) {
	p := newProgress(t.err, asked)
	defer p.end()
	var cause firstFault
	transforms.Observe(func(e transforms.Event) { p.event(e); cause.event(e) })
	defer transforms.Observe(nil)
	summary, err := run()
	if err != nil && !errors.Is(err, pipelines.ErrCancelled) && cause.err != nil {
		err = cause.err
	}
	return summary, err
}

// conclude prints the summary of a run.
func conclude(t terminal, asJSON bool, summary report.Summary, err error) error {
	kept := errors.Is(err, pipelines.ErrCancelled) || errors.Is(err, pipelines.ErrTooManyFailed)
	if err != nil && (errors.Is(err, pipelines.ErrRunning) || summary.Done+summary.Failed == 0 && !kept) {
		return err
	}
	if asJSON {
		err = errors.Join(err, printJSON(t, summary))
	} else {
		printSummary(t.out, summary)
		switch {
		case err == nil || kept:
		case errors.Is(err, claim.ErrChanged), errors.Is(err, claim.ErrNotOurs):
			fmt.Fprintln(t.out, "what is done is kept; the same command lists it once that file is out of the way")
		default:
			fmt.Fprintln(t.out, "what is done is kept; the same command goes on where it stopped")
		}
	}
	if err == nil && summary.Failed > 0 {
		err = errSomeFailed
	}
	return err
}

// sayIfSlow prints what is going on unless the returned function is called within two
// seconds.
func sayIfSlow(w io.Writer, what string) (over func()) {
	var mu sync.Mutex // writers are not safe for concurrent use
	ended := false
	timer := time.AfterFunc(2*time.Second, func() {
		mu.Lock()
		defer mu.Unlock()
		if !ended {
			fmt.Fprintln(w, what)
		}
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		ended = true
		timer.Stop()
	}
}

// asking is sayIfSlow for what asks a store, if any place is in one.
func (o *options) asking(t terminal) (over func()) {
	for _, place := range append(slices.Clone(o.input), string(o.manifest), o.out, o.model) {
		if store.Stored(place) {
			return sayIfSlow(t.err, "waiting for the store, which may take some 10 s a request")
		}
	}
	return func() {}
}

// openModels opens the job's models before the run and keeps them open until it
// ends. A wrong folder or missing device is then a one-line error.
func (o *options) openModels(job pipelines.Job) (release func(), err error) {
	var leases []*family.Lease
	release = func() {
		for _, l := range leases {
			l.Release()
		}
	}
	seen := map[request.Family]bool{}
	for _, r := range job.Requests {
		if r.Family == "" || seen[r.Family] {
			continue
		}
		seen[r.Family] = true
		spec := job.Settings.Spec
		spec.Family = r.Family
		l := family.Acquire(spec)
		leases = append(leases, l)
		if _, err := l.Model(); err != nil {
			release()
			return nil, o.modelError(err)
		}
	}
	return release, nil
}

// outError describes an error of pipelines.Prepare in terms of the command
// line.
func (o *options) outError(err error) error {
	if errors.Is(err, pipelines.ErrOut) {
		return o.ofPlace("--out "+o.out+": ", err)
	}
	return err
}

// mistakes are errors of opening a model that another --model fixes.
var mistakes = []error{
	models.ErrFolder, models.ErrFamily, fs.ErrNotExist, system.ErrUnknown, checkpoint.ErrFormat, checkpoint.ErrUnsafe, checkpoint.ErrAmbiguous,
	checkpoint.ErrLimit, store.ErrPlace, store.ErrDamaged, nn.ErrConfig, nn.ErrWeights, vq.ErrConfig,
}

func (o *options) modelError(err error) error {
	mistaken := slices.ContainsFunc(mistakes, func(m error) bool { return errors.Is(err, m) })
	switch {
	case o.model != "" && mistaken:
		return o.usagef("--model %s: %s", o.model, plain(err))
	case errors.Is(err, system.ErrRequest): // of the flags of a draft
		return o.usagef("%s", plain(err))
	case errors.Is(err, gpu.ErrNoDevice) && o.device != "auto":
		return o.usagef("--device %s: %s; morton devices lists them", o.device, plain(err))
	case errors.Is(err, gpu.ErrOutOfMemory):
		return fmt.Errorf("%w (fewer --slots, or --precision int8, take less)", err)
	}
	return err
}

// firstFault records the first error of a run.
type firstFault struct {
	mu  sync.Mutex
	err error
}

func (f *firstFault) event(e transforms.Event) {
	if e.Kind != transforms.Faulted {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = e.Err
	}
}
