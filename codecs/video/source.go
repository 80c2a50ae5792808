package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/asticode/go-astiav"
)

// source gives FFmpeg the bytes of a file. Reading through Go instead of by name keeps
// the file system's errors, lets a cancelled context stop a demuxer in the middle of a
// scan, and leaves FFmpeg no name to resolve as an address.
type source struct {
	ctx        context.Context
	file       *os.File
	size, pos  int64
	container  container
	cut        bool  // the file ends before its structure does
	fragmented bool  // an MP4 whose frames are in fragments
	err        error // the first failure to read, which FFmpeg reports as its own
	io         *astiav.IOContext
}

const (
	seekSize  = 0x10000 // AVSEEK_SIZE: asks for the size, moves nothing
	seekForce = 0x20000 // AVSEEK_FORCE: a hint, without meaning for a file
	errInval  = astiav.Error(-22)
	ioBuffer  = 1 << 16
)

func openSource(ctx context.Context, path string, l Limits) (*source, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := os.Stat(path) // before opening, which blocks on a pipe
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no regular file", ErrNotVideo, path)
	}
	if info.Size() > l.MaxBytes {
		return nil, fmt.Errorf("%w: %s has %d bytes, at most %d", ErrLimit, path, info.Size(), l.MaxBytes)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &source{ctx: ctx, file: f, size: info.Size()}
	if err := s.identify(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", err, path), s.close())
	}
	return s, nil
}

// identify looks at the head and, if it is worth it, at the structure.
func (s *source) identify() error {
	head := make([]byte, sniffBytes)
	n, err := s.file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	s.container = sniff(head[:n])
	switch {
	case s.container == audioOnly:
		return ErrNoVideoStream
	case s.container.demuxer == "":
		return ErrNotVideo
	}
	s.cut = cutShort(s.file, s.size, s.container)
	s.fragmented = s.container.demuxer == "mov" && hasFragments(s.file, s.size)
	s.io, err = astiav.AllocIOContext(ioBuffer, false, s.read, s.seek, nil)
	return err
}

func (s *source) read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, astiav.ErrExit
	}
	n, err := s.file.ReadAt(b, s.pos)
	s.pos += int64(n)
	if n > 0 {
		return n, nil
	}
	if err == io.EOF {
		return 0, astiav.ErrEof
	}
	s.err = err
	return 0, astiav.ErrEio
}

func (s *source) seek(offset int64, whence int) (int64, error) {
	switch whence &^ seekForce {
	case seekSize:
		return s.size, nil
	case io.SeekStart:
	case io.SeekCurrent:
		offset += s.pos
	case io.SeekEnd:
		offset += s.size
	default:
		return 0, errInval
	}
	if offset < 0 {
		return 0, errInval
	}
	s.pos = offset
	return offset, nil
}

// close lets go of the file and the context too: go-astiav keeps the read function, and
// so the source, until the address of its handle is used again.
func (s *source) close() error {
	if s.io != nil {
		s.io.Free()
		s.io = nil
	}
	f := s.file
	s.file, s.ctx = nil, nil
	return f.Close()
}
