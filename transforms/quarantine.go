package transforms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/family"
	"github.com/morton-gen/morton/transforms/request"
)

var (
	// ErrQuarantined reports an input that was begun twice in a run, by processes that ended
	// while they read it.
	ErrQuarantined = errkind.New("quarantined", "two workers ended while they read it; a new run tries it again")
	// ErrSlow reports an input that takes longer to read than Settings.InputTime.
	ErrSlow = errkind.New("limit", "takes too long to read")
)

// maxBegun is how often a run begins to read an input that ends its process.
const maxBegun = 2

// ShareFolder is the folder in Settings.Out with what the workers of a run in other
// processes tell each other, as long as the run is not over.
func ShareFolder(run string) string { return filepath.Join(JobsFolder, run+".workers") }

// read is attempt for work that reads an input: a decoder may hang, or crash. Of a run in
// other processes, whose runner begins again what a worker did not end, it is noted beside
// the results as long as it goes on.
func (s *stage) read(ctx context.Context, r request.Request, work func(context.Context, family.Model) error) error {
	end, err := s.note(r)
	if err != nil {
		return err
	}
	defer end()
	return s.attempt(ctx, r.Family, func(ctx context.Context, m family.Model) error {
		if s.Settings.InputTime <= 0 {
			return work(ctx, m)
		}
		slow := fmt.Errorf("transforms: %w: over %v; --input-time raises the limit", ErrSlow, s.Settings.InputTime)
		within, cancel := context.WithTimeoutCause(ctx, s.Settings.InputTime, slow)
		defer cancel()
		err := work(within, m)
		if err != nil && ctx.Err() == nil && within.Err() != nil {
			return slow
		}
		return err
	})
}

// note writes that the input is begun, and returns what takes it back. The error wraps
// [ErrQuarantined], or is the file system's.
func (s *stage) note(r request.Request) (end func(), err error) {
	if s.Settings.Run == "" || strings.HasPrefix(s.Settings.Run, haltPrefix) {
		return func() {}, nil
	}
	folder := store.Join(s.Settings.Out, ShareFolder(s.Settings.Run))
	if err := store.MkdirAll(folder); err != nil {
		return nil, err
	}
	for n := 1; n <= maxBegun; n++ {
		place := store.Join(folder, fmt.Sprintf("%s-%s.begun-%d", r.Family, r.ID, n))
		// The time tells attempts apart: an object of equal bytes counts as put.
		err := store.New(place, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, time.Now().UnixNano())
			return err
		})
		if err == nil {
			return func() { store.Remove(place) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("transforms: %s: %w", r.Input, ErrQuarantined)
}
