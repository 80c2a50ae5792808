package video

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/asticode/go-astiav"
)

// decoder turns a demuxer's packets into frames in the order they are shown.
type decoder struct {
	*demuxer
	cc       *astiav.CodecContext
	pkt      *astiav.Packet
	frame    *astiav.Frame // the latest, valid until the next call of next
	draining bool
	refused  int   // packets and frames the decoder reported as damaged
	cutShort bool  // the last packets were missing or partial
	packets  int   // of the video stream
	last     int64 // the latest frame's time, in the stream's time base
	started  bool
}

// maxRefusals in a row, with neither a frame nor a packet between, end a stream whose
// decoder fails for ever.
const maxRefusals = 1000

// maxTicks is the largest time believed; beyond it, sums of times could overflow.
const maxTicks = 1 << 60

func newDecoder(d *demuxer, o Options) (*decoder, error) {
	p := d.stream.CodecParameters()
	codec := decoderFor(p.CodecID())
	if codec == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnsupportedCodec, p.CodecID().Name())
	}
	k := &decoder{demuxer: d, cc: astiav.AllocCodecContext(codec), pkt: astiav.AllocPacket(), frame: astiav.AllocFrame()}
	if k.cc == nil || k.pkt == nil || k.frame == nil {
		k.free()
		return nil, errNoMemory
	}
	if err := k.open(codec, p, o); err != nil {
		k.free()
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return k, nil
}

func (k *decoder) open(codec *astiav.Codec, p *astiav.CodecParameters, o Options) error {
	if err := k.cc.FromCodecParameters(p); err != nil {
		return err
	}
	k.cc.SetThreadCount(threads(o.Threads))
	opts := astiav.NewDictionary()
	defer opts.Free()
	if err := opts.Set("max_pixels", maxPixels(o.Limits), 0); err != nil {
		return err
	}
	return k.cc.Open(codec, opts)
}

func threads(n int) int {
	if n > 0 {
		return n
	}
	return min(runtime.NumCPU(), 4)
}

// next puts the next frame, with its time in Pts, into k.frame. It returns io.EOF after
// the last one, when the decoder has given back all it held.
func (k *decoder) next() error {
	k.frame.Unref()
	for refusals := 0; refusals < maxRefusals; {
		err := k.cc.ReceiveFrame(k.frame)
		switch {
		case err == nil:
			k.stamp()
			return nil
		case errors.Is(err, astiav.ErrEof):
			return io.EOF
		case errors.Is(err, astiav.ErrEagain):
			if k.draining { // a decoder that asks for more than there is
				return io.EOF
			}
			if err := k.feed(); err != nil {
				return err
			}
			refusals = 0
		case errors.Is(err, errNoMemory):
			return fmt.Errorf("%w: %w", ErrLimit, err)
		default:
			k.refused++
			refusals++
		}
	}
	return io.EOF
}

// feed sends one packet of the video stream, or the end, to the decoder. Damaged packets
// are counted and passed over, as players do.
func (k *decoder) feed() error {
	for {
		k.pkt.Unref()
		if err := k.src.ctx.Err(); err != nil {
			return err
		}
		if err := k.fc.ReadFrame(k.pkt); err != nil {
			return k.end(err)
		}
		if k.pkt.StreamIndex() == k.stream.Index() {
			break
		}
	}
	k.packets++
	if k.pkt.Flags().Has(astiav.PacketFlagCorrupt) {
		k.cutShort = true
	}
	return k.send(k.pkt)
}

func (k *decoder) send(p *astiav.Packet) error {
	err := k.cc.SendPacket(p)
	switch {
	case err == nil, errors.Is(err, astiav.ErrEof):
	case errors.Is(err, errNoMemory):
		return fmt.Errorf("%w: %w", ErrLimit, err)
	default:
		k.refused++
	}
	return nil
}

// end begins the draining. Whatever stops the demuxer ends the video, since a cut file
// still has the frames before the cut; only a failing disk or a cancelled context is
// an error.
func (k *decoder) end(err error) error {
	if k.src.err != nil {
		return k.src.err
	}
	if !errors.Is(err, astiav.ErrEof) {
		k.cutShort = true
	}
	k.draining = true
	return k.send(nil)
}

// stamp gives the frame a time after that of the frame before, also where the container
// has none or two frames claim the same one.
func (k *decoder) stamp() {
	pts := bestEffort(k.frame)
	absent := pts == astiav.NoPtsValue || abs(pts) > maxTicks
	switch {
	case absent && !k.started:
		pts = 0
	case absent:
		pts = k.last + k.frameTicks()
	case k.started && pts <= k.last:
		pts = k.last + 1
	}
	k.last, k.started = pts, true
	k.frame.SetPts(pts)
}

// frameTicks is how long the latest frame is shown, in the stream's time base.
func (k *decoder) frameTicks() int64 {
	if n := durationOf(k.frame); n > 0 {
		return n
	}
	r := k.rate()
	b := k.stream.TimeBase()
	return max(1, int64(float64(r.Den)/float64(r.Num)*float64(b.Den())/float64(b.Num())+0.5))
}

// truncated is final once next has returned io.EOF.
func (k *decoder) truncated() bool { return k.src.cut || k.cutShort || k.refused > 0 }

func (k *decoder) free() {
	if k.frame != nil {
		k.frame.Free()
	}
	if k.pkt != nil {
		k.pkt.Free()
	}
	if k.cc != nil {
		k.cc.Free()
	}
}
