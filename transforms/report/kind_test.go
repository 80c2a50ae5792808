package report

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"syscall"
	"testing"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
)

func TestKindOfEverySentinel(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, k := range kinds {
		if got := Kind(fmt.Errorf("stage: %w: got 3, limit 2", k.err)); got != k.kind {
			t.Errorf("Kind(%v) = %q, want %q", k.err, got, k.kind)
		}
		if !word.MatchString(k.kind) {
			t.Errorf("kind %q is no plain word", k.kind)
		}
	}
}

func TestKindTakesTheFirst(t *testing.T) {
	cases := []struct {
		err  error
		want string
	}{
		{errors.New("something else"), Internal},
		{&fs.PathError{Op: "read", Path: "a", Err: syscall.EISDIR}, "io"},
		{&fs.PathError{Op: "open", Path: "a", Err: syscall.ENOENT}, "not_found"},
		{&fs.PathError{Op: "open", Path: "a", Err: syscall.EACCES}, "permission"},
		{fmt.Errorf("%w: %w", video.ErrNotVideo, fs.ErrNotExist), "not_a_video"},
		{&gpu.OutOfMemoryError{Needed: 2, Available: 1}, "out_of_memory"},
		{fmt.Errorf("%w: index out of range", ErrPanic), Internal},
	}
	for _, c := range cases {
		if got := Kind(c.err); got != c.want {
			t.Errorf("Kind(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}
