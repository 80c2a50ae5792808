package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// clock is a time that the test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// watched is progress on a writer, with a clock, and without a goroutine of its own.
func watched(width int) (*progress, *strings.Builder, *clock) {
	var out strings.Builder
	c := &clock{time.Unix(1000, 0)}
	p := &progress{w: &out, width: width, total: 3, now: c.now, begun: c.t, flying: map[string]bool{}, films: map[string]*pace{}, stop: make(chan struct{})}
	return p, &out, c
}

func advanced(frames, of int) transforms.Event {
	return transforms.Event{Kind: transforms.Advanced, ID: "film", Frames: frames, Of: of}
}

// TestProgressBegins checks that there is a line at once where no terminal is.
func TestProgressBegins(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, 12)
	defer p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	if out.String() != "[0/12] begun\n" {
		t.Errorf("said %q", out.String())
	}
}

// TestProgressInsideAFilm follows one film of 3,000 frames at 100 a second.
func TestProgressInsideAFilm(t *testing.T) {
	p, out, c := watched(0)
	p.line("begun")
	for frames := 1; frames <= 3000; frames++ {
		p.event(advanced(frames, 3000))
		c.t = c.t.Add(10 * time.Millisecond)
	}
	want := "[0/3] begun\n" +
		"[0/3] film: 1001 of 3000 frames, 100 frames/s, 20s left\n" +
		"[0/3] film: 2001 of 3000 frames, 100 frames/s, 10s left\n"
	if out.String() != want {
		t.Errorf("said\n%swant\n%s", out.String(), want)
	}
}

// TestProgressOfAnotherAttempt checks that frames read again do not make the pace
// negative, and that a film of unknown length has no time left.
func TestProgressOfAnotherAttempt(t *testing.T) {
	p, _, c := watched(0)
	for _, frames := range []int{1, 500, 1, 51} {
		p.event(advanced(frames, 0))
		c.t = c.t.Add(time.Second)
	}
	if got := p.films["film"].String(); got != "51 frames, 50 frames/s" {
		t.Errorf("said %q", got)
	}
}

// TestProgressOnATerminal checks the line that is written over: what it says, and that it
// is cut between characters.
func TestProgressOnATerminal(t *testing.T) {
	for width, want := range map[int]string{
		80: "[1/3] 2 s, film: 101 of 201 frames, 100 frames/s, 1s left, last größe: 7 tokens",
		76: "[1/3] 2 s, film: 101 of 201 frames, 100 frames/s, 1s left, last größe: 7 to",
		68: "[1/3] 2 s, film: 101 of 201 frames, 100 frames/s, 1s left, last grö",
	} {
		p, out, c := watched(width)
		c.t = c.t.Add(time.Second)
		p.event(advanced(1, 201))
		c.t = c.t.Add(time.Second)
		p.event(advanced(101, 201))
		p.event(transforms.Event{Kind: transforms.Finished, ID: "größe", Outcome: &report.Outcome{
			Done: &report.Result{Request: request.Request{ID: "größe"}, TokenCount: 7},
		}})
		lines := strings.Split(out.String(), "\x1b[K")
		if got := lines[len(lines)-1]; got != want || !utf8.ValidString(got) {
			t.Errorf("width %d: said %q, want %q", width, got, want)
		}
	}
	for n, want := range map[int]string{0: "", 1: "g", 3: "grö", 4: "größ", 9: "größe"} {
		if got := cut("größe", n); got != want {
			t.Errorf("cut to %d: %q, want %q", n, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	for want, r := range map[string]report.Result{
		"a: done before (truncated)":                                   {Skipped: true, Truncated: true},
		"a: 96 tokens in 2.5 s":                                        {Drawn: 96, Seconds: 2.5},
		"a: 96 tokens of 8 frames in 2.0 s, 4 frames/s":                {TokenCount: 96, Seconds: 2, Measures: family.Measures{"frames": 8}},
		"a: 5 tokens (truncated; damaged frames: 3; prefix of 16, so)": {TokenCount: 5, Truncated: true, Damaged: true, DamagedFrames: 3, Notes: []string{"prefix of 16, so"}},
	} {
		r.ID = "a"
		if got := describe(&r); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
}

// TestSummaryText checks that wall time and summed time have names, and the counts of an
// interrupted run.
func TestSummaryText(t *testing.T) {
	var out strings.Builder
	printSummary(&out, report.Summary{
		Action: report.Tokenize, Out: "o/", Done: 5, Skipped: 2, Failed: 1, CutOff: 1, Unreached: 7, Kinds: map[string]int{"corrupt": 1},
		Seconds: 60, RequestSeconds: 200, Truncated: 2, Damaged: 1,
	})
	want := "5 done (2 by an earlier run), 1 failed, 1 cut off, 7 not begun, in 60.0 s of wall time (200.0 s summed over the requests)\n" +
		"inputs:   damaged 1, truncated 2, though done (o/results.jsonl)\n" +
		"failures: o/failures.jsonl (corrupt 1)\n"
	if out.String() != want {
		t.Errorf("said\n%swant\n%s", out.String(), want)
	}
}

// TestSayIfSlow checks that what is over at once is not spoken of.
func TestSayIfSlow(t *testing.T) {
	var out strings.Builder
	sayIfSlow(&out, "opening")()
	if out.Len() > 0 {
		t.Errorf("said %q", out.String())
	}
}

// TestProgressRate has items end every two seconds, behind one of an earlier run.
func TestProgressRate(t *testing.T) {
	p, _, c := watched(0)
	p.total = 10
	end := func(skipped bool) {
		p.event(transforms.Event{Kind: transforms.Finished, ID: "a", Outcome: &report.Outcome{Done: &report.Result{Request: request.Request{ID: "a"}, Skipped: skipped}}})
	}
	end(true)
	for n, want := range []string{"2 s", "4 s", "6 s, 30.0/min, 12s left", "8 s, 30.0/min, 10s left"} {
		c.t = c.t.Add(2 * time.Second)
		end(false)
		if got := p.state(); got != want {
			t.Errorf("after %d: %q, want %q", n+1, got, want)
		}
	}
	p.total = 5
	if got := p.state(); got != "8 s" {
		t.Errorf("at the end: %q", got)
	}
}
