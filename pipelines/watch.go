package pipelines

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// watch finds the results of a run in other processes by their markers.
type watch struct {
	folder, run string
	families    map[request.Family]map[string]stamp // missing markers, as last seen
	found       int
}

// stamp changes whenever a marker does. Times in stores are whole seconds.
type stamp struct {
	time time.Time
	tag  string
}

func newWatch(folder, run string, requests []request.Request) *watch {
	w := &watch{folder: folder, run: run, families: map[request.Family]map[string]stamp{}}
	for i := range requests {
		r := &requests[i]
		if w.families[r.Family] == nil {
			w.families[r.Family] = map[string]stamp{}
		}
		w.families[r.Family][filepath.Base(report.Place{Family: r.Family, ID: r.ID}.Marker())] = stamp{}
	}
	return w
}

// look calls on for each new result and returns their total number.
func (w *watch) look(on func(report.Outcome)) (int, error) {
	for f, missing := range w.families {
		folder := filepath.Dir(report.Place{Family: f}.Marker())
		entries, err := store.ReadDir(store.Join(w.folder, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return w.found, err
		}
		for _, e := range entries {
			looked, ours := missing[e.Name()]
			if !ours {
				continue
			}
			info, err := e.Info()
			if err != nil {
				continue
			}
			now := stamp{info.ModTime(), store.Tag(info)}
			if now == looked {
				continue
			}
			missing[e.Name()] = now
			m, err := report.ReadMarker(w.folder, report.Place{Family: f, ID: e.Name()[:len(e.Name())-len(".json")]})
			if err == nil && m.Whole() && m.By(w.run) {
				delete(missing, e.Name())
				w.found++
				on(report.Outcome{Done: &m.Result})
			}
		}
	}
	return w.found, nil
}

// noteFailures notifies the observer of a published run's failures, which have no markers.
// A list that cannot be read is none: the summary counts them.
func noteFailures(folder string, requests []request.Request) {
	ours := map[requestKey]bool{}
	for i := range requests {
		ours[keyOf(&requests[i])] = true
	}
	failures, _ := report.ReadFailures(folder)
	for i := range failures {
		f := &failures[i]
		if ours[requestKey{f.Family, request.Fold(f.ID)}] {
			transforms.Notify(transforms.Event{Kind: transforms.Failed, Stage: f.Stage, ID: f.ID, Outcome: &report.Outcome{Failed: f}})
		}
	}
}

// Polling takes at most a tenth of the time, since a folder may have 100,000 markers on
// a slow disk.
const (
	lookEvery = 2 * time.Second
	lookShare = 10
)

// start notifies the observer of new results until the returned function is
// called.
func (w *watch) start() (stop func()) {
	quit, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		pause := time.Duration(0)
		for last := false; !last; {
			select {
			case <-quit:
				last = true
			case <-time.After(max(lookEvery, pause)):
			}
			begun := time.Now()
			w.look(func(o report.Outcome) {
				transforms.Notify(transforms.Event{Kind: transforms.Finished, ID: o.Done.ID, Outcome: &o})
			})
			pause = lookShare * time.Since(begun)
		}
	}()
	return func() { close(quit); <-over }
}
