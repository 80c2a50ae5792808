package report

import (
	"slices"
	"time"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/request"
)

// past is what earlier runs left in a folder.
type past struct {
	dir      string
	standing *Standing
	results  []Result // as results.jsonl has them
	failures []Failure
	failed   time.Time // when the failures were written
	markers  map[key]*Marker
	shelves  []shelf
}

func readPast(dir string, overwrite bool) (*past, error) {
	p := &past{dir: dir, standing: NewStanding(dir), markers: map[key]*Marker{}}
	var err error
	if p.results, p.failures, err = readRows(dir, overwrite); err != nil {
		return nil, err
	}
	if info, err := store.Stat(store.Join(dir, FailuresFile)); err == nil {
		p.failed = info.ModTime()
	}
	for _, f := range request.Families {
		s, err := readShelf(p.standing, f)
		if err != nil {
			return nil, err
		}
		for i := range s.markers {
			m := &s.markers[i].Marker
			p.markers[m.Result.key()] = m
		}
		p.shelves = append(p.shelves, s)
	}
	return p, nil
}

// merge joins the rows of earlier runs with the outcomes of this one. A request has
// one row, its latest. Earlier results come from markers, so a killed run loses none;
// results whose files are gone are dropped. A family's samples belong to the run that
// tokenizes (see [Run.Own]) and replace those of earlier ones. A failure without a
// family has no key. It is dropped when a run has another outcome of its input.
func (p *past) merge(outcomes []Outcome, run *Run) ([]Result, []Failure) {
	fresh := make(map[key]bool, len(outcomes))
	inputs := map[string]bool{}
	for i := range outcomes {
		if o := &outcomes[i]; o.Done != nil || !o.Failed.others() {
			fresh[o.key()] = true
		}
		inputs[outcomes[i].input()] = true
	}
	failures := slices.DeleteFunc(p.failures, func(f Failure) bool {
		if f.Family == "" {
			return inputs[f.Input]
		}
		if f.others() {
			return inputs[f.Input] || f.Action == Tokenize && f.Family == run.Own
		}
		return fresh[f.key()] || f.Action == Tokenize && f.Family == run.Own || p.healed(f.key())
	})
	results := p.done(fresh, failures, run.Own)
	for _, o := range outcomes {
		if o.Done != nil {
			results = append(results, *o.Done)
		} else {
			f := *o.Failed
			f.Action = run.Action
			failures = append(failures, f)
		}
	}
	slices.SortStableFunc(results, func(a, b Result) int { return byKey(a.key(), b.key()) })
	slices.SortStableFunc(failures, func(a, b Failure) int { return byKey(a.key(), b.key()) })
	return results, failures
}

// others reports whether the failure is about a file of others in its place. It
// then says nothing about the result there.
func (f *Failure) others() bool { return f.Kind == Kind(claim.ErrNotOurs) }

// done returns the earlier results without a later outcome.
func (p *past) done(fresh map[key]bool, failures []Failure, own request.Family) []Result {
	failed := map[key]bool{}
	for i := range failures {
		if !failures[i].others() {
			failed[failures[i].key()] = true
		}
	}
	var results []Result
	listed := map[key]bool{}
	for _, r := range p.results {
		m, marked := p.markers[r.key()]
		switch {
		case r.Action == Tokenize && r.Family == own, fresh[r.key()], marked && !m.Whole():
			continue
		case marked && m.Result.Action == r.Action:
			shard := r.Shard
			r = m.Result
			r.Shard = shard
		}
		if !p.standing.Gone(&r) {
			results = append(results, r)
			listed[r.key()] = true
		}
	}
	for k, m := range p.markers {
		if m.Whole() && m.Result.Action != Tokenize && !fresh[k] && !failed[k] && !listed[k] && !p.standing.Gone(&m.Result) {
			results = append(results, m.Result)
		}
	}
	return results
}

// healed reports whether a request got a result after its failure was written, in a
// run that was cut off.
func (p *past) healed(k key) bool {
	m, ok := p.markers[k]
	if !ok || !m.Whole() || m.Result.Action == Tokenize {
		return false
	}
	info, err := store.Stat(store.Join(p.dir, Place{k.family, k.id}.Marker()))
	return err == nil && info.ModTime().After(p.failed)
}
