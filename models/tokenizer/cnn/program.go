package cnn

import (
	"fmt"
	"slices"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// program is one direction at one size.
type program struct {
	encodes bool
	h, w    int         // pixels
	pixels  *gpu.Tensor // f32 [h·w, 4]
	code    *gpu.Tensor
	run     *gpu.Program
	traced  map[string]*gpu.Tensor
}

func (p *program) free() {
	if p.run != nil {
		p.run.Free()
	}
	p.pixels.Free()
	p.code.Free()
	for _, x := range p.traced {
		x.Free()
	}
}

// program returns the one for a size and direction, and makes it if it is not kept.
func (c *Codec) program(encodes bool, h, w int) (*program, error) {
	if c.params == nil {
		return nil, gpu.ErrClosed
	}
	for i, p := range c.programs {
		if p.encodes == encodes && p.h == h && p.w == w {
			c.programs = append(slices.Delete(c.programs, i, i+1), p)
			return p, nil
		}
	}
	if err := c.room(encodes, h, w); err != nil {
		return nil, err
	}
	p, err := c.record(encodes, h, w)
	if err != nil {
		return nil, err
	}
	c.programs = append(c.programs, p)
	return p, nil
}

func (c *Codec) side(encodes bool) *half {
	if encodes {
		return c.enc
	}
	return c.dec
}

// room frees kept programs, the oldest first, until one more may be kept and fits.
func (c *Codec) room(encodes bool, h, w int) error {
	bytes := c.model.programBytes(*c.side(encodes), h, w)
	for {
		err := c.dev.CheckMemory(bytes)
		if err == nil && len(c.programs) < c.keep {
			return nil
		}
		if len(c.programs) == 0 {
			return fmt.Errorf("a program for %d by %d pixels: %w", h, w, err)
		}
		c.programs[0].free()
		c.programs = slices.Delete(c.programs, 0, 1)
	}
}

// record makes a program.
func (c *Codec) record(encodes bool, h, w int) (p *program, err error) {
	n := c.model.Reduction
	p = &program{encodes: encodes, h: h, w: w, traced: map[string]*gpu.Tensor{}}
	defer func() {
		if err != nil {
			p.free()
			p = nil
		}
	}()
	if p.pixels, err = c.dev.NewTensor(tensor.F32, h*w, even(Colours)); err != nil {
		return p, err
	}
	dtype, elems := c.model.Latent.Code(h/n, w/n)
	if p.code, err = c.dev.NewTensor(dtype, elems); err != nil {
		return p, err
	}
	t := &Net{Recorder: c.dev.NewRecorder(), params: c.params}
	if c.trace {
		t.marked = func(name string, x *gpu.Tensor) { p.traced[name] = t.Recorder.Keep(x) }
	}
	if encodes {
		t.H, t.W = h, w
		c.model.Latent.Encode(t, t.layers(c.enc.layers, p.pixels), p.code)
	} else {
		t.H, t.W = h/n, w/n
		t.Copy(p.pixels, t.layers(c.dec.layers, c.model.Latent.Decode(t, p.code)))
	}
	p.run, err = t.Finish()
	return p, err
}

// Traced returns a layer's output of the program that ran last, by the name of its
// tensors: f32 [h·w, c], with c rounded up to an even number. It is for tests, with
// Options.Trace. Nil: there is none.
func (c *Codec) Traced(name string) ([]float32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.programs) == 0 {
		return nil, nil
	}
	x := c.programs[len(c.programs)-1].traced[name]
	if x == nil {
		return nil, nil
	}
	return x.F32()
}
