package video

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/asticode/go-astiav"
)

// demuxer is an open file with a selected video stream.
type demuxer struct {
	src      *source
	fc       *astiav.FormatContext
	stream   *astiav.Stream
	logged   *errorCount // since the header was read
	hasAudio bool
}

func openDemuxer(ctx context.Context, path string, l Limits) (*demuxer, error) {
	quiet()
	src, err := openSource(ctx, path, l)
	if err != nil {
		return nil, err
	}
	d := &demuxer{src: src}
	if err := d.open(l); err != nil {
		if src.err != nil { // the cause, where FFmpeg reports only a failed read
			err = src.err
		}
		return nil, errors.Join(fmt.Errorf("%w: %s", err, path), d.close())
	}
	return d, nil
}

func (d *demuxer) open(l Limits) error {
	if err := d.openInput(); err != nil {
		return d.kindOf(err)
	}
	if err := d.checkExtents(l); err != nil {
		return err
	}
	if err := d.findStreamInfo(l); err != nil {
		return d.kindOf(err)
	}
	if err := d.checkExtents(l); err != nil {
		return err
	}
	return d.choose()
}

// openInput sets d.fc to nil on failure. FFmpeg has freed the context by then,
// and go-astiav's CloseInput would follow a dangling pointer.
func (d *demuxer) openInput() error {
	format := astiav.FindInputFormat(d.src.container.Demuxer)
	if format == nil {
		return astiav.ErrDemuxerNotFound
	}
	opts := astiav.NewDictionary()
	defer opts.Free()
	if err := opts.Set("protocol_whitelist", "none", 0); err != nil {
		return err
	}
	fc := astiav.AllocFormatContext()
	if fc == nil {
		return errNoMemory
	}
	fc.SetPb(d.src.io)
	if err := fc.OpenInput("", format, opts); err != nil {
		return err
	}
	d.fc = fc
	if d.logged = watchDemuxer(fc); d.logged == nil {
		return errNoMemory
	}
	return nil
}

// findStreamInfo reads, and where necessary decodes, the first packets. It passes the
// pixel limit, since it runs decoders before ours is open. avformat expects an array
// of dictionaries, one per stream; a slice of go-astiav's one-pointer struct has that
// layout.
func (d *demuxer) findStreamInfo(l Limits) error {
	opts := make([]astiav.Dictionary, max(1, d.fc.NbStreams()))
	defer func() {
		for i := range opts {
			opts[i].Free()
		}
	}()
	for i := range opts {
		if err := opts[i].Set("max_pixels", maxPixels(l), 0); err != nil {
			return err
		}
	}
	return d.fc.FindStreamInfo(&opts[0])
}

// maxPixels allows for coded sizes, which are padded to whole blocks on both sides. A
// frame within the limit is at most maxSide long.
func maxPixels(l Limits) string {
	return strconv.FormatInt(min(l.MaxPixels+2*128*maxSide, math.MaxInt32), 10)
}

// kindOf classifies an error of opening. The container is known by then, so a file
// that FFmpeg cannot open is damaged. An end before any stream is an empty file,
// unless bytes are known to be missing.
func (d *demuxer) kindOf(err error) error {
	switch {
	case errors.Is(err, errNoMemory):
		return ErrMemory
	case errors.Is(err, astiav.ErrEof) && !d.src.cut:
		return ErrEmpty
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

func (d *demuxer) checkExtents(l Limits) error {
	for _, s := range d.fc.Streams() {
		p := s.CodecParameters()
		if p.MediaType() != astiav.MediaTypeVideo {
			continue
		}
		if err := l.Extent(p.Width(), p.Height()); err != nil {
			return err
		}
	}
	return nil
}

// choose selects the video stream marked as default, else the largest, like FFmpeg's
// tools; the first on a tie. A stream without packets ranks last. Attached pictures
// (covers, thumbnails, stills) are excluded.
func (d *demuxer) choose() error {
	streams := d.fc.Streams()
	var best rank
	for _, s := range streams {
		switch s.CodecParameters().MediaType() {
		case astiav.MediaTypeAudio:
			d.hasAudio = true
		case astiav.MediaTypeVideo:
			if r := rankOf(s); !isPicture(s) && (d.stream == nil || r.above(best)) {
				d.stream, best = s, r
			}
		}
	}
	switch {
	case d.stream != nil:
		return nil
	case len(streams) > 0:
		return ErrNoVideoStream
	case d.src.cut:
		return ErrCorrupt
	}
	return ErrEmpty
}

// rank orders the video streams of a file.
type rank struct {
	packets, marked bool
	pixels          int
}

func rankOf(s *astiav.Stream) rank {
	p := s.CodecParameters()
	return rank{packets: hasPackets(s), marked: isDefault(s), pixels: p.Width() * p.Height()}
}

func (r rank) above(o rank) bool {
	switch {
	case r.packets != o.packets:
		return r.packets
	case r.marked != o.marked:
		return r.marked
	}
	return r.pixels > o.pixels
}

func (d *demuxer) close() error {
	if d.fc != nil {
		d.fc.CloseInput()
		d.fc = nil
	}
	d.logged.free()
	d.logged = nil
	return d.src.close()
}
