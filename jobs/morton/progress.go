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
	flying map[string]bool // ids with the model
	last   string          // said about an item
	begun  time.Time
	stop   chan struct{}
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{w: w, total: total, flying: map[string]bool{}, begun: time.Now(), stop: make(chan struct{})}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if p.width, _, _ = term.GetSize(int(f.Fd())); p.width <= 0 {
			p.width = 80
		}
		go p.tick()
	}
	return p
}

// tick redraws the terminal's line every second: one item may take minutes.
func (p *progress) tick() {
	for t := time.NewTicker(time.Second); ; {
		select {
		case <-p.stop:
			t.Stop()
			return
		case <-t.C:
			p.mu.Lock()
			p.draw()
			p.mu.Unlock()
		}
	}
}

func (p *progress) event(e transforms.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case transforms.Started:
		p.flying[e.ID] = true
		p.draw()
	case transforms.Finished:
		delete(p.flying, e.ID)
		p.done++
		p.say(describe(e.Outcome.Done), false)
	case transforms.Failed:
		delete(p.flying, e.ID)
		p.failed++
		f := e.Outcome.Failed
		p.say(fmt.Sprintf("%s: %s failed: %s: %s", f.ID, f.Stage, f.Kind, firstLine(f.Message)), true)
	}
}

// describe tells in a few words what became of an item.
func describe(r *report.Result) string {
	switch {
	case r.Skipped:
		return r.ID + ": done before"
	case !r.Family.HasModel():
		return fmt.Sprintf("%s: %.0f faces in %.1f s, mean Chamfer %.2g of the longest side", r.ID, r.Measures["faces"], r.Seconds, r.Measures["chamfer_mean"])
	case r.Drawn > 0 && r.Seconds > 0:
		return fmt.Sprintf("%s: %d tokens in %.1f s", r.ID, r.Drawn, r.Seconds)
	}
	return fmt.Sprintf("%s: %d tokens", r.ID, r.TokenCount)
}

// say tells of one item that came to its end; kept lines stay on a terminal too.
func (p *progress) say(text string, kept bool) {
	if p.width == 0 {
		fmt.Fprintf(p.w, "[%d/%d] %s\n", p.done+p.failed, p.total, text)
		return
	}
	if kept {
		fmt.Fprint(p.w, "\r\x1b[K", text, "\n")
	} else {
		p.last = text
	}
	p.draw()
}

// draw writes the terminal's line over.
func (p *progress) draw() {
	if p.width == 0 {
		return
	}
	text := fmt.Sprintf("[%d/%d] %.0f s", p.done+p.failed, p.total, time.Since(p.begun).Seconds())
	if n := len(p.flying); n > 0 {
		text += fmt.Sprintf(", %d with the model", n)
	}
	if p.last != "" {
		text += ", last " + p.last
	}
	fmt.Fprint(p.w, "\r\x1b[K", text[:min(len(text), p.width-1)])
}

// end leaves the terminal's line.
func (p *progress) end() {
	close(p.stop)
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
	fmt.Fprintf(w, ", %d failed", s.Failed)
	if s.Unreached > 0 {
		fmt.Fprintf(w, ", %d not begun", s.Unreached)
	}
	fmt.Fprintf(w, ", in %.1f s", s.Seconds)
	if s.Drawn > 0 {
		fmt.Fprintf(w, ", %d tokens drawn", s.Drawn)
	}
	fmt.Fprintln(w)
	if s.Astray > 0 {
		fmt.Fprintf(w, "%d of %d results do not follow their inputs: F-score under %g at 1%% of the input's longest side\n",
			s.Astray, s.Done, report.AstrayBelow)
	}
	if s.Failed > 0 {
		fmt.Fprintf(w, "failures: %s (%s)\n", join(s.Out, report.FailuresFile), counts(s.Kinds))
	}
	if s.Action != report.Tokenize {
		fmt.Fprintf(w, "look at:  %s\n", join(s.Out, "index.html"))
	}
}

func join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }
