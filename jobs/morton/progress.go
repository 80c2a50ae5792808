package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/report"
)

// progress tells how a run goes: one line that is written over on a terminal,
// a line an item elsewhere. Failures always get a line of their own.
type progress struct {
	mu     sync.Mutex
	w      io.Writer
	width  int // of the terminal; 0 if it is none
	total  int
	done   int
	failed int
	begun  time.Time
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{w: w, total: total, begun: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if p.width, _, _ = term.GetSize(int(f.Fd())); p.width <= 0 {
			p.width = 80
		}
	}
	return p
}

func (p *progress) event(e transforms.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case transforms.Finished:
		p.done++
		p.line(describe(e.Outcome.Done), false)
	case transforms.Failed:
		p.failed++
		f := e.Outcome.Failed
		p.line(fmt.Sprintf("%s: %s failed: %s: %s", f.ID, f.Stage, f.Kind, firstLine(f.Message)), true)
	}
}

// describe tells in a few words what became of an item.
func describe(r *report.Result) string {
	switch {
	case r.Skipped:
		return r.ID + ": done before"
	case r.Drawn > 0 && r.Seconds > 0:
		return fmt.Sprintf("%s: %d tokens in %.1f s", r.ID, r.Drawn, r.Seconds)
	}
	return fmt.Sprintf("%s: %d tokens", r.ID, r.TokenCount)
}

// line prints one item; kept lines stay on a terminal too.
func (p *progress) line(text string, kept bool) {
	text = fmt.Sprintf("[%d/%d] %s", p.done+p.failed, p.total, text)
	if p.width == 0 {
		fmt.Fprintln(p.w, text)
		return
	}
	if !kept && len(text) >= p.width {
		text = text[:p.width-1]
	}
	fmt.Fprint(p.w, "\r\x1b[K", text)
	if kept {
		fmt.Fprintln(p.w)
	}
}

// end leaves the terminal's line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.width > 0 {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// printSummary tells a person how the run ended.
func printSummary(w io.Writer, s report.Summary) {
	fmt.Fprintf(w, "%d done", s.Done)
	if s.Skipped > 0 {
		fmt.Fprintf(w, " (%d by an earlier run)", s.Skipped)
	}
	fmt.Fprintf(w, ", %d failed, in %.1f s", s.Failed, s.Seconds)
	if s.Drawn > 0 {
		fmt.Fprintf(w, ", %d tokens drawn", s.Drawn)
	}
	fmt.Fprintln(w)
	if s.Failed > 0 {
		fmt.Fprintf(w, "failures: %s (%s)\n", join(s.Out, report.FailuresFile), counts(s.Kinds))
	}
	if s.Action != report.Tokenize {
		fmt.Fprintf(w, "look at:  %s\n", join(s.Out, "index.html"))
	}
}

func join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }
