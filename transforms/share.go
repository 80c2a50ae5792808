package transforms

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/morton-gen/morton/internal/store"
)

// shared is how many requests of a run have come to their end in one process.
type shared struct {
	Done   int `json:"done"`
	Failed int `json:"failed"`
}

// maxSharedBytes bounds what a worker says.
const maxSharedBytes = 1 << 10

// sharing tells the other workers of a run what this one counted, and reads what they did, so
// that Settings.MaxFailed is of the whole run.
type sharing struct {
	folder, name string
	told         shared
}

func newSharing(out, run string) *sharing {
	return &sharing{folder: store.Join(out, ShareFolder(run)), name: fmt.Sprintf("tally-%016x.json", rand.Uint64())}
}

// exchange writes this process' count where it has changed, and returns the sum of the
// others'. Without a folder, or where it cannot be read, that is nothing.
func (s *sharing) exchange(mine shared) (others shared) {
	if mine != s.told {
		if store.MkdirAll(s.folder) == nil && store.Replace(store.Join(s.folder, s.name), func(w io.Writer) error { return json.NewEncoder(w).Encode(mine) }) == nil {
			s.told = mine
		}
	}
	entries, err := store.ReadDir(s.folder)
	if err != nil {
		return shared{}
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "tally-") || e.Name() == s.name {
			continue
		}
		var one shared
		data, err := store.ReadFile(store.Join(s.folder, e.Name()), maxSharedBytes)
		if err == nil && json.Unmarshal(data, &one) == nil {
			others.Done += max(one.Done, 0)
			others.Failed += max(one.Failed, 0)
		}
	}
	return others
}
