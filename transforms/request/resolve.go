package request

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// FromPaths returns one request a path, with the values of base and an id made
// from the path. The error wraps [ErrInvalid].
func FromPaths(paths []string, base Request) ([]Request, error) {
	taken := names{}
	requests := make([]Request, len(paths))
	for i, path := range paths {
		r := base
		r.Input, r.ID = path, taken.take(Name(path), path)
		if err := r.Validate(); err != nil {
			return nil, err
		}
		requests[i] = r
	}
	return requests, nil
}

// FromNothing returns count requests without an input, named by the family.
func FromNothing(count int, base Request) ([]Request, error) {
	requests := make([]Request, count)
	for i := range requests {
		r := base
		r.ID = fmt.Sprintf("%s-%d", base.Family, i+1)
		if err := r.Validate(); err != nil {
			return nil, err
		}
		requests[i] = r
	}
	return requests, nil
}

// Limits of a manifest.
const (
	MaxRequests  = 1 << 22
	maxLineBytes = 1 << 20
)

// ReadManifest reads requests, one JSON object a line, each over the values of
// base, whose family they must not change unless it has none: {"id": …, "input": …, "seed": …, …} with the names of [Request]. An id
// that is missing is made from the input; one that is given must be a name (see
// [IsName]) and unique. Blank lines are skipped.
//
// The error wraps [ErrManifest] and names the line, or is the file system's.
func ReadManifest(path string, base Request) ([]Request, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	requests, err := DecodeManifest(f, base)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, path)
	}
	return requests, nil
}

// DecodeManifest is [ReadManifest] of bytes.
func DecodeManifest(r io.Reader, base Request) ([]Request, error) {
	var requests []Request
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLineBytes)
	taken := names{}
	for number := 1; lines.Scan(); number++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if len(requests) == MaxRequests {
			return nil, fmt.Errorf("request.ReadManifest: %w: over %d requests", ErrManifest, MaxRequests)
		}
		q, err := decodeLine(line, base)
		if err == nil && q.ID != "" && !taken.claim(q.place()) {
			err = fmt.Errorf("id %q is taken", q.ID)
		}
		if err != nil {
			return nil, fmt.Errorf("request.ReadManifest: %w: line %d: %w", ErrManifest, number, err)
		}
		requests = append(requests, q)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("request.ReadManifest: %w: %w", ErrManifest, err)
	}
	return finish(requests, taken)
}

// decodeLine reads one request over a copy of base that shares nothing with it.
func decodeLine(line []byte, base Request) (Request, error) {
	q := base
	if base.Sampling != nil {
		own := *base.Sampling
		q.Sampling = &own
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, err
	}
	if d.More() {
		return q, fmt.Errorf("more than one value")
	}
	if base.Family != "" && q.Family != base.Family {
		return q, fmt.Errorf("family %q in a run of %q", q.Family, base.Family)
	}
	probe := q
	if probe.ID == "" {
		probe.ID = "pending"
	}
	return q, probe.Validate()
}

// place is what no two requests of a run may share: they would write the same files.
func (r *Request) place() string { return string(r.Family) + "/" + r.ID }

// finish names what has no id yet, after the given ids are known.
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
