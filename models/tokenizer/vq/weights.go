package vq

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/conv"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
)

// codesName is upstream's name of the table of codes.
const codesName = "quantize.embedding.weight"

// half is one direction of a tokenizer: its layers and the prefixes of their names.
type half struct {
	layers   []layer
	prefixes []string
}

func (c Config) encoderHalf() half { return half{c.encoder(), []string{"encoder.", "quant_conv."}} }
func (c Config) decoderHalf() half {
	return half{c.decoder(), []string{"decoder.", "post_quant_conv."}}
}

// encodes reports whether the half begins with pixels.
func (h half) encodes() bool { return h.layers[0].in == colours }

func (h half) params() []param {
	var out []param
	for _, l := range h.layers {
		out = append(out, l.params()...)
	}
	return out
}

// owns reports whether a tensor's name is of this half.
func (h half) owns(name string) bool {
	return slices.ContainsFunc(h.prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// in reports whether a checkpoint has a tensor of this half.
func (h half) in(w nn.Weights) bool { return slices.ContainsFunc(w.Names(), h.owns) }

// check compares a checkpoint's names and shapes with the network's. A tensor that the
// network does not have is refused too: the description is of another network then.
func (h half) check(w nn.Weights) error {
	known := map[string]bool{}
	for _, p := range h.params() {
		if err := p.check(w); err != nil {
			return err
		}
		known[p.name] = true
	}
	for _, name := range w.Names() {
		if h.owns(name) && !known[name] {
			return fmt.Errorf("vq.Open: %w: %s is not in the network", nn.ErrWeights, name)
		}
	}
	return nil
}

func (p param) check(w nn.Weights) error {
	shape, ok := w.Shape(p.name)
	if !ok {
		return fmt.Errorf("vq.Open: %w: %s is missing, the network has %v", nn.ErrWeights, p.name, p.shape)
	}
	if !slices.Equal(shape, p.shape) {
		return fmt.Errorf("vq.Open: %w: %s is %v, the network has %v", nn.ErrWeights, p.name, shape, p.shape)
	}
	return nil
}

// read returns a tensor's elements, all of them finite.
func (p param) read(w nn.Weights) ([]float32, error) {
	x, err := w.Floats(p.name)
	if err != nil {
		return nil, fmt.Errorf("vq.Open: %s: %w", p.name, err)
	}
	if len(x) != tensor.Elems(p.shape) {
		return nil, fmt.Errorf("vq.Open: %w: %s has %d elements for %v", nn.ErrWeights, p.name, len(x), p.shape)
	}
	for _, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("vq.Open: %w: %s holds a value that is not finite", nn.ErrWeights, p.name)
		}
	}
	return x, nil
}

// even rounds up: convolutions take channels in pairs, and the three colours get a
// fourth of zeros.
func even(n int) int { return (n + 1) &^ 1 }

// deviceShape is a parameter's shape on the device: channels even, a convolution's
// input channels last.
func (p param) deviceShape() []int {
	switch s := p.shape; {
	case p.tiled:
		return []int{16, even(s[0]), even(s[1])}
	case len(s) == 4:
		return []int{even(s[0]), s[2] * s[3], even(s[1])}
	case len(s) == 1:
		return []int{even(s[0])}
	default:
		return s
	}
}

// toDevice rearranges a parameter's elements as deviceShape says.
func (p param) toDevice(x []float32) []float32 {
	switch {
	case p.tiled:
		return conv.WinogradWeights(p.channelsLast(x), even(p.shape[0]), even(p.shape[1]))
	case len(p.shape) == 4:
		return p.channelsLast(x)
	case len(p.shape) == 1:
		return append(x, make([]float32, even(len(x))-len(x))...)
	}
	return x
}

// channelsLast turns [out, in, kh, kw] into [out, kh·kw, in], with even channels.
func (p param) channelsLast(x []float32) []float32 {
	in, taps, wide := p.shape[1], p.shape[2]*p.shape[3], even(p.shape[1])
	out := make([]float32, even(p.shape[0])*taps*wide)
	for i, v := range x {
		o, c, tap := i/(in*taps), i/taps%in, i%taps
		out[(o*taps+tap)*wide+c] = v
	}
	return out
}

// table holds a codec's parameters on the device, by upstream's names.
type table map[string]*gpu.Tensor

// load adds some parameters.
func (t table) load(dev *gpu.Device, w nn.Weights, params []param) error {
	for _, p := range params {
		x, err := p.read(w)
		if err != nil {
			return err
		}
		if t[p.name], err = dev.FromF32(p.toDevice(x), p.deviceShape()...); err != nil {
			return fmt.Errorf("vq.Open: %s: %w", p.name, err)
		}
	}
	return nil
}

func (t table) free() {
	for _, x := range t {
		x.Free()
	}
}

func (c Config) codes() param {
	return param{name: codesName, shape: []int{c.CodebookSize, c.CodebookEmbedDim}}
}

// loadCodes adds the table of codes, in the form in which they are looked up.
func (t table) loadCodes(dev *gpu.Device, w nn.Weights, c Config) error {
	p := c.codes()
	x, err := p.read(w)
	if err != nil {
		return err
	}
	if c.CodebookL2Norm {
		normalize(x, c.CodebookEmbedDim)
	}
	t[codesName], err = dev.FromF32(x, p.shape...)
	return err
}

// normalize brings rows of d elements to length one. A row of zeros stays.
func normalize(x []float32, d int) {
	for ; len(x) >= d; x = x[d:] {
		sum := 0.0
		for _, v := range x[:d] {
			sum += float64(v) * float64(v)
		}
		length := max(math.Sqrt(sum), 1e-12) // the least that torch divides by
		for i, v := range x[:d] {
			x[i] = float32(float64(v) / length)
		}
	}
}
