package video

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/asticode/go-astiav"
)

// decoder turns a demuxer's packets into frames in presentation order.
type decoder struct {
	*demuxer
	cc       *astiav.CodecContext
	logged   *errorCount
	pkt      *astiav.Packet
	frame    *astiav.Frame // the latest, valid until the next call of next
	threads  int
	draining bool
	partial  bool // the demuxer stopped before the file's end
	packets  int  // of the video stream
	lossAt   int  // the latest incomplete packet, until it is judged
	lastDts  int64
	damage   damage
	time     *timeline
}

// maxRefusals is the number of successive errors, without a frame or packet between,
// after which a stream ends.
const maxRefusals = 1000

func newDecoder(d *demuxer, limits Limits, threads int) (*decoder, error) {
	p := d.stream.CodecParameters()
	codec := decoderFor(p.CodecID())
	if codec == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnsupportedCodec, p.CodecID().Name())
	}
	k := &decoder{
		demuxer: d, threads: threads, time: newTimeline(d),
		cc: astiav.AllocCodecContext(codec), pkt: astiav.AllocPacket(), frame: astiav.AllocFrame(),
	}
	if k.cc == nil || k.pkt == nil || k.frame == nil {
		k.free()
		return nil, ErrMemory
	}
	if err := k.open(codec, p, limits); err != nil {
		k.free()
		if errors.Is(err, errNoMemory) {
			return nil, ErrMemory
		}
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return k, nil
}

func (k *decoder) open(codec *astiav.Codec, p *astiav.CodecParameters, l Limits) error {
	if err := k.cc.FromCodecParameters(p); err != nil {
		return err
	}
	if k.logged = watchDecoder(k.cc); k.logged == nil {
		return errNoMemory
	}
	k.cc.SetThreadCount(k.threads)
	opts := astiav.NewDictionary()
	defer opts.Free()
	if err := opts.Set("max_pixels", maxPixels(l), 0); err != nil {
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

// next puts the next frame, with its time as Pts, into k.frame. It returns io.EOF after the last, when the
// decoder is drained.
func (k *decoder) next() error {
	k.frame.Unref()
	for refusals := 0; refusals < maxRefusals; {
		err := k.cc.ReceiveFrame(k.frame)
		k.damage.logged(k.logged.load(), k.packets)
		switch {
		case err == nil:
			k.damage.frames = k.damage.frames || damagedFrame(k.frame)
			k.time.place(bestEffort(k.frame), durationOf(k.frame))
			k.frame.SetPts(k.time.last)
			return nil
		case errors.Is(err, astiav.ErrEof):
			return io.EOF
		case errors.Is(err, astiav.ErrEagain):
			if k.draining { // the decoder asks for more than there is
				return io.EOF
			}
			if err := k.feed(); err != nil {
				return err
			}
			refusals = 0
		case errors.Is(err, errNoMemory):
			return ErrMemory
		default:
			k.damage.mark(k.packets)
			refusals++
		}
	}
	return io.EOF
}

// feed sends one packet of the video stream, or the end, to the decoder. Damaged packets
// are counted and skipped, as players do.
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
	k.checkLoss()
	return k.send(k.pkt)
}

// checkLoss judges packets that the demuxer flagged as incomplete. At a splice of two
// transport streams packets are missing but none is lost, and the clock jumps. The parser
// may flag the packet before, so it waits two packets for a jump.
func (k *decoder) checkLoss() {
	dts := k.pkt.Dts()
	if dts != astiav.NoPtsValue {
		if k.packets > 1 && k.time.jumped(dts-k.lastDts) {
			k.lossAt = 0
		}
		k.lastDts = dts
	}
	lossy := k.pkt.Flags().Has(astiav.PacketFlagCorrupt)
	if k.lossAt > 0 && (lossy || k.packets-k.lossAt > 2) {
		k.damage.mark(k.lossAt)
		k.lossAt = 0
	}
	if lossy {
		k.lossAt = k.packets
	}
}

func (k *decoder) send(p *astiav.Packet) error {
	err := k.cc.SendPacket(p)
	k.damage.logged(k.logged.load(), k.packets)
	switch {
	case err == nil, errors.Is(err, astiav.ErrEof):
	case errors.Is(err, errNoMemory):
		return ErrMemory
	default:
		k.damage.mark(k.packets)
	}
	return nil
}

// end starts draining. Any error of the demuxer ends the video, since a truncated file
// still has the frames before the cut. Only an I/O error or a cancelled context is
// returned.
func (k *decoder) end(err error) error {
	if k.src.err != nil {
		return k.src.err
	}
	if !errors.Is(err, astiav.ErrEof) {
		k.partial = true
	}
	if k.lossAt > 0 {
		k.damage.mark(k.lossAt)
	}
	k.draining = true
	return k.send(nil)
}

// truncated is final once next has returned io.EOF.
func (k *decoder) truncated() bool {
	return k.src.cut || k.partial || k.tailDamaged() && (k.lossAt > 0 || k.src.container.Lengthless())
}

// damaged is the number of damaged packets, without those at a truncated end.
func (k *decoder) damaged() int {
	n := k.damage.count()
	switch {
	case k.tailDamaged() && k.truncated():
		return 0
	case k.skipped():
		return max(1, n)
	}
	return n
}

// skipped reports whether the demuxer met damage and may have skipped frames. In a
// truncated file that may be the cut itself.
func (k *decoder) skipped() bool { return !k.src.cut && k.demuxer.logged.load() > 0 }

// tailDamaged reports whether only the end is damaged. The end is two packets, since the
// parser returns one only after it has seen the start of the next.
func (k *decoder) tailDamaged() bool { return k.draining && k.damage.since(k.packets-1) }

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
	k.logged.free()
}
