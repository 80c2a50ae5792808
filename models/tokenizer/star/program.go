package star

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// half is a network of a codec. It keeps the programs of the size that was run last.
type half struct {
	layers   []layer
	size     extent // of the largest chunk
	programs map[chunk]*program
	kept     cnn.Table  // frames that convolutions saw, see net
	arena    *gpu.Arena // the programs' temporaries
}

// chunk is what programs of one size differ by.
type chunk struct {
	t     int
	first bool // of its clip
	ends  bool // no chunk follows
}

func (h *half) params() (out []cnn.Param) {
	for _, l := range h.layers {
		out = append(out, l.params()...)
	}
	return out
}

// out is the size behind all layers.
func (h *half) out(e extent) extent {
	for _, l := range h.layers {
		e = l.after(e)
	}
	return e
}

// bytes is the device memory of the programs of a clip whose largest chunk is e, an
// estimate from above: the temporaries do not pack without gaps. Their tables and ends
// are there for the first chunk and for the others.
func (h *half) bytes(e extent) uint64 {
	ends := mapBytes(e, h.layers[0].in)
	most, held := uint64(0), uint64(0)
	latents := extent{}
	for _, l := range h.layers {
		n := l.bytes(e)
		if l.z > 0 {
			n += 2*mapBytes(e, l.in) + mapBytes(latents, l.z) + 2*mapBytes(latents, l.in)
		}
		most = max(most, n)
		held += 2*l.held(e) + 1<<10
		e = l.after(e)
		if l.op == unfold {
			latents = e
		}
	}
	ends += mapBytes(e, h.layers[len(h.layers)-1].out)
	return most + most/8 + held + 3*ends + 1<<17
}

func (h *half) free() {
	if h == nil {
		return
	}
	for _, p := range h.programs {
		p.free()
	}
	h.kept.Free()
	h.arena.Free()
	h.programs, h.kept, h.arena = nil, nil, nil
}

// program is a network over chunks of one size.
type program struct {
	in, out *gpu.Tensor // f32 [t·h·w, c], channels even
	run     *gpu.Program
	tables  []*gpu.Tensor
	traced  map[string]*gpu.Tensor
}

func (p *program) free() {
	if p.run != nil {
		p.run.Free()
	}
	p.in.Free()
	p.out.Free()
	for _, x := range p.tables {
		x.Free()
	}
	for _, x := range p.traced {
		x.Free()
	}
}

// task is a network and the size of the largest chunk to come.
type task struct {
	h *half
	e extent
}

// ready reports whether the programs that are kept are of the task's size.
func (t task) ready() bool {
	s := t.h.size
	return t.h.programs != nil && s.h == t.e.h && s.w == t.e.w && s.t >= t.e.t
}

// begin frees programs of other sizes. If there is no room for those of the tasks beside
// the other networks', all go.
func (c *Codec) begin(tasks ...task) error {
	if c.params == nil {
		return gpu.ErrClosed
	}
	bytes := uint64(0)
	for _, t := range tasks {
		if !t.ready() {
			t.h.free()
			bytes += t.h.bytes(t.e)
		}
	}
	if bytes > 0 && c.dev.CheckMemory(bytes) != nil {
		c.freePrograms()
		bytes = 0
		for _, t := range tasks {
			bytes += t.h.bytes(t.e)
		}
		if err := c.dev.CheckMemory(bytes); err != nil {
			return fmt.Errorf("%d frames of %d by %d at a time: %w", tasks[0].e.t, tasks[0].e.h, tasks[0].e.w, err)
		}
	}
	for _, t := range tasks {
		if err := c.open(t); err != nil {
			return err
		}
	}
	return nil
}

// open makes what the programs of a task share.
func (c *Codec) open(t task) (err error) {
	if t.ready() {
		return nil
	}
	if t.h.arena, err = c.dev.NewArena(0); err == nil {
		t.h.size, t.h.programs, t.h.kept = t.e, map[chunk]*program{}, cnn.Table{}
	}
	return err
}

// program returns the one for a chunk, and makes it if it is not there.
func (c *Codec) program(h *half, k chunk) (*program, error) {
	if p := h.programs[k]; p != nil {
		return p, nil
	}
	p, err := c.record(h, k)
	if err != nil {
		return nil, err
	}
	h.programs[k] = p
	return p, nil
}

// record makes a program.
func (c *Codec) record(h *half, k chunk) (p *program, err error) {
	e := extent{k.t, h.size.h, h.size.w}
	p = &program{traced: map[string]*gpu.Tensor{}}
	defer func() {
		if err != nil {
			p.free()
			p = nil
		}
	}()
	if p.in, err = c.dev.NewTensor(tensor.F32, e.rows(), even(h.layers[0].in)); err != nil {
		return p, err
	}
	if p.out, err = c.dev.NewTensor(tensor.F32, h.out(e).rows(), even(h.layers[len(h.layers)-1].out)); err != nil {
		return p, err
	}
	n := &net{Recorder: c.dev.NewRecorder(), extent: e, first: k.first, params: c.params}
	if !k.first || !k.ends {
		n.kept = h.kept
	}
	n.Share(h.arena)
	if c.trace {
		n.marked = func(name string, x *gpu.Tensor) { p.traced[name] = n.Recorder.Keep(x) }
	}
	n.Copy(p.out, n.layers(h.layers, p.in))
	p.tables = n.tables
	p.run, err = n.Finish()
	return p, err
}

// pass runs a network over a chunk x, f32 [t, h, w, c].
func (c *Codec) pass(h *half, k chunk, x []float32) ([]float32, error) {
	p, err := c.program(h, k)
	if err != nil {
		return nil, err
	}
	if h.layers[0].in == cnn.Colours {
		x = cnn.Widen(x)
	}
	if err := p.in.WriteF32(x); err != nil {
		return nil, err
	}
	if err := p.run.Run(1); err != nil {
		return nil, err
	}
	y, err := p.out.F32()
	if err != nil {
		return nil, err
	}
	if !cnn.Finite(y) {
		return nil, fmt.Errorf("%w: a value is not finite", nn.ErrWeights)
	}
	if h.layers[len(h.layers)-1].out == cnn.Colours {
		y = cnn.Narrow(y)
	}
	return y, nil
}

// chunks calls body for the chunks of t frames: the first has one more than the others,
// or is all there is.
func chunks(t, size int, body func(k chunk, from int) error) error {
	for from, n := 0, 0; from < t; from += n {
		n = size
		if from == 0 {
			n = min(size+1, t)
		}
		if err := body(chunk{n, from == 0, from+n == t && from == 0}, from); err != nil {
			return err
		}
	}
	return nil
}
