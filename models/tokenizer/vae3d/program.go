package vae3d

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// half is one direction of a codec. It keeps the program of the size that was run last.
type half struct {
	layers  []layer
	names   []string // the beginnings of its tensors' names
	program *program
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

// bytes is the device memory of a program over a window, an estimate from above: the
// temporaries do not pack without gaps.
func (h *half) bytes(e extent) uint64 {
	held := mapBytes(e, h.layers[0].in)
	most := uint64(0)
	for _, l := range h.layers {
		most = max(most, l.bytes(e))
		e = l.after(e)
	}
	held += mapBytes(e, h.layers[len(h.layers)-1].out)
	return most + most/8 + held + 1<<16
}

func (h *half) free() {
	if h != nil && h.program != nil {
		h.program.free()
		h.program = nil
	}
}

// program is one direction over windows of one size.
type program struct {
	size    extent
	in, out *gpu.Tensor // f32 [t·h·w, c], channels even
	run     *gpu.Program
	traced  map[string]*gpu.Tensor
}

func (p *program) free() {
	if p.run != nil {
		p.run.Free()
	}
	p.in.Free()
	p.out.Free()
	for _, x := range p.traced {
		x.Free()
	}
}

// ready makes the program of a size if h does not have it. If there is no room beside the
// other direction's program, that one goes.
func (c *Codec) ready(h *half, e extent) error {
	if c.params == nil {
		return gpu.ErrClosed
	}
	if h.program != nil && h.program.size == e {
		return nil
	}
	h.free()
	err := c.dev.CheckMemory(h.bytes(e))
	if err != nil {
		c.enc.free()
		c.dec.free()
		err = c.dev.CheckMemory(h.bytes(e))
	}
	if err != nil {
		return fmt.Errorf("a window of %d frames of %d by %d: %w", e.t, e.h, e.w, err)
	}
	h.program, err = c.record(h, e)
	return err
}

// record makes a program.
func (c *Codec) record(h *half, e extent) (p *program, err error) {
	p = &program{size: e, traced: map[string]*gpu.Tensor{}}
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
	n := &net{Recorder: c.dev.NewRecorder(), extent: e, params: c.params}
	if c.trace {
		n.marked = func(name string, x *gpu.Tensor) { p.traced[name] = n.Recorder.Keep(x) }
	}
	n.Copy(p.out, n.layers(h.layers, p.in))
	p.run, err = n.Finish()
	return p, err
}

// window runs one direction over x, f32 [t, h, w, c].
func (c *Codec) window(h *half, e extent, x []float32) ([]float32, error) {
	if err := c.ready(h, e); err != nil {
		return nil, err
	}
	if h.layers[0].in == cnn.Colours {
		x = cnn.Widen(x)
	}
	p := h.program
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

// windows runs one direction over windows of so many frames, and hands what comes out to
// each. Neighbours share a frame, which the earlier one makes. Every window begins anew,
// as upstream's do.
func (c *Codec) windows(h *half, e extent, size int, x []float32, each func(y []float32) error) error {
	frame := len(x) / e.t
	for first := 0; first == 0 || first < e.t-1; first += size - 1 {
		at := extent{min(size, e.t-first), e.h, e.w}
		y, err := c.window(h, at, x[first*frame:(first+at.t)*frame])
		if err != nil {
			return err
		}
		if first > 0 {
			y = y[len(y)/h.out(at).t:]
		}
		if err := each(y); err != nil {
			return err
		}
	}
	return nil
}
