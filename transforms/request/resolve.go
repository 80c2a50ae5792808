package request

import "fmt"

// FromPaths returns one request a path, with the values of base and an id made
// from the path. A path that is no text is spelled by [Spell]. The error wraps
// [ErrInvalid].
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
