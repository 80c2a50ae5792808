package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/pipelines"
	"github.com/morton-gen/morton/pipelines/jobserver"
	"github.com/morton-gen/morton/transforms/report"
)

// begin starts a job in other processes and prints how to return to it.
func (o *options) begin(ctx context.Context, t terminal, job pipelines.Job) error {
	s, err := pipelines.Submit(ctx, job, o.action())
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(t, s)
	}
	fmt.Fprintln(t.out, s)
	for _, c := range []struct{ command, does string }{
		{"status", "says what it does"}, {"wait", "waits for it, and prints the summary"}, {"cancel", "ends it, and keeps what is done"},
	} {
		fmt.Fprintf(t.out, "  morton %s --out %s: %s\n", c.command, quote([]string{o.out}), c.does)
	}
	return nil
}

// jobFlags are the flags of status, wait and cancel.
type jobFlags struct {
	out     string
	json    bool
	verbose bool
}

// none says that the folder has no job.
func (f *jobFlags) none() string {
	if pipelines.Busy(f.out) {
		return fmt.Sprintf("a run of this machine writes into %s: the command that began it shows how far it is, and Ctrl-C ends it", f.out)
	}
	return fmt.Sprintf("no job of another process runs into %s", f.out)
}

// jobCommand builds such a command. run receives the jobs recorded in the
// folder.
func jobCommand(t terminal, name string, run func(ctx context.Context, f *jobFlags, jobs []pipelines.Submission) error) *cobra.Command {
	c := newCommand(name, name)
	f := &jobFlags{}
	c.Flags().StringVar(&f.out, "out", "", "the `DIR` that the job was begun with")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show Beam's log")
	completeFolders(c.Flags(), "out")
	c.Args = noWords
	c.RunE = func(c *cobra.Command, _ []string) error {
		if f.out == "" {
			return usagef(name, "%s: --out is required: the job's folder", name)
		}
		quietLogs(t.err, f.verbose)
		if !store.Stored(f.out) {
			switch info, err := os.Stat(f.out); {
			case err != nil:
				return usagef(name, "%s: --out %s", name, plain(err))
			case !info.IsDir():
				return usagef(name, "%s: --out %s is no folder", name, f.out)
			}
		}
		jobs, err := pipelines.Submissions(f.out)
		if err == nil && len(jobs) == 0 && store.Stored(f.out) {
			err = store.Reach(f.out)
		}
		if errors.Is(err, store.ErrUnavailable) {
			return err
		}
		if err != nil {
			return usagef(name, "%s: --out %s: %s", name, f.out, plain(err))
		}
		return run(c.Context(), f, jobs)
	}
	return c
}

// jobStatus is what status prints for a job.
type jobStatus struct {
	pipelines.Submission
	State string `json:"state"`
	Done  int    `json:"done"` // results so far
}

func statusCommand(t terminal) *cobra.Command {
	return jobCommand(t, "status", func(ctx context.Context, f *jobFlags, jobs []pipelines.Submission) error {
		all := []jobStatus{}
		for _, s := range jobs {
			done, err := s.Results()
			if err != nil {
				return err
			}
			all = append(all, jobStatus{Submission: s, State: stateText(ctx, &s), Done: done})
		}
		switch {
		case f.json:
			return printJSON(t, all)
		case len(all) == 0:
			fmt.Fprintln(t.out, f.none())
		}
		for _, s := range all {
			fmt.Fprintf(t.out, "%s: %s, %d of %d done, begun %s\n", &s.Submission, s.State, s.Done, s.Asked, s.Begun.Local().Format("2006-01-02 15:04"))
		}
		return nil
	})
}

// stateText returns a job's state, or why it is unknown.
func stateText(ctx context.Context, s *pipelines.Submission) string {
	state, err := s.State(ctx)
	switch {
	case errors.Is(err, jobserver.ErrUnknown):
		return "over, or its runner has forgotten it"
	case err != nil:
		return "not known: " + plain(err)
	}
	return strings.ToLower(string(state))
}

func waitCommand(t terminal) *cobra.Command {
	return jobCommand(t, "wait", func(ctx context.Context, f *jobFlags, jobs []pipelines.Submission) error {
		switch {
		case len(jobs) > 0:
		case pipelines.Busy(f.out):
			return usagef("wait", "wait: %s", f.none())
		default:
			return lastRun(t, f)
		}
		return waitFor(ctx, t, f, jobs)
	})
}

// lastRun prints the result of the last run into a folder.
func lastRun(t terminal, f *jobFlags) error {
	s, err := report.ReadSummary(f.out)
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("wait", "wait: --out %s: no job runs into it, and none has", f.out)
	}
	if err != nil {
		return err
	}
	if err = conclude(t, f.json, s, nil); err == nil && !s.Complete {
		err = fmt.Errorf("the last run into %s was cut off; its command goes on where it stopped", f.out)
	}
	return err
}

// waitFor waits for jobs one after the other.
func waitFor(ctx context.Context, t terminal, f *jobFlags, jobs []pipelines.Submission) error {
	var all error
	for i := range jobs {
		summary, err := observed(t, jobs[i].Asked, func() (report.Summary, error) { return jobs[i].Wait(ctx) })
		all = errors.Join(all, conclude(t, f.json, summary, err))
		if ctx.Err() != nil {
			break
		}
	}
	return all
}

func cancelCommand(t terminal) *cobra.Command {
	return jobCommand(t, "cancel", func(ctx context.Context, f *jobFlags, jobs []pipelines.Submission) error {
		if len(jobs) == 0 {
			return usagef("cancel", "cancel: %s", f.none())
		}
		for i := range jobs {
			if err := jobs[i].Cancel(ctx); err != nil && !errors.Is(err, jobserver.ErrUnknown) {
				return fmt.Errorf("%s: %w", &jobs[i], err)
			}
		}
		err := waitFor(ctx, t, f, jobs)
		if errors.Is(err, pipelines.ErrCancelled) {
			return nil // as requested
		}
		return err
	})
}
