package video

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/asticode/go-astiav"
)

// graph is a chain of FFmpeg filters with one input and one output.
type graph struct {
	g         *astiav.FilterGraph
	src, sink *astiav.FilterContext
}

// input is the format that a graph was built for. A frame that differs needs a new
// graph: most filters read as many samples as configured, whatever the frame has.
type input struct {
	w, h     int
	pix      astiav.PixelFormat
	rng      astiav.ColorRange
	space    astiav.ColorSpace
	aspect   astiav.Rational
	timeBase astiav.Rational
}

func inputOf(f *astiav.Frame, timeBase astiav.Rational) input {
	return input{
		w: f.Width(), h: f.Height(), pix: f.PixelFormat(), rng: f.ColorRange(), space: colorSpaceOf(f),
		aspect: f.SampleAspectRatio(), timeBase: timeBase,
	}
}

func (in input) args() astiav.FilterArgs {
	return astiav.FilterArgs{
		"width":     strconv.Itoa(in.w),
		"height":    strconv.Itoa(in.h),
		"pix_fmt":   strconv.Itoa(int(in.pix)),
		"time_base": fmt.Sprintf("%d/%d", in.timeBase.Num(), in.timeBase.Den()),
	}
}

// chain joins the non-empty filters.
func chain(filters ...string) string {
	var used []string
	for _, f := range filters {
		if f != "" {
			used = append(used, f)
		}
	}
	return strings.Join(used, ",")
}

// newGraph builds "in, filters, out". It uses one thread: frames are small, and the
// decoder has threads of its own.
func newGraph(in input, filters string) (*graph, error) {
	g := &graph{g: astiav.AllocFilterGraph()}
	if g.g == nil {
		return nil, errNoMemory
	}
	g.g.SetThreadCount(1)
	if err := g.build(in, filters); err != nil {
		g.free()
		return nil, err
	}
	return g, nil
}

func (g *graph) build(in input, filters string) (err error) {
	buffer, sink := astiav.FindFilterByName("buffer"), astiav.FindFilterByName("buffersink")
	if buffer == nil || sink == nil {
		return astiav.ErrFilterNotFound
	}
	if g.src, err = g.g.NewFilterContext(buffer, "in", in.args()); err != nil {
		return err
	}
	if g.sink, err = g.g.NewFilterContext(sink, "out", nil); err != nil {
		return err
	}
	if err := g.connect(filters); err != nil {
		return err
	}
	return g.g.Configure()
}

// connect names the open ends from the parsed chain's side: its input is fed by src.
func (g *graph) connect(filters string) error {
	from, to := astiav.AllocFilterInOut(), astiav.AllocFilterInOut()
	if from == nil || to == nil {
		return errNoMemory
	}
	defer from.Free()
	defer to.Free()
	from.SetName("in")
	from.SetFilterContext(g.src)
	from.SetPadIdx(0)
	from.SetNext(nil)
	to.SetName("out")
	to.SetFilterContext(g.sink)
	to.SetPadIdx(0)
	to.SetNext(nil)
	return g.g.Parse(filters, to, from)
}

// push passes a frame to the graph and leaves it blank. nil is the end.
func (g *graph) push(f *astiav.Frame) error {
	return g.src.BuffersrcAddFrame(f, astiav.NewBuffersrcFlags())
}

// pull gets a frame, or ErrEagain if it needs another input, or ErrEof.
func (g *graph) pull(f *astiav.Frame) error {
	return g.sink.BuffersinkGetFrame(f, astiav.NewBuffersinkFlags())
}

// timeBase is the time unit of pulled frames.
func (g *graph) timeBase() astiav.Rational { return g.sink.Inputs()[0].TimeBase() }

// free frees the ends one by one, since go-astiav keeps a table of them, and before the
// graph, since it follows their pointers to find them.
func (g *graph) free() {
	for _, f := range []*astiav.FilterContext{g.src, g.sink} {
		if f != nil {
			f.Free()
		}
	}
	g.g.Free()
}
