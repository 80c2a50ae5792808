package video

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/asticode/go-astiav"
)

// muxer writes packets of one stream into an MP4 file.
type muxer struct {
	fc     *astiav.FormatContext
	io     *astiav.IOContext
	stream *astiav.Stream
	tick   astiav.Rational
	name   string // of the file in errors
}

// newMuxer truncates path, which errors call name. It names the file protocol, since a colon in a relative path would
// select another. FFmpeg writes the file itself because fast start reads it back.
func newMuxer(path, name string, cc *astiav.CodecContext) (*muxer, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	url := "file:" + abs
	m := &muxer{tick: cc.TimeBase(), name: name}
	if m.fc, err = astiav.AllocOutputFormatContext(nil, "mp4", url); err != nil {
		return nil, err
	}
	if err := m.open(url, cc); err != nil {
		err = m.systemError(err)
		_ = m.free() // fails for the same reason
		return nil, err
	}
	return m, nil
}

func (m *muxer) open(url string, cc *astiav.CodecContext) (err error) {
	m.fc.SetFlags(astiav.NewFormatContextFlags(astiav.FormatContextFlagBitexact)) // omit the writer's version
	if m.io, err = astiav.OpenIOContext(url, astiav.NewIOContextFlags(astiav.IOContextFlagWrite)); err != nil {
		return err
	}
	m.fc.SetPb(m.io)
	if m.stream = m.fc.NewStream(nil); m.stream == nil {
		return errNoMemory
	}
	if err := m.stream.CodecParameters().FromCodecContext(cc); err != nil {
		return err
	}
	m.stream.CodecParameters().SetCodecTag(0)
	m.stream.SetTimeBase(cc.TimeBase())
	m.stream.SetAvgFrameRate(cc.Framerate())
	opts := astiav.NewDictionary()
	defer opts.Free()
	if err := opts.Set("movflags", "+faststart", 0); err != nil {
		return err
	}
	return m.fc.WriteHeader(opts)
}

func (m *muxer) write(p *astiav.Packet) error {
	p.SetStreamIndex(m.stream.Index())
	p.RescaleTs(m.tick, m.stream.TimeBase()) // WriteHeader chose the stream's time base
	return m.systemError(m.fc.WriteInterleavedFrame(p))
}

func (m *muxer) finish() error { return m.systemError(m.fc.WriteTrailer()) }

func (m *muxer) free() error {
	var err error
	if m.io != nil {
		err = m.systemError(m.io.Close())
	}
	m.fc.Free()
	return err
}

// systemError restores the system's error of a failed write: FFmpeg passes its number
// on, negated.
func (m *muxer) systemError(err error) error {
	var e astiav.Error
	if !errors.As(err, &e) || e >= 0 || e < -maxErrno {
		return err
	}
	return &fs.PathError{Op: "write", Path: m.name, Err: syscall.Errno(-e)}
}

// maxErrno is below all of FFmpeg's own error numbers, which are four letters.
const maxErrno = 4095
