package pipelines

import (
	"strings"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// Samples returns one request a sample of the shards, in their order, for
// [Detokenize]. An id that is no name, or that another sample has, is changed to
// one that is. The error is that of the first shard that cannot be read, or wraps
// family.ErrUnknown for a sample of no family known here.
func Samples(paths []string) ([]request.Request, error) {
	var requests []request.Request
	taken := map[string]bool{}
	for _, path := range paths {
		found, err := samplesOf(path)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			r.ID = request.Free(r.ID, path, func(id string) bool {
				key := string(r.Family) + "/" + strings.ToLower(id)
				defer func() { taken[key] = true }()
				return !taken[key]
			})
			requests = append(requests, r)
		}
	}
	return requests, nil
}

func samplesOf(path string) ([]request.Request, error) {
	r, err := shard.Open(path, shard.Limits{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	requests := make([]request.Request, 0, min(r.Len(), request.MaxRequests))
	for row := range r.Len() {
		s, err := r.At(row)
		if err != nil {
			return nil, err
		}
		f, err := family.OfKind(s.Kind)
		if err != nil {
			return nil, err
		}
		requests = append(requests, request.Request{ID: s.ID, Family: f, Input: path, Row: row})
	}
	return requests, nil
}
