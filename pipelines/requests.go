package pipelines

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/claim"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// requestsFile is the manifest of a folder's requests: --manifest repeats them.
// Tokens and media of one family have separate ones.
func (j *Job) requestsFile() string {
	f := string(j.Settings.Spec.Family)
	if j.Settings.Action == report.Tokenize {
		return f + "-requests.jsonl"
	}
	return filepath.Join(f, "requests.jsonl")
}

// writeRequests merges the job's requests with those of earlier runs in the
// folder. Shards belong to one run, and so do their requests.
func writeRequests(job Job) (err error) {
	folder, err := report.OpenFolder(job.Settings.Out, claim.Policy{Overwrite: job.Settings.Overwrite})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	all := job.Requests
	if job.Settings.Action != report.Tokenize {
		earlier, err := job.earlierRequests()
		if err != nil {
			return err
		}
		all = append(earlier, all...)
	}
	return folder.Write(job.requestsFile(), func(temp string) error { return writeManifest(temp, request.Absolute(all)) })
}

func writeManifest(path string, requests []request.Request) error {
	return store.Replace(path, func(w io.Writer) error { return request.Encode(w, requests) })
}

type requestKey struct {
	family request.Family
	id     string
}

func keyOf(r *request.Request) requestKey { return requestKey{r.Family, request.Fold(r.ID)} }

// earlierRequests returns the requests of earlier runs that this one lacks: those
// whose results still exist, and those without a result so far.
func (j *Job) earlierRequests() ([]request.Request, error) {
	seen := map[requestKey]bool{}
	for i := range j.Requests {
		seen[keyOf(&j.Requests[i])] = true
	}
	listed, err := request.ReadManifest(store.Join(j.Settings.Out, j.requestsFile()), request.Request{})
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !j.Settings.Overwrite {
		return nil, err
	}
	made := j.madeRequests()
	var all []request.Request
	for _, r := range append(listed, made.there...) { // the inputs of the former are absolute
		if k := keyOf(&r); !seen[k] && !made.gone[k] {
			seen[k] = true
			all = append(all, r)
		}
	}
	return all, nil
}

// made are the requests recorded in markers.
type made struct {
	there []request.Request
	gone  map[requestKey]bool // made, but removed since
}

func (j *Job) madeRequests() made {
	m := made{gone: map[requestKey]bool{}}
	standing := report.NewStanding(j.Settings.Out)
	for _, f := range j.families() {
		for i := range j.markers[f] {
			marker := &j.markers[f][i]
			r := &marker.Result
			switch {
			case r.Action != j.Settings.Action:
			case standing.Gone(r):
				m.gone[keyOf(&r.Request)] = true
			case marker.Whole():
				m.there = append(m.there, j.found(marker))
			}
		}
	}
	return m
}

// found returns the request of a marker. Its input may be relative to another
// working directory.
func (j *Job) found(m *report.Marker) request.Request {
	r := m.Result.Request
	switch {
	case m.Source == "" || store.IsAbs(r.Input):
	case store.IsAbs(m.Source):
		r.Input = m.Source
	default:
		r.Input = filepath.Join(claim.Resolve(j.Settings.Out), m.Source)
	}
	return r
}
