package video

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/codecs/clip"
)

// Info describes a file from its headers. A [Reader] adds what decoding has shown.
type Info struct {
	Container string        // mp4, mov, matroska, webm, avi, mpeg, mpegts, mpegvideo, h264, gif, …
	Codec     string        // h264, hevc, vp8, vp9, av1, mpeg2video, …
	W, H      int           // pixels as shown, after rotation
	Rate      clip.Rate     // nominal; frames may be unevenly spaced
	Duration  time.Duration // 0 if unknown
	Frames    int           // 0 if unknown: in fragments, streams and most WebM; see [Count]
	Start     time.Duration // the first frame's timestamp in the file
	Rotation  int           // clockwise degrees from stored to shown: 0, 90, 180, 270
	Mirrored  bool          // mirrored left to right before the rotation
	Pixels    string        // FFmpeg's name of the stored samples: yuv420p, …
	Range     string        // "limited" or "full"
	Matrix    string        // bt601, bt709, bt2020, smpte240m, fcc or rgb: used for decoding
	Aspect    clip.Rate     // aspect ratio of a sample as shown; 1/1 if square or unknown
	Bytes     int64         // size of the file
	HasAudio  bool
	// Truncated reports that the file ends before its structure does, or inside its last
	// packet. In a format without lengths (MPEG and elementary streams) a cut between two
	// packets is invisible.
	Truncated bool

	// Only decoding sets these; [Probe] leaves them zero.

	Damaged bool // some frames are wrong or missing
	// DamagedFrames counts packets (frames or fields) that did not decode cleanly: the decoder
	// rejected them, reported an error or concealed a part, or the demuxer found a part
	// missing. Frames predicted from them do not count, nor does a cut through the last packet.
	DamagedFrames int
	Jumps         int // discontinuities of the timestamps
}

// Probe reads a file's headers and little else. It also reports codecs that [Open]
// rejects. Errors wrap [ErrNotVideo], [ErrNoVideoStream], [ErrEmpty], [ErrCorrupt] or
// [ErrLimit], which l sets, or are the file system's or the context's.
func Probe(ctx context.Context, path string, l Limits) (Info, error) {
	d, err := openDemuxer(ctx, path, l.withDefaults())
	if err != nil {
		return Info{}, fmt.Errorf("video.Probe: %w", err)
	}
	info := d.info()
	return info, d.close()
}

func (d *demuxer) info() Info {
	p := d.stream.CodecParameters()
	o := streamOrientation(d.stream)
	i := Info{
		Container: d.src.container.Name,
		Codec:     p.CodecID().Name(),
		W:         p.Width(),
		H:         p.Height(),
		Rate:      d.rate(),
		Duration:  d.duration(),
		Frames:    d.frames(),
		Start:     d.start(),
		Rotation:  o.degrees,
		Mirrored:  o.mirrored,
		Pixels:    p.PixelFormat().Name(),
		Range:     rangeName(p.ColorRange(), p.PixelFormat()),
		Matrix:    matrixName(p.ColorSpace(), p.PixelFormat(), p.Width(), p.Height()),
		Aspect:    aspectOf(d.fc.GuessSampleAspectRatio(d.stream, nil)),
		Bytes:     d.src.size,
		HasAudio:  d.hasAudio,
		Truncated: d.src.cut,
	}
	if o.swapped() {
		i.W, i.H = i.H, i.W
		i.Aspect = clip.Rate{Num: i.Aspect.Den, Den: i.Aspect.Num}
	}
	return i
}

// rate is never zero: the default is 25 frames a second, as in FFmpeg.
func (d *demuxer) rate() clip.Rate {
	for _, r := range []astiav.Rational{d.fc.GuessFrameRate(d.stream, nil), d.stream.AvgFrameRate(), d.stream.RFrameRate()} {
		if c := (clip.Rate{Num: r.Num(), Den: r.Den()}); validRate(c) {
			return c
		}
	}
	return clip.Rate{Num: 25, Den: 1}
}

func (d *demuxer) duration() time.Duration {
	if n := d.stream.Duration(); n > 0 {
		return ticks(n, d.stream.TimeBase())
	}
	if n := d.fc.Duration(); n > 0 {
		return ticks(n, astiav.TimeBaseQ)
	}
	return 0
}

func (d *demuxer) start() time.Duration {
	n := d.stream.StartTime()
	if n == astiav.NoPtsValue {
		return 0
	}
	return ticks(n, d.stream.TimeBase())
}

// frames is the container's count, from its table or (Matroska) from a tag. The table of
// a fragmented MP4 covers at most the first fragment.
func (d *demuxer) frames() int {
	if d.src.fragmented {
		return 0
	}
	n := d.stream.NbFrames()
	if n == 0 {
		if e := tag(d.stream.Metadata(), "NUMBER_OF_FRAMES"); e != "" {
			n, _ = strconv.ParseInt(e, 10, 64)
		}
	}
	return int(min(max(n, 0), math.MaxInt32))
}

func tag(d *astiav.Dictionary, key string) string {
	if d == nil {
		return ""
	}
	e := d.Get(key, nil, 0)
	if e == nil {
		return ""
	}
	return e.Value()
}

func aspectOf(r astiav.Rational) clip.Rate {
	if r.Num() <= 0 || r.Den() <= 0 {
		return clip.Rate{Num: 1, Den: 1}
	}
	return clip.Rate{Num: r.Num(), Den: r.Den()}
}

// ticks converts n units of base to the nearest duration.
func ticks(n int64, base astiav.Rational) time.Duration {
	ns := math.Round(float64(n) * float64(base.Num()) / float64(base.Den()) * 1e9)
	if math.IsNaN(ns) {
		return 0
	}
	return time.Duration(min(max(ns, -math.MaxInt64/2), math.MaxInt64/2))
}

// unitsOf converts t to the nearest number of units of base.
func unitsOf(t time.Duration, base astiav.Rational) int64 {
	return int64(math.Round(t.Seconds() * float64(base.Den()) / float64(base.Num())))
}
