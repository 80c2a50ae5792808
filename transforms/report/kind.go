package report

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/morton-gen/morton/internal/errkind"
)

// ErrPanic reports a panic during the work on one item: a bug of ours, which
// fails that item alone.
var ErrPanic = errkind.New(Internal, "panic")

// Kinds of errors without a kind of their own.
const (
	// Internal is the kind of all other errors.
	Internal = "internal"
	// IO is the kind of other file system errors.
	IO = "io"
)

// systemKind is the kind of a system error.
type systemKind struct {
	err  error
	kind string
}

// fullDisk precedes an error's own kind, since a full disk is not the input's
// fault.
var fullDisk = []systemKind{
	{syscall.ENOSPC, "disk_full"},
	{syscall.EDQUOT, "disk_full"},
}

// fileSystem follows it, since a kind of our own says more than the system's
// error.
var fileSystem = []systemKind{
	{fs.ErrNotExist, "not_found"},
	{fs.ErrPermission, "permission"},
	{syscall.EROFS, "permission"},
}

// Kind returns the kind of an error in failures.jsonl, a short word for counting and
// filtering. Our errors carry it: see package errkind. The words are part of the
// file format and never change.
func Kind(err error) string {
	if errors.Is(err, ErrPanic) {
		return Internal
	}
	if kind := ofSystem(err, fullDisk); kind != "" {
		return kind
	}
	if kind := errkind.Of(err); kind != "" {
		return kind
	}
	if kind := ofSystem(err, fileSystem); kind != "" {
		return kind
	}
	if path := new(fs.PathError); errors.As(err, &path) {
		return IO
	}
	return Internal
}

func ofSystem(err error, kinds []systemKind) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	return ""
}
