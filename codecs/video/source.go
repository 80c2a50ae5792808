package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/asticode/go-astiav"
	"github.com/morton-gen/morton/codecs/video/container"
)

// source reads a file's bytes for FFmpeg. Reading through Go keeps the file system's
// errors, lets a cancelled context stop a demuxer during a scan, and gives FFmpeg no
// name to resolve as an address.
type source struct {
	ctx        context.Context
	file       *os.File
	size, pos  int64
	container  container.Format
	cut        bool  // the file ends before its structure does
	fragmented bool  // an MP4 whose frames are in fragments
	err        error // the first read error, which FFmpeg reports as its own
	io         *astiav.IOContext
}

const (
	seekSize  = 0x10000 // AVSEEK_SIZE: return the size, do not move
	seekForce = 0x20000 // AVSEEK_FORCE: a hint, meaningless for a file
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
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrNotVideo, path)
	}
	if info.Size() > l.MaxBytes {
		return nil, over("bytes", l.MaxBytes, "%s has %d bytes", path, info.Size())
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

// identify examines the head and, for a known container, the structure.
func (s *source) identify() error {
	head := make([]byte, container.HeadBytes)
	n, err := s.file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	s.container = container.Detect(head[:n])
	switch {
	case s.container == container.Audio:
		return ErrNoVideoStream
	case s.container.Demuxer == "":
		return ErrNotVideo
	}
	s.cut = container.CutShort(s.file, s.size, s.container)
	s.fragmented = s.container.Demuxer == "mov" && container.HasFragments(s.file, s.size)
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

// close also drops the file and the context: go-astiav keeps the read function, and
// thereby the source, until its handle's address is reused.
func (s *source) close() error {
	if s.io != nil {
		s.io.Free()
		s.io = nil
	}
	f := s.file
	s.file, s.ctx = nil, nil
	return f.Close()
}
