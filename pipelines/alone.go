package pipelines

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/morton-gen/morton/internal/atomicfile"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/transforms/request"
)

// errBusy reports a folder that another run of this machine writes to.
var errBusy = errors.New("another run writes into it: wait for its end, or choose another --out")

// alone locks the folders of the job's families, so that no other process of this machine
// writes the same results. The lock ends with the process. A store has none. The error
// wraps [ErrOut] if another run has a lock.
func (j *Job) alone() (release func(), err error) {
	var held []func() error
	release = func() {
		for _, unlock := range held {
			unlock()
		}
	}
	if store.Stored(j.Settings.Out) {
		return release, nil
	}
	for _, f := range j.families() {
		folder := filepath.Join(j.Settings.Out, string(f))
		if err := os.MkdirAll(folder, 0o777); err != nil {
			release()
			return nil, err
		}
		unlock, err := lockFamily(folder)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, unlock)
	}
	return release, nil
}

// checkAlone returns the error of [Job.alone] without making or locking a folder.
func (j *Job) checkAlone() error {
	if store.Stored(j.Settings.Out) {
		return nil
	}
	return checkFree(j.Settings.Out, j.families())
}

// Busy reports whether a run of this machine writes into a folder.
func Busy(out string) bool { return checkFree(out, request.Families) != nil }

// checkFree returns the error of a folder of the families that another run has locked.
func checkFree(out string, families []request.Family) error {
	for _, f := range families {
		unlock, err := lockFamily(filepath.Join(out, string(f)))
		switch {
		case err == nil:
			unlock()
		case errors.Is(err, ErrOut):
			return err
		}
	}
	return nil
}

func lockFamily(folder string) (unlock func() error, err error) {
	unlock, err = atomicfile.TryLock(folder)
	if errors.Is(err, atomicfile.ErrLocked) {
		err = fmt.Errorf("%w: %w", ErrOut, &fs.PathError{Op: "open", Path: folder, Err: errBusy})
	}
	return unlock, err
}
