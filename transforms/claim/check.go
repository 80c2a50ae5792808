package claim

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/morton-gen/morton/internal/store"
)

// Policy says what may be replaced besides what is claimed.
type Policy struct {
	Overwrite bool    // all but inputs
	Inputs    *Inputs // never; nil is none
}

// Vacant returns nil if files may be put at the paths in dir: there is nothing, or
// what a claim says. A file that lacks its end may be ours too, which only its
// replacement can show, so it counts as vacant here. The error wraps [ErrNotOurs],
// [ErrChanged] or [ErrInput], or is the file system's.
func (f Files) Vacant(dir string, policy Policy, paths ...string) error {
	for _, path := range paths {
		if err := f.vacant(dir, policy, path, File{Size: -1}); err != nil {
			return err
		}
	}
	return nil
}

// vacant is Vacant of one path. Next is what is to stand there, or of no size.
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

// mine compares a file with its claims, and with what is to replace it.
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

// cut reports whether a file of that size may be one of ours without its end.
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
