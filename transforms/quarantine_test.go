package transforms

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/morton-gen/morton/internal/store/storetest"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// unnamed has what a model needs besides a name.
type unnamed = family.Model

// called is a model with a name and nothing else.
type called struct {
	unnamed
	name string
}

func (c called) Name() string { return c.name }

func named(name string) family.Model { return called{name: name} }

// TestQuarantine: an input whose reading ended two workers of a run is not begun a third
// time; one that came back is, however often, and so is another run's.
func TestQuarantine(t *testing.T) {
	storetest.S3(t, "bucket")
	for _, out := range []string{t.TempDir(), "s3://bucket/out"} {
		of := func(run string) *stage { return &stage{Settings: Settings{Out: out, Run: run}} }
		poison, good := request.Request{ID: "poison", Family: request.Video}, request.Request{ID: "good", Family: request.Video}
		for range 5 {
			end, err := of("a run elsewhere").note(good)
			if err != nil {
				t.Fatal(err)
			}
			end()
		}
		for range maxBegun {
			if _, err := of("a run elsewhere").note(poison); err != nil {
				t.Fatal(err)
			}
		}
		_, err := of("a run elsewhere").note(poison)
		if !errors.Is(err, ErrQuarantined) || report.Kind(err) != "quarantined" {
			t.Errorf("%s: begun a third time: %v", out, err)
		}
		if _, err := of("a run elsewhere").note(good); err != nil {
			t.Errorf("%s: another input: %v", out, err)
		}
		if _, err := of("another run").note(poison); err != nil {
			t.Errorf("%s: another run: %v", out, err)
		}
	}
}

// TestNoNotesOfOwnRuns: a run of this process ends with it, so there is nothing to note.
func TestNoNotesOfOwnRuns(t *testing.T) {
	name, over := HaltWith(t.Context())
	defer over()
	out := t.TempDir()
	s := stage{Settings: Settings{Out: out, Run: name}}
	end, err := s.note(request.Request{ID: "a", Family: request.Video})
	if err != nil {
		t.Fatal(err)
	}
	end()
	if entries, _ := os.ReadDir(out); len(entries) > 0 {
		t.Errorf("%v was written", entries)
	}
}

// TestInputTime: reading that hangs is given up, with an error that names the flag; an end of
// the run is none of the input's.
func TestInputTime(t *testing.T) {
	lend(t)
	s := stage{Settings: Settings{InputTime: 20 * time.Millisecond}}
	r := request.Request{ID: "a", Family: request.Family(t.Name())}
	hang := func(ctx context.Context, _ family.Model) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	err := s.read(t.Context(), r, hang)
	if !errors.Is(err, ErrSlow) || report.Kind(err) != "limit" || !strings.Contains(err.Error(), "--input-time") {
		t.Errorf("error %v", err)
	}
	if err := s.read(t.Context(), r, func(context.Context, family.Model) error { return nil }); err != nil {
		t.Errorf("in time: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var f fault
	if err := s.read(ctx, r, hang); !errors.As(err, &f) || errors.Is(err, ErrSlow) {
		t.Errorf("the run ended: %v, want a fault", err)
	}
}

// TestSharing: workers of a run see each other's counts, and stop by the sum.
func TestSharing(t *testing.T) {
	storetest.S3(t, "bucket")
	for _, out := range []string{t.TempDir(), "s3://bucket/out"} {
		a, b, other := newSharing(out, "run"), newSharing(out, "run"), newSharing(out, "another")
		if got := a.exchange(shared{}); got != (shared{}) {
			t.Errorf("%s: %+v of nobody", out, got)
		}
		a.exchange(shared{Done: 3, Failed: 1})
		other.exchange(shared{Done: 100, Failed: 100})
		if got := b.exchange(shared{Done: 1, Failed: 2}); got != (shared{3, 1}) {
			t.Errorf("%s: %+v, want those of a", out, got)
		}
		if got := a.exchange(shared{Done: 4, Failed: 1}); got != (shared{1, 2}) {
			t.Errorf("%s: %+v, want those of b", out, got)
		}
	}
	var limit report.Threshold
	if err := limit.UnmarshalText([]byte("4")); err != nil {
		t.Fatal(err)
	}
	mine := tally{failed: 2, others: shared{Failed: 2}}
	if mine.judge(limit); mine.stopped {
		t.Error("stopped by four failures of four")
	}
	mine.others.Failed++
	if mine.judge(limit); !mine.stopped {
		t.Error("not stopped by five failures of four")
	}
}

// TestSharingIgnoresRubbish: a count that cannot be read is none.
func TestSharingIgnoresRubbish(t *testing.T) {
	out := t.TempDir()
	a := newSharing(out, "run")
	a.exchange(shared{Failed: 1})
	for name, text := range map[string]string{"tally-1.json": "{", "tally-2.json": `{"failed":-5}`, "tally-3.json": strings.Repeat(" ", 2*maxSharedBytes), "video-a.begun-1": "7"} {
		if err := os.WriteFile(filepath.Join(out, ShareFolder("run"), name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.exchange(shared{Failed: 1}); got != (shared{}) {
		t.Errorf("%+v", got)
	}
}
