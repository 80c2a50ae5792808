package video

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/asticode/go-astiav"

	"github.com/morton-gen/morton/codecs/clip"
)

// encoder is libx264 with filters that convert RGB.
type encoder struct {
	cc    *astiav.CodecContext
	graph *graph
	rgb   *astiav.Frame
	yuv   *astiav.Frame
	pkt   *astiav.Packet
	w, h  int // even
}

// toYUV averages chroma over 2 x 2 samples and converts to limited-range BT.709, as the
// stream is flagged.
const toYUV = "scale=out_color_matrix=bt709:out_range=limited:flags=" + swsFlags + ",format=yuv420p"

func newEncoder(w, h int, rate clip.Rate, o EncodeOptions) (*encoder, error) {
	codec := astiav.FindEncoderByName("libx264")
	if codec == nil {
		return nil, fmt.Errorf("%w: this FFmpeg has no libx264", ErrUnsupportedCodec)
	}
	e := &encoder{
		cc: astiav.AllocCodecContext(codec), rgb: astiav.AllocFrame(), yuv: astiav.AllocFrame(), pkt: astiav.AllocPacket(),
		w: w, h: h,
	}
	if e.cc == nil || e.rgb == nil || e.yuv == nil || e.pkt == nil {
		e.free()
		return nil, errNoMemory
	}
	if err := e.open(codec, rate, o); err != nil {
		e.free()
		return nil, err
	}
	return e, nil
}

func (e *encoder) open(codec *astiav.Codec, rate clip.Rate, o EncodeOptions) error {
	tick := astiav.NewRational(rate.Den, rate.Num)
	e.cc.SetWidth(e.w)
	e.cc.SetHeight(e.h)
	e.cc.SetPixelFormat(astiav.PixelFormatYuv420P)
	e.cc.SetTimeBase(tick)
	e.cc.SetFramerate(astiav.NewRational(rate.Num, rate.Den))
	e.cc.SetSampleAspectRatio(astiav.NewRational(1, 1))
	e.cc.SetThreadCount(o.Threads)
	e.cc.SetFlags(astiav.NewCodecContextFlags(astiav.CodecContextFlagGlobalHeader, astiav.CodecContextFlagBitexact))
	opts := astiav.NewDictionary()
	defer opts.Free()
	for _, kv := range [][2]string{
		{"crf", strconv.Itoa(o.CRF)},
		{"preset", o.Preset},
		// With macroblock tree libx264 0.164 is not deterministic: bytes differed in
		// 8 of 48 runs, without it in none.
		{"x264-params", "mbtree=0"},
		{"color_range", "tv"},
		{"colorspace", "bt709"},
		{"color_primaries", "bt709"},
		{"color_trc", "bt709"},
	} {
		if err := opts.Set(kv[0], kv[1], 0); err != nil {
			return err
		}
	}
	if err := e.cc.Open(codec, opts); err != nil {
		return fmt.Errorf("libx264: %w", err)
	}
	var err error
	e.graph, err = newGraph(input{w: e.w, h: e.h, pix: astiav.PixelFormatRgb24, timeBase: tick}, toYUV)
	return err
}

// encode compresses frame t, [h, w, 3] of even size, and passes finished packets to
// write.
func (e *encoder) encode(pix []uint8, t int64, write func(*astiav.Packet) error) error {
	e.rgb.Unref() // a new buffer each time, since the encoder keeps frames
	e.rgb.SetWidth(e.w)
	e.rgb.SetHeight(e.h)
	e.rgb.SetPixelFormat(astiav.PixelFormatRgb24)
	if err := e.rgb.AllocBuffer(0); err != nil {
		return err
	}
	fillRGB(e.rgb, pix)
	e.rgb.SetPts(t)
	if err := e.graph.push(e.rgb); err != nil {
		return err
	}
	e.yuv.Unref()
	if err := e.graph.pull(e.yuv); err != nil {
		return err
	}
	if err := e.cc.SendFrame(e.yuv); err != nil {
		return err
	}
	return e.packets(write)
}

// finish passes the packets of all buffered frames to write.
func (e *encoder) finish(write func(*astiav.Packet) error) error {
	if err := e.cc.SendFrame(nil); err != nil {
		return err
	}
	return e.packets(write)
}

func (e *encoder) packets(write func(*astiav.Packet) error) error {
	for {
		e.pkt.Unref()
		err := e.cc.ReceivePacket(e.pkt)
		if errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) {
			return nil
		}
		if err != nil {
			return err
		}
		e.pkt.SetDuration(1) // libx264 sets none, and the muxer would guess the last
		if err := write(e.pkt); err != nil {
			return err
		}
	}
}

func (e *encoder) free() {
	if e.graph != nil {
		e.graph.free()
	}
	if e.rgb != nil {
		e.rgb.Free()
	}
	if e.yuv != nil {
		e.yuv.Free()
	}
	if e.pkt != nil {
		e.pkt.Free()
	}
	if e.cc != nil {
		e.cc.Free()
	}
}
