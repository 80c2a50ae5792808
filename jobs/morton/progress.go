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
)

// Intervals between lines without a terminal: inside a long film, and at all.
const (
	filmSilence = 10 * time.Second
	mostSilence = time.Minute
)

// progress prints how a run proceeds. On a terminal it rewrites one line. Elsewhere it
// prints a line at the start, per item, and inside long films. Failures always get
// their own line.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	now     func() time.Time
	width   int // of the terminal; 0 if it is none
	total   int
	done    int
	failed  int
	flying  map[string]bool  // ids under way
	films   map[string]*pace // of those that are being read
	film    string           // the latest of them
	last    string           // said about an item
	job     string           // of other processes
	skipped int              // done by an earlier run, of done
	begun   time.Time
	told    time.Time // when a plain line was written last
	stop    chan struct{}
}

func newProgress(w io.Writer, total int) *progress {
	p := &progress{
		w: w, total: total, now: time.Now, flying: map[string]bool{}, films: map[string]*pace{}, begun: time.Now(), stop: make(chan struct{}),
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if p.width, _, _ = term.GetSize(int(f.Fd())); p.width <= 0 {
			p.width = 80
		}
	}
	p.line("begun")
	p.draw()
	go p.tick()
	return p
}

// tick updates every second, since one item may take minutes.
func (p *progress) tick() {
	for t := time.NewTicker(time.Second); ; {
		select {
		case <-p.stop:
			t.Stop()
			return
		case <-t.C:
			p.mu.Lock()
			p.draw()
			if p.now().Sub(p.told) >= mostSilence {
				p.line(p.state())
			}
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
	case transforms.Moved:
		p.move(e)
	case transforms.Advanced:
		p.advance(e)
	case transforms.Finished:
		p.leave(e.ID)
		p.done++
		if e.Outcome.Done.Skipped {
			p.skipped++
		}
		p.say(describe(e.Outcome.Done), false)
	case transforms.Failed:
		p.leave(e.ID)
		p.failed++
		f := e.Outcome.Failed
		p.say(fmt.Sprintf("%s: %s failed: %s: %s", f.ID, f.Stage, f.Kind, firstLine(f.Message)), true)
	}
}

// move prints the state of a job of other processes, and its name once.
func (p *progress) move(e transforms.Event) {
	name := "job"
	if e.ID != "" && p.job == "" {
		p.job = e.ID
		name += " " + e.ID
	}
	p.say(name+": "+strings.ToLower(e.State), true)
}

// advance records a film's progress and prints it after a pause.
func (p *progress) advance(e transforms.Event) {
	now := p.now()
	f := p.films[e.ID]
	if f == nil || e.Frames < f.frames { // a retry starts over
		f = &pace{begun: now, first: e.Frames}
		p.films[e.ID] = f
	}
	f.frames, f.of, f.at = e.Frames, e.Of, now
	p.film = e.ID
	if now.Sub(p.told) >= filmSilence {
		p.line(e.ID + ": " + f.String())
	}
}

func (p *progress) leave(id string) {
	delete(p.flying, id)
	delete(p.films, id)
}

// say prints the end of one item. kept lines stay on a terminal.
func (p *progress) say(text string, kept bool) {
	p.line(text)
	if kept && p.width > 0 {
		fmt.Fprint(p.w, "\r\x1b[K", text, "\n")
	} else {
		p.last = text
	}
	p.draw()
}

// line prints a line without a terminal.
func (p *progress) line(text string) {
	if p.width == 0 {
		fmt.Fprintf(p.w, "[%d/%d] %s\n", p.done+p.failed, p.total, text)
		p.told = p.now()
	}
}

// draw rewrites the terminal's line.
func (p *progress) draw() {
	if p.width == 0 {
		return
	}
	text := fmt.Sprintf("[%d/%d] %s", p.done+p.failed, p.total, p.state())
	if p.last != "" {
		text += ", last " + p.last
	}
	fmt.Fprint(p.w, "\r\x1b[K", cut(text, p.width-1))
}

// state formats the elapsed time and the current work.
func (p *progress) state() string {
	text := fmt.Sprintf("%.0f s", p.now().Sub(p.begun).Seconds()) + p.rate()
	if n := len(p.flying); n > 0 {
		text += fmt.Sprintf(", %d under way", n)
	}
	if f := p.films[p.film]; f != nil {
		text += ", " + p.film + ": " + f.String()
	}
	return text
}

// Pace of a run: after so many items and so long it is worth saying.
const (
	rateItems = 3
	rateTime  = 5 * time.Second
)

// rate is how fast items come to their end, and how long the rest takes at that; "" as
// long as it is not known.
func (p *progress) rate() string {
	took, n, left := p.now().Sub(p.begun), p.done+p.failed-p.skipped, p.total-p.done-p.failed
	if n < rateItems || took < rateTime || left <= 0 {
		return ""
	}
	each := took / time.Duration(n)
	text := fmt.Sprintf(", %.1f/s", float64(n)/took.Seconds())
	if each > time.Second {
		text = fmt.Sprintf(", %.1f/min", float64(n)/took.Minutes())
	}
	return text + fmt.Sprintf(", %v left", (time.Duration(left)*each).Round(time.Second))
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
