package pipelines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// triangles writes some inputs.
func triangles(t *testing.T, names ...string) (paths []string) {
	folder := t.TempDir()
	for _, name := range names {
		paths = append(paths, put(t, filepath.Join(folder, name+".obj"), triangle))
	}
	return paths
}

// wantOne expects that one of the inputs failed, with that kind, and that all others are done.
func wantOne(t *testing.T, s report.Summary, err error, inputs int, kind string) {
	t.Helper()
	if err != nil || s.Done != inputs-1 || s.Failed != 1 || s.Kinds[kind] != 1 {
		t.Errorf("%+v, error %v; want one %s of %d", s, err, kind, inputs)
	}
}

// TestInputVanishes: an input that is removed while the run is on costs itself.
func TestInputVanishes(t *testing.T) {
	use(t, request.Quads, newEcho(shard.KindQuad))
	paths := triangles(t, "a", "b", "c")
	out := t.TempDir()
	j := into(t, out, request.Quads, paths...)
	if err := Prepare(&j, report.Generate); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(paths[1]); err != nil {
		t.Fatal(err)
	}
	s, err := Generate(context.Background(), j)
	wantOne(t, s, err, len(paths), "not_found")
	checkNoPartials(t, out)
}

// TestDeviceMemory: a request that the device has no memory for costs itself.
func TestDeviceMemory(t *testing.T) {
	e := newEcho(shard.KindQuad)
	e.generate = func(r request.Request) error {
		if r.ID == "b" {
			return fmt.Errorf("engine: %w: 7 GiB of 4", gpu.ErrOutOfMemory)
		}
		return nil
	}
	use(t, request.Quads, e)
	paths := triangles(t, "a", "b", "c")
	s, err := Generate(context.Background(), into(t, t.TempDir(), request.Quads, paths...))
	wantOne(t, s, err, len(paths), "out_of_memory")
}

// TestDeviceLost: a device that is lost once is opened again, and nobody notices. One that
// is lost again ends the run; what is done by then is kept, and the next run goes on.
func TestDeviceLost(t *testing.T) {
	paths := triangles(t, "a", "b", "c", "d")
	for losses, ends := range map[int]bool{1: false, 99: true} {
		e := newEcho(shard.KindQuad)
		var mu sync.Mutex
		left := losses
		e.generate = func(r request.Request) error {
			mu.Lock()
			defer mu.Unlock()
			if r.ID == "c" && left > 0 {
				left--
				return fmt.Errorf("engine: %w", gpu.ErrDeviceLost)
			}
			return nil
		}
		use(t, request.Quads, e)
		out := t.TempDir()
		j := into(t, out, request.Quads, paths...)
		j.Settings.InFlight = 1
		s, err := Generate(context.Background(), j)
		checkNoPartials(t, out)
		if !ends {
			if err != nil || s.Done != 4 {
				t.Errorf("lost once: %+v, error %v", s, err)
			}
			continue
		}
		if !errors.Is(err, ErrRun) || !strings.Contains(err.Error(), "device lost") || s.Done == 0 || s.Complete { // Beam keeps the text alone
			t.Errorf("lost for good: %+v, error %v", s, err)
		}
		done := s.Done
		e.generate = nil
		if s, err = Generate(context.Background(), j); err != nil || s.Done != 4 || s.Skipped != done {
			t.Errorf("the next run: %+v, error %v; %d were done", s, err, done)
		}
	}
}

// renamed is a model that another took the place of.
type renamed struct{ *echo }

func (renamed) Name() string { return "another echo" }

// TestModelChanges: results of another model are none of this one's: all are made again, in
// their places.
func TestModelChanges(t *testing.T) {
	e := newEcho(shard.KindQuad)
	paths, out := triangles(t, "a", "b"), t.TempDir()
	for i, step := range []struct {
		change  bool
		skipped int
	}{{false, 0}, {false, 2}, {true, 0}, {true, 2}} {
		if useModel(t, request.Quads, e); step.change {
			useModel(t, request.Quads, renamed{e})
		}
		s, err := Generate(context.Background(), into(t, out, request.Quads, paths...))
		if err != nil || s.Done != 2 || s.Skipped != step.skipped {
			t.Errorf("step %d: %+v, error %v; want %d skipped", i, s, err, step.skipped)
		}
	}
	rows, err := report.ReadResults(out)
	if err != nil || len(rows) != 2 || rows[0].Model != "another echo" {
		t.Errorf("%+v, error %v", rows, err)
	}
}
