package request

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
)

// FromPaths returns one request per path, with the values of base and an id
// made from the path. A path that is not UTF-8 is converted by [Spell]. The
// error wraps [ErrInvalid].
func FromPaths(paths []string, base Request) ([]Request, error) {
	taken := names{}
	requests := make([]Request, len(paths))
	for i, path := range paths {
		r := base
		text := Spell(path)
		r.Input, r.ID = text, taken.take(Name(text), text)
		if err := r.Validate(); err != nil {
			return nil, err
		}
		requests[i] = r
	}
	return requests, nil
}

// FromNothing returns count requests without input, named by the base or by its family.
func FromNothing(count int, base Request) ([]Request, error) {
	requests := make([]Request, count)
	for i := range requests {
		r := base
		r.ID = fmt.Sprintf("%s-%d", cmp.Or(base.ID, string(base.Family)), i+1)
		if err := r.Validate(); err != nil {
			return nil, err
		}
		requests[i] = r
	}
	return requests, nil
}

// place is unique within a run, since it determines the files written.
func (r *Request) place() string { return string(r.Family) + "/" + r.ID }

// finish names requests without an id, after all given ids are known.
func finish(requests []Request, taken names) ([]Request, error) {
	for i := range requests {
		q := &requests[i]
		if q.Named = q.ID != ""; q.Named {
			continue
		}
		name := string(q.Family)
		if q.Input != "" {
			name = Name(q.Input)
		}
		q.ID = Free(name, q.Input, func(id string) bool { return taken.claim(string(q.Family) + "/" + id) })
	}
	return requests, nil
}

// Encode writes requests as a manifest.
func Encode(w io.Writer, requests []Request) error {
	e := json.NewEncoder(w)
	for i := range requests {
		if err := e.Encode(&requests[i]); err != nil {
			return err
		}
	}
	return nil
}
