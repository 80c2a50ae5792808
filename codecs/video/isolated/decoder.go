package isolated

import (
	"context"
	"os"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/video"
)

// Decoder says where videos are decoded. The zero value is a child process, if the program
// has called [Enable]. Its methods are those of package video, with one more error,
// [ErrCrashed]. A context that ends also ends a child that hangs.
type Decoder struct {
	// InProcess decodes in this process.
	InProcess bool `json:"in_process,omitempty"`
	// Memory is the bytes of memory that a child may have, its own 30 MB included; 0 means
	// [DefaultMemory]. It holds on Linux alone.
	Memory int64 `json:"memory,omitempty"`
}

// DefaultMemory is enough for 8K UHD with 10 bits a sample, whose decoder holds 2.5 GB.
const DefaultMemory = 4 << 30

func (d Decoder) here() bool { return d.InProcess || !enabled }

// Open is [video.Open].
func (d Decoder) Open(ctx context.Context, path string, o video.Options) (video.Frames, error) {
	if d.here() {
		return video.Open(ctx, path, o)
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return open(ctx, d, path, o)
}

// ReadClip is [video.ReadClip].
func (d Decoder) ReadClip(ctx context.Context, path string, o video.Options) (*clip.Clip, video.Info, error) {
	r, err := d.Open(ctx, path, o)
	if err != nil {
		return nil, video.Info{}, err
	}
	return video.Gather(r, path, o)
}

// Probe is [video.Probe].
func (d Decoder) Probe(ctx context.Context, path string, l video.Limits) (video.Info, error) {
	if d.here() {
		return video.Probe(ctx, path, l)
	}
	return d.ask(ctx, opProbe, path, l)
}

// Count is [video.Count].
func (d Decoder) Count(ctx context.Context, path string, l video.Limits) (video.Info, error) {
	if d.here() {
		return video.Count(ctx, path, l)
	}
	return d.ask(ctx, opCount, path, l)
}

// ask gets the info of a file.
func (d Decoder) ask(ctx context.Context, op, path string, l video.Limits) (i video.Info, err error) {
	s := newSession(ctx, d, request{Op: op, Path: []byte(path), Options: video.Options{Limits: l}})
	err = s.retry("video."+op, func() error {
		if err := s.ready(); err != nil {
			return err
		}
		kind, err := s.kind()
		if err != nil {
			return err
		}
		var m message
		m, err = s.over(kind)
		i = m.Info
		return err
	}, nil)
	return i, err
}

// memory returns the limit of a child.
func (d Decoder) memory() int64 {
	if d.Memory == 0 {
		return DefaultMemory
	}
	return d.Memory
}

// folder returns the working directory, as a child has to see it.
func folder() []byte {
	dir, err := os.Getwd()
	if err != nil {
		return nil // the child stays where it is
	}
	return []byte(dir)
}
