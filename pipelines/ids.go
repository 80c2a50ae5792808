package pipelines

import (
	"fmt"
	"regexp"

	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// An id names a result's files, so in one folder it belongs to one input: the
// first that had it. Another input of that name gets an id with its hash, the same
// in every run.

// owner identifies what an id belongs to.
type owner struct{ action, source string }

// registry maps a family's ids to their owners.
type registry struct {
	owners map[string]owner // folded id ->
	ids    map[owner][]string
	taken  map[string]bool // used in this run
}

func newRegistry(markers []report.Marker) *registry {
	r := &registry{owners: map[string]owner{}, ids: map[owner][]string{}, taken: map[string]bool{}}
	for _, m := range markers {
		o, id := owner{m.Result.Action, m.Source}, m.Result.ID
		r.owners[request.Fold(id)] = o
		r.ids[o] = append(r.ids[o], id)
	}
	return r
}

// assignIDs gives each request its input's id in the folder, or a free one. A
// given id that belongs to another input is an error, unless the run may
// overwrite.
func (j *Job) assignIDs() error {
	all := map[request.Family]*registry{}
	j.markers = map[request.Family][]report.Marker{}
	for _, f := range j.families() {
		markers, err := report.Markers(j.Settings.Out, f)
		if err != nil {
			return err
		}
		all[f], j.markers[f] = newRegistry(markers), markers
	}
	fresh := make([]bool, len(j.Requests))
	owners := make([]owner, len(j.Requests))
	for i := range j.Requests {
		q := &j.Requests[i]
		if q.Family == "" {
			continue
		}
		owners[i] = owner{j.Settings.Action, report.Source(j.Settings.Out, q.Input)}
		var err error
		if fresh[i], err = all[q.Family].keep(q, owners[i], j.Settings.Overwrite); err != nil {
			return err
		}
	}
	for i := range j.Requests {
		if q := &j.Requests[i]; fresh[i] {
			all[q.Family].free(q, owners[i])
		}
	}
	return nil
}

// keep gives a request its id in the folder. It reports whether the request has
// none yet.
func (r *registry) keep(q *request.Request, mine owner, overwrite bool) (fresh bool, err error) {
	has, known := r.owners[request.Fold(q.ID)]
	switch {
	case q.Named && known && has != mine && !overwrite:
		return false, fmt.Errorf("the id %s is taken there by another input: %s of %q, not %s of %q", q.ID, has.action, has.source, mine.action, mine.source)
	case q.Named || known && has == mine:
		r.taken[request.Fold(q.ID)] = true
		return false, nil
	}
	if id, ok := r.earlier(q, mine); ok {
		q.ID = id
		r.taken[request.Fold(id)] = true
		return false, nil
	}
	return true, nil
}

// hashed matches the suffix that [request.Free] adds to a name.
var hashed = regexp.MustCompile(`-[0-9a-f]{8}(-[0-9]+)?$`)

// earlier returns the id that an earlier run made from this input's name. Samples
// of a shard share their input, so for them only an exact id counts.
func (r *registry) earlier(q *request.Request, mine owner) (string, bool) {
	if mine.action == report.Detokenize {
		return "", false
	}
	name := hashed.ReplaceAllString(q.ID, "")
	for _, id := range r.ids[mine] {
		if !r.taken[request.Fold(id)] && (id == name || hashed.ReplaceAllString(id, "") == name) {
			return id, true
		}
	}
	return "", false
}

// free gives a request an unused id.
func (r *registry) free(q *request.Request, mine owner) {
	q.ID = request.Free(q.ID, mine.source, func(id string) bool {
		key := request.Fold(id)
		if has, known := r.owners[key]; r.taken[key] || known && has != mine {
			return false
		}
		r.taken[key] = true
		return true
	})
}
