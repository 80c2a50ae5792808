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

// Info is what a file says about itself, before any frame is decoded. Of a [Reader] it is
// also what decoding has shown.
type Info struct {
	Container string        // mp4, mov, matroska, webm, avi, mpeg, mpegts, mpegvideo, h264, gif, …
	Codec     string        // h264, hevc, vp8, vp9, av1, mpeg2video, …
	W, H      int           // pixels as shown, after rotation
	Rate      clip.Rate     // nominal; frames may come at uneven times
	Duration  time.Duration // 0 if unknown
	Frames    int           // 0 if unknown: in fragments, streams and most WebM; see [Count]
	Start     time.Duration // the first frame's stamp, as the file has it
	Rotation  int           // clockwise degrees from stored to shown: 0, 90, 180, 270
	Mirrored  bool          // and mirrored left to right before the turn
	Pixels    string        // FFmpeg's name of the stored samples: yuv420p, …
	Range     string        // "limited" or "full"
	Matrix    string        // bt601, bt709, bt2020, smpte240m, fcc or rgb: what decoding uses
	Aspect    clip.Rate     // width to height of one sample as shown; 1/1 if square or unknown
	Bytes     int64         // size of the file
	HasAudio  bool
	// Truncated says that the file ends before its own structure does, or inside its last
	// packet. Of a format without a length (MPEG and elementary streams) a cut between two
	// packets cannot be seen.
	Truncated bool

	// Only decoding shows these; [Probe] leaves them zero.

	Damaged bool // some frames are wrong or missing
	// DamagedFrames counts the packets that did not decode cleanly: the decoder refused them,
	// reported an error or concealed a part, or the demuxer found a part missing. A packet is a
	// frame or a field. Frames that are predicted from them are not counted, and neither is a
	// cut through the last packet.
	DamagedFrames int
	Jumps         int // times at which the stamps jumped or started anew
}

// Probe reads a file's headers and as little else as it can. It reports what is there
// even for codecs that [Open] refuses. Errors wrap [ErrNotVideo], [ErrNoVideoStream],
// [ErrEmpty], [ErrCorrupt], [ErrLimit], the file system's or the context's.
func Probe(ctx context.Context, path string) (Info, error) {
	d, err := openDemuxer(ctx, path, Limits{}.withDefaults())
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
		Container: d.src.container.name,
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

// rate is never zero: a stream that names none plays at 25 frames a second, as FFmpeg has it.
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
// a fragmented MP4 knows the first fragment at most.
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

// ticks is n units of base as a duration, and the nearest one it can hold.
func ticks(n int64, base astiav.Rational) time.Duration {
	ns := math.Round(float64(n) * float64(base.Num()) / float64(base.Den()) * 1e9)
	if math.IsNaN(ns) {
		return 0
	}
	return time.Duration(min(max(ns, -math.MaxInt64/2), math.MaxInt64/2))
}

// unitsOf is t in units of base, to the nearest.
func unitsOf(t time.Duration, base astiav.Rational) int64 {
	return int64(math.Round(t.Seconds() * float64(base.Den()) / float64(base.Num())))
}
