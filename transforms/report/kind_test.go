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
	"github.com/morton-gen/morton/transforms/request"
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

func TestMessagesAreForPeople(t *testing.T) {
	for text, want := range map[string]string{
		"a/b.obj: obj.Read: line 3: bad face: vertex 9 of 2":                    "a/b.obj: line 3: bad face: vertex 9 of 2",
		"gltf.Read: half.gltf: corrupt glTF: unexpected end of JSON input":      "half.gltf: corrupt glTF: unexpected end of JSON input",
		"gltf.Read: a.gltf: buffer 0: statat gone.bin: no such file":            "a.gltf: buffer 0: gone.bin: no such file",
		"open out/Mesh.Final/x.obj: no such file or directory":                  "out/Mesh.Final/x.obj: no such file or directory",
		"shard.At: a.parquet: samples 0 to 9: corrupt shard: column \"tokens\"": "a.parquet: samples 0 to 9: corrupt shard: column \"tokens\"",
	} {
		if got := Fail(request.Request{}, "decode", errors.New(text)).Failed.Message; got != want {
			t.Errorf("%q, want %q", got, want)
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
