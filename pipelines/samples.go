package pipelines

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

// Samples returns one request per sample of the shards, in order, for [Detokenize].
// It changes an id that is invalid or already used. An unreadable part has one
// request without a family, which the run turns into a failure. Such a part is a
// shard that cannot be opened, a row group that cannot be decoded, or a sample that
// is bad or of an unknown kind.
func Samples(paths []string) []request.Request {
	var requests []request.Request
	taken := map[string]bool{}
	for _, path := range paths {
		for _, r := range samplesOf(path) {
			r.ID = request.Free(r.ID, path, func(id string) bool {
				key := string(r.Family) + "/" + request.Fold(id)
				defer func() { taken[key] = true }()
				return !taken[key]
			})
			requests = append(requests, r)
		}
	}
	return requests
}

func samplesOf(path string) []request.Request {
	if !utf8.ValidString(path) {
		text := request.Spell(path)
		return []request.Request{{ID: request.Name(text), Input: text}}
	}
	local, err := store.Fetch(context.Background(), path, 0)
	if err != nil {
		return []request.Request{{ID: request.Name(path), Input: path}}
	}
	defer local.Remove()
	r, err := shard.Open(local.Path, shard.Limits{})
	if err != nil {
		return []request.Request{{ID: request.Name(path), Input: path}}
	}
	defer r.Close()
	var requests []request.Request
	for row, next := 0, 0; row < r.Len(); row = next {
		q := request.Request{ID: fmt.Sprintf("%s-row-%d", request.Name(path), row), Input: path, Row: row}
		next = row + 1
		s, err := r.At(row)
		var group *shard.GroupError
		switch {
		case errors.As(err, &group):
			next = group.End
		case err == nil:
			q.ID = s.ID
			q.Family, _ = family.OfKind(s.Kind) // empty if unknown
		}
		requests = append(requests, q)
	}
	return requests
}
