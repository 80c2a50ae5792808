package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/morton-gen/morton/internal/atomicfile"
)

// MaxCopy is the default limit of [Fetch] in bytes.
const MaxCopy = 16 << 30

// Copy is a local file with the bytes of a place.
type Copy struct {
	Path string // local path; the place itself if it is one

	place string
	dir   *atomicfile.Folder // nil for a path
	left  int64              // bytes left to the limit
}

// sweepCopies removes the copies that dead processes left.
var sweepCopies = sync.OnceValue(func() error { return atomicfile.Sweep(os.TempDir()) })

// Fetch copies an object of at most most bytes to a file in the system's temporary
// folder; 0 means [MaxCopy]. The file has the object's name. A path is not copied. The
// caller must call Remove.
//
// The error wraps [ErrTooLarge] or [ErrUnavailable], or is the file system's.
func Fetch(ctx context.Context, place string, most int64) (*Copy, error) {
	if !Stored(place) {
		return &Copy{Path: place}, nil
	}
	if most == 0 {
		most = MaxCopy
	}
	if err := sweepCopies(); err != nil {
		return nil, err
	}
	dir, err := atomicfile.CreateFolder(os.TempDir())
	if err != nil {
		return nil, err
	}
	c := &Copy{place: place, dir: dir, left: most}
	if c.Path, err = c.add(ctx, place, path.Base(place)); err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	return c, nil
}

// Add copies an object beside the first, or below its folder, under its name relative to
// the first. It counts towards the same limit.
func (c *Copy) Add(ctx context.Context, name string) error {
	if c.dir == nil {
		return nil
	}
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%w: %q leads out of the folder", ErrPlace, name)
	}
	_, err := c.add(ctx, Join(Dir(c.place), name), name)
	return err
}

func (c *Copy) add(ctx context.Context, place, name string) (string, error) {
	to := c.dir.Path(filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return "", err
	}
	n, err := download(ctx, place, to, c.left)
	c.left -= n
	return to, err
}

// Explain returns err with the copy's name replaced by the place's.
func (c *Copy) Explain(err error) error {
	if err == nil || c.dir == nil {
		return err
	}
	return &explained{err, strings.ReplaceAll(err.Error(), c.Path, c.place)}
}

type explained struct {
	error
	text string
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.error }

// Remove removes the copy, but never a local place.
func (c *Copy) Remove() error {
	if c.dir == nil {
		return nil
	}
	return c.dir.Remove()
}

// download writes an object of at most most bytes to a new file.
func download(ctx context.Context, place, to string, most int64) (n int64, err error) {
	from, err := open(ctx, place)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	if from.info.size > most {
		return 0, tooLarge(place, from.info.size, most)
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(f, from)
	return n, errors.Join(err, f.Close())
}

func tooLarge(place string, n, most int64) error {
	return fmt.Errorf("%w: %s has %d bytes, and %d are left of the limit (--input-limit sets it)", ErrTooLarge, place, n, most)
}
