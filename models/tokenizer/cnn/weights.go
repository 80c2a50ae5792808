package cnn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/conv"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// Param is one tensor of a network. Shape is upstream's: [c], [out, in, kh, kw] or
// [out, in, kt, kh, kw], and [v, d] for a table.
type Param struct {
	Name  string
	Shape []int
	Tiled bool // a convolution that runs by tiles, see conv.Winograd
	// Prepare, if set, changes the elements when they are loaded, in upstream's order.
	Prepare func(x []float32)

	// of is the checkpoint's tensor that holds this one, as one of parts along the first
	// axis; "" means Name.
	of          string
	part, parts int
}

// source is the name and shape of the tensor in the checkpoint.
func (p Param) source() (string, []int) {
	if p.of == "" {
		return p.Name, p.Shape
	}
	shape := slices.Clone(p.Shape)
	shape[0] *= p.parts
	return p.of, shape
}

// Frozen is the tensor as a part of another network, whose checkpoint has a prefix before
// its name.
func (p Param) Frozen(prefix string) nn.Frozen {
	return nn.Frozen{Name: prefix + p.Name, Shape: p.Shape, On: p.deviceShape(), Make: func(w nn.Weights) ([]float32, error) {
		q := p
		q.Name = prefix + p.Name
		if err := q.check(w); err != nil {
			return nil, err
		}
		x, err := q.read(w)
		if err != nil {
			return nil, err
		}
		return p.toDevice(x), nil
	}}
}

// half is one direction of a codec: its layers and the prefixes of their names.
type half struct {
	layers   []Layer
	prefixes []string
}

// encodes reports whether the half begins with pixels.
func (h half) encodes() bool { return h.layers[0].in == Colours }

func (h half) params() (out []Param) {
	for _, l := range h.layers {
		out = append(out, l.params()...)
	}
	return out
}

// in reports whether a checkpoint has a tensor of this half.
func (h half) in(w nn.Weights) bool { return Has(w, h.prefixes) }

func (h half) check(w nn.Weights) error { return Check(w, h.params(), h.prefixes) }

// Has reports whether a checkpoint has a tensor whose name begins with one of prefixes.
func Has(w nn.Weights, prefixes []string) bool {
	return slices.ContainsFunc(w.Names(), func(name string) bool { return begins(name, prefixes) })
}

func begins(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// Check compares a checkpoint's names and shapes with the parameters of a network, whose
// names begin with one of prefixes. A tensor that the network does not have is refused
// too: the description is of another network then. The error wraps [nn.ErrWeights].
func Check(w nn.Weights, params []Param, prefixes []string) error {
	known := map[string]bool{}
	for _, p := range params {
		if err := p.check(w); err != nil {
			return err
		}
		name, _ := p.source()
		known[name] = true
	}
	for _, name := range w.Names() {
		if begins(name, prefixes) && !known[name] {
			return fmt.Errorf("%w: %s is not in the network", nn.ErrWeights, name)
		}
	}
	return nil
}

func (p Param) check(w nn.Weights) error {
	name, want := p.source()
	shape, ok := w.Shape(name)
	if !ok {
		return fmt.Errorf("%w: %s is missing, the network has %v", nn.ErrWeights, name, want)
	}
	if !slices.Equal(shape, want) {
		return fmt.Errorf("%w: %s is %v, the network has %v", nn.ErrWeights, name, shape, want)
	}
	return nil
}

// read returns a tensor's elements, all of them finite.
func (p Param) read(w nn.Weights) ([]float32, error) {
	name, shape := p.source()
	x, err := nn.Finite(w, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(x) != tensor.Elems(shape) {
		return nil, fmt.Errorf("%w: %s has %d elements for %v", nn.ErrWeights, name, len(x), shape)
	}
	n := tensor.Elems(p.Shape)
	x = x[p.part*n : (p.part+1)*n]
	if p.Prepare != nil {
		p.Prepare(x)
	}
	return x, nil
}

// even rounds up: convolutions take channels in pairs, and the three colours get a
// fourth of zeros.
func even(n int) int { return (n + 1) &^ 1 }

// vector reports whether a parameter has one number a channel. Some networks' gains have
// the shape [c, 1, 1, 1].
func (p Param) vector() bool { return tensor.Elems(p.Shape[1:]) == 1 }

// deviceShape is a parameter's shape on the device: channels even, a convolution's
// input channels last.
func (p Param) deviceShape() []int {
	switch s := p.Shape; {
	case p.Tiled:
		return []int{16, even(s[0]), even(s[1])}
	case p.vector():
		return []int{even(s[0])}
	case len(s) >= 4:
		return []int{even(s[0]), tensor.Elems(s[2:]), even(s[1])}
	default:
		return s
	}
}

// toDevice rearranges a parameter's elements as deviceShape says.
func (p Param) toDevice(x []float32) []float32 {
	switch {
	case p.Tiled:
		return conv.WinogradWeights(p.channelsLast(x), even(p.Shape[0]), even(p.Shape[1]))
	case p.vector():
		return append(x, make([]float32, even(len(x))-len(x))...)
	case len(p.Shape) >= 4:
		return p.channelsLast(x)
	}
	return x
}

// channelsLast turns [out, in, kt, kh, kw] into [out, kt·kh·kw, in], with even channels.
func (p Param) channelsLast(x []float32) []float32 {
	in, taps, wide := p.Shape[1], tensor.Elems(p.Shape[2:]), even(p.Shape[1])
	out := make([]float32, even(p.Shape[0])*taps*wide)
	for i, v := range x {
		o, c, tap := i/(in*taps), i/taps%in, i%taps
		out[(o*taps+tap)*wide+c] = v
	}
	return out
}

// Table holds a codec's parameters on the device, by name.
type Table map[string]*gpu.Tensor

// Load adds some parameters. Errors: [nn.ErrWeights], [gpu.ErrOutOfMemory].
func (t Table) Load(dev *gpu.Device, w nn.Weights, params []Param) error {
	for _, p := range params {
		x, err := p.read(w)
		if err != nil {
			return err
		}
		if t[p.Name], err = dev.FromF32(p.toDevice(x), p.deviceShape()...); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

// Free gives the memory back.
func (t Table) Free() {
	for _, x := range t {
		x.Free()
	}
}
