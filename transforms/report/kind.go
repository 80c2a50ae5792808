package report

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/morton-gen/morton/internal/errkind"
)

// ErrPanic reports a panic while one item was worked on: a fault of ours, which
// costs that item and no other.
var ErrPanic = errkind.New(Internal, "panic")

// Kinds of errors that carry none.
const (
	// Internal is the kind of all others.
	Internal = "internal"
	// IO is the kind of what the file system said and has no word of its own.
	IO = "io"
)

// systemKind names an error of the system.
type systemKind struct {
	err  error
	kind string
}

// fullDisk comes before what an error says of itself: it is no fault of an input's.
var fullDisk = []systemKind{
	{syscall.ENOSPC, "disk_full"},
	{syscall.EDQUOT, "disk_full"},
}

// fileSystem comes after it: what a file is says more than what the system said.
var fileSystem = []systemKind{
	{fs.ErrNotExist, "not_found"},
	{fs.ErrPermission, "permission"},
	{syscall.EROFS, "permission"},
}

// Kind returns the short word for an error that stands in failures.jsonl, for people
// who count and filter failures. Our errors carry it, see package errkind. The words
// are part of the file format: they never change.
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
