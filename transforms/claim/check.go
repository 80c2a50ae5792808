package claim

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/morton-gen/morton/internal/store"
)

// Policy is what may be replaced besides claimed files.
type Policy struct {
	Overwrite bool    // everything except inputs
	Inputs    *Inputs // never replaced; nil means none
}

// Vacant returns nil if files may be put at the paths in dir: each is free or has
// a claimed file. A file that was cut short may be ours too. Only its replacement
// shows whether it is, so it counts as vacant here. The error wraps [ErrNotOurs],
// [ErrChanged] or [ErrInput], or is the file system's.
func (f Files) Vacant(dir string, policy Policy, paths ...string) error {
	for _, path := range paths {
		if err := f.vacant(dir, policy, path, File{Size: -1}); err != nil {
			return err
		}
	}
	return nil
}

// Unchanged is [Files.Vacant] for files that are small, and so are never cut short: a shorter one
// was changed.
func (f Files) Unchanged(dir string, policy Policy, paths ...string) error {
	for _, path := range paths {
		if err := f.vacant(dir, policy, path, File{}); err != nil {
			return err
		}
	}
	return nil
}

// vacant is Vacant for one path. next is the file to put there, or has no size.
func (f Files) vacant(dir string, policy Policy, path string, next File) error {
	place := store.Join(dir, path)
	info, err := store.Lstat(place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if input, ok := policy.Inputs.At(place); ok {
		return fmt.Errorf("%w: %s is %s", ErrInput, place, input)
	}
	if info.IsDir() {
		return fmt.Errorf("%w: %s is a folder", ErrNotOurs, place)
	}
	if policy.Overwrite {
		return nil
	}
	return f.mine(dir, path, info, next)
}

// mine compares a file with its claims and with its replacement.
func (f Files) mine(dir, path string, info fs.FileInfo, next File) error {
	claims := f.Of(path)
	if !info.Mode().IsRegular() {
		return refuse(dir, path, claims)
	}
	known := claims
	if next.Size >= 0 {
		known = claims.And(Files{next})
	}
	got, err := describe(dir, path, func(size int64) bool {
		return slices.ContainsFunc(known, func(c File) bool { return c.Size == size })
	})
	switch {
	case err == nil && slices.Contains(known, got):
		return nil
	case err != nil && !errors.Is(err, errSize):
		return err
	case cut(info.Size(), claims) && next.Size < 0:
		return nil
	}
	return refuse(dir, path, claims)
}

// cut reports whether a file of that size may be one of ours that was cut
// short.
func cut(size int64, claims Files) bool {
	return slices.ContainsFunc(claims, func(c File) bool { return size < c.Size })
}

func refuse(dir, path string, claims Files) error {
	err := ErrNotOurs
	if len(claims) > 0 {
		err = ErrChanged
	}
	return fmt.Errorf("%s is there, and %w; move it away, or give --overwrite", store.Join(dir, path), err)
}
