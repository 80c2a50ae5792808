package nn

import (
	"encoding/binary"
	"fmt"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/rope"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Loaded holds a network's parameters on the device, laid out to generate. The gain of
// a norm is multiplied into the matrix behind it.
type Loaded struct {
	matrices  map[*Matrix]weight
	vectors   map[*Vector]*gpu.Tensor // f32
	tables    map[*Table]*gpu.Tensor  // f32
	rotary    map[*Rope]rotary
	constants map[*Constant]*gpu.Tensor
	frozen    map[*Frozen]*gpu.Tensor
}

// weight is the B of a product, and its Scale if it holds integers.
type weight struct{ b, scale *gpu.Tensor }

// rotary is a table of frequencies on the device.
type rotary struct{ freq, axis *gpu.Tensor }

// Load reads a network's parameters. The next ones are read, widened and rounded on the
// other processors while one goes to the device. Memory is taken in the order of the
// list, so what fits does not depend on timing. Errors: [ErrWeights], gpu.ErrOutOfMemory.
func Load(dev *gpu.Device, l *List, w Weights, p Precision) (*Loaded, error) {
	out := newLoaded()
	folded := l.folded()
	err := inOrder(len(l.all), func(i int) (put, error) {
		switch x := l.all[i].(type) {
		case *Matrix:
			return out.matrix(x, w, p.of(x).DType())
		case *Vector:
			if !folded[x] {
				return out.vector(x, w)
			}
		case *Table:
			return out.table(x, w)
		}
		return func(*gpu.Device) error { return nil }, nil
	}, func(f put) error { return f(dev) })
	if err != nil {
		out.Free()
		return nil, err
	}
	if err := out.fixed(dev, l, w); err != nil {
		out.Free()
		return nil, err
	}
	return out, nil
}

func newLoaded() *Loaded {
	return &Loaded{map[*Matrix]weight{}, map[*Vector]*gpu.Tensor{}, map[*Table]*gpu.Tensor{}, map[*Rope]rotary{}, map[*Constant]*gpu.Tensor{}, map[*Frozen]*gpu.Tensor{}}
}

// fixed loads what nobody trains.
func (l *Loaded) fixed(dev *gpu.Device, list *List, w Weights) (err error) {
	for _, x := range list.all {
		switch x := x.(type) {
		case *Constant:
			l.constants[x], err = dev.FromF32(x.x, x.shape...)
		case *Frozen:
			if w == nil {
				return fmt.Errorf("nn: %w: %s is of another network, which is not there", ErrWeights, x.Name)
			}
			var f put
			if f, err = l.freeze(x, w); err == nil {
				err = f(dev)
			}
		}
		if err != nil {
			return err
		}
	}
	for _, a := range list.Attentions {
		if err := l.rope(dev, a); err != nil {
			return err
		}
	}
	return nil
}

// put puts a parameter on the device.
type put func(dev *gpu.Device) error

// put32 puts x there as all[key].
func put32[K comparable](all map[K]*gpu.Tensor, key K, x []float32, shape ...int) put {
	return func(dev *gpu.Device) (err error) {
		all[key], err = dev.FromF32(x, shape...)
		return err
	}
}

func (l *Loaded) matrix(m *Matrix, w Weights, t tensor.DType) (put, error) {
	var x []float32
	for i, n := range m.Names {
		rows := m.rows(i)
		part, err := read(w, n, rows, rows*m.width())
		if err != nil {
			return nil, err
		}
		x = append(x, m.pick(part)...)
	}
	x = m.pickRows(append(x, make([]float32, m.Out*m.In-len(x))...)) // see Params.Even
	if m.Norm != nil {
		g, err := read(w, m.Norm.Gain.Name, m.In, m.In)
		if err != nil {
			return nil, err
		}
		for i := range x {
			x[i] *= g[i%len(g)]
		}
	}
	upload, err := rounded(x, []int{m.Out, m.In}, t)
	if err != nil {
		return nil, err
	}
	return func(dev *gpu.Device) error {
		b, err := upload(dev)
		if err == nil {
			l.matrices[m] = b
		}
		return err
	}, nil
}

// pick returns the matrix's columns of a tensor's.
func (m *Matrix) pick(x []float32) []float32 {
	if m.columns == nil {
		return x
	}
	out := make([]float32, 0, len(x)/m.stored*m.In)
	for i := 0; i < len(x); i += m.stored {
		for _, c := range m.columns {
			v := float32(0)
			if c >= 0 {
				v = x[i+c]
			}
			out = append(out, v)
		}
	}
	return out
}

// pickRows returns the matrix's rows of the tensors'.
func (m *Matrix) pickRows(x []float32) []float32 {
	if m.order == nil {
		return x
	}
	out := make([]float32, 0, len(x))
	for _, r := range m.order {
		out = append(out, x[r*m.In:(r+1)*m.In]...)
	}
	return out
}

func (l *Loaded) vector(v *Vector, w Weights) (put, error) {
	x, err := v.read(w)
	if err != nil {
		return nil, err
	}
	return put32(l.vectors, v, x, v.N), nil
}

// read returns a vector's elements, whatever the extents of its tensors.
func (v *Vector) read(w Weights) (x []float32, err error) {
	names := v.names()
	for i, name := range names {
		n := max(v.N-v.zeros, v.of)
		if v.Parts != nil {
			n /= len(names)
		}
		shape, ok := w.Shape(name)
		if !ok || tensor.Elems(shape) != n {
			return nil, fmt.Errorf("nn: %w: %s is %v, the network wants %d elements", ErrWeights, name, shape, n)
		}
		part, err := Finite(w, name)
		if err != nil {
			return nil, err
		}
		if v.of > 0 {
			part = part[v.from : v.from+v.N]
		}
		if i == 0 || v.Parts != nil {
			x = append(x, part...)
			continue
		}
		for j := range x {
			x[j] += part[j]
		}
	}
	return append(x, make([]float32, v.zeros)...), nil
}

func (l *Loaded) freeze(f *Frozen, w Weights) (put, error) {
	x, err := f.Make(w)
	if err != nil {
		return nil, err
	}
	return put32(l.frozen, f, x, f.On...), nil
}

func (l *Loaded) table(t *Table, w Weights) (put, error) {
	x := make([]float32, 0, t.Rows*t.Width)
	for _, part := range t.parts {
		if part.Name == "" {
			x = append(x, part.Values...)
			x = append(x, make([]float32, part.Rows*t.Width-len(part.Values))...)
			continue
		}
		y, err := read(w, part.Name, part.Rows, part.Rows*t.Width)
		if err != nil {
			return nil, err
		}
		x = append(x, y...)
	}
	return put32(l.tables, t, x, t.Rows, t.Width), nil
}

func (l *Loaded) rope(dev *gpu.Device, a *Attention) error {
	if a.Rope == nil || l.rotary[a.Rope].freq != nil {
		return nil
	}
	r, err := newRotary(dev, a)
	if err == nil {
		l.rotary[a.Rope] = r
	}
	return err
}

func newRotary(dev *gpu.Device, a *Attention) (rotary, error) {
	f, x := rope.Table(a.HeadDim, a.Rope.Pairs, a.Rope.Theta)
	freq, err := dev.FromF32(f, len(f))
	if err != nil {
		return rotary{}, err
	}
	axis, err := dev.FromI32(x, len(x))
	if err != nil {
		freq.Free()
		return rotary{}, err
	}
	return rotary{freq, axis}, nil
}

func (r rotary) free() {
	r.freq.Free()
	r.axis.Free()
}

// Free gives the memory back.
func (l *Loaded) Free() {
	for _, m := range l.matrices {
		m.b.Free()
		m.scale.Free()
	}
	for _, v := range l.vectors {
		v.Free()
	}
	for _, t := range l.tables {
		t.Free()
	}
	for _, c := range l.constants {
		c.Free()
	}
	for _, f := range l.frozen {
		f.Free()
	}
	for _, r := range l.rotary {
		r.free()
	}
}

// rounded rounds a matrix to a type, and returns what puts it on the device.
func rounded(x []float32, shape []int, t tensor.DType) (upload func(*gpu.Device) (weight, error), err error) {
	switch t {
	case tensor.I8, tensor.I4x2:
		p, err := matmul.Quantize(t, x, shape[0], shape[1])
		return func(dev *gpu.Device) (weight, error) {
			b, scale, err := p.Upload(dev)
			return weight{b, scale}, err
		}, err
	case tensor.F32:
		return func(dev *gpu.Device) (weight, error) {
			y, err := dev.FromF32(x, shape...)
			return weight{b: y}, err
		}, nil
	}
	data := halves(x, t)
	return func(dev *gpu.Device) (weight, error) {
		y, err := dev.NewTensor(t, shape...)
		if err != nil {
			return weight{}, err
		}
		if err := y.WriteBytes(data); err != nil {
			y.Free()
			return weight{}, err
		}
		return weight{b: y}, nil
	}, nil
}

// halves rounds to f16 or bf16, to the nearest, ties to even.
func halves(x []float32, t tensor.DType) []byte {
	out := make([]byte, 0, 2*len(x))
	for _, v := range x {
		h := safetensors.Float32ToF16(v)
		if t == tensor.BF16 {
			h = safetensors.Float32ToBF16(v)
		}
		out = binary.LittleEndian.AppendUint16(out, h)
	}
	return out
}

// Bytes returns the device memory of the parameters in a precision.
func (l *List) Bytes(p Precision) (n uint64) {
	const aligned = 2 * 256 // each, with the scales
	folded := l.folded()
	for _, x := range l.all {
		switch x := x.(type) {
		case *Matrix:
			n += p.of(x).matrixBytes(x.Out, x.In) + aligned
		case *Vector:
			if !folded[x] {
				n += 4*uint64(x.N) + aligned
			}
		case *Constant:
			n += 4*uint64(len(x.x)) + aligned
		case *Frozen:
			n += 4*uint64(tensor.Elems(x.On)) + aligned
		case *Table:
			n += 4*uint64(x.Rows)*uint64(x.Width) + aligned
		}
	}
	return n
}

func (p Precision) matrixBytes(rows, cols int) uint64 {
	packed := uint64(rows+31) / 32 * 32 * uint64(cols) // as matmul fills them up
	switch p {
	case Int8:
		return packed + packed/matmul.Group*4
	case Int4:
		return packed/2 + packed/matmul.Group*4
	}
	return uint64(rows) * uint64(cols) * uint64(p.DType().Bytes())
}
