package transformer

import (
	"encoding/binary"
	"strings"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/params"
)

// weights are a decoder's parameters on the device. The gain of a norm is part of
// the matrix behind it, so that the product can do the rest of the norm.
type weights struct {
	matrices map[string]matrix
	vectors  map[string]*gpu.Tensor // f32: the embedding table and the biases
}

// matrix is the B of a product, and its Scale if it holds integers.
type matrix struct{ w, scale *gpu.Tensor }

// matrix reports whether a parameter is the weight of a product.
func (c *Config) matrix(name string) bool {
	return strings.HasSuffix(name, ".weight") && !strings.HasSuffix(name, "norm.weight") && name != "embed.weight"
}

// gain names the norm in front of a matrix, "" if there is none.
func gain(name string) string {
	for suffix, norm := range map[string]string{"attention.qkv.weight": "attention_norm.weight", "mlp.gate_up.weight": "mlp_norm.weight", "head.weight": "norm.weight"} {
		if prefix, ok := strings.CutSuffix(name, suffix); ok {
			return prefix + norm
		}
	}
	return ""
}

// loadWeights reads a network's weights from a file, a parameter at a time.
// Errors: params.ErrWeights, gpu.ErrOutOfMemory.
func loadWeights(dev *gpu.Device, c *Config, f *safetensors.File, p Precision) (*weights, error) {
	w := &weights{map[string]matrix{}, map[string]*gpu.Tensor{}}
	for _, s := range c.specs() {
		if err := w.load(dev, c, f, s, p.dtype()); err != nil {
			w.free()
			return nil, err
		}
	}
	return w, nil
}

func (w *weights) load(dev *gpu.Device, c *Config, f *safetensors.File, s params.Spec, t tensor.DType) error {
	if strings.HasSuffix(s.Name, "norm.weight") {
		return nil // part of a matrix
	}
	x, err := params.Read(f, s)
	if err != nil {
		return err
	}
	if !c.matrix(s.Name) {
		w.vectors[s.Name], err = dev.FromF32(x, s.Shape...)
		return err
	}
	if norm := gain(s.Name); norm != "" {
		g, err := params.Read(f, params.Spec{Name: norm, Shape: s.Shape[1:]})
		if err != nil {
			return err
		}
		for i := range x {
			x[i] *= g[i%len(g)]
		}
	}
	w.matrices[s.Name], err = upload(dev, x, s.Shape, t)
	return err
}

// upload rounds a matrix to a type and puts it on the device.
func upload(dev *gpu.Device, x []float32, shape []int, t tensor.DType) (matrix, error) {
	switch t {
	case tensor.I8, tensor.I4x2:
		p, err := matmul.Quantize(t, x, shape[0], shape[1])
		if err != nil {
			return matrix{}, err
		}
		b, scale, err := p.Upload(dev)
		return matrix{b, scale}, err
	case tensor.F32:
		y, err := dev.FromF32(x, shape...)
		return matrix{w: y}, err
	}
	y, err := dev.NewTensor(t, shape...)
	if err != nil {
		return matrix{}, err
	}
	if err := y.WriteBytes(halves(x, t)); err != nil {
		y.Free()
		return matrix{}, err
	}
	return matrix{w: y}, nil
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

func (w *weights) free() {
	for _, m := range w.matrices {
		m.w.Free()
		m.scale.Free()
	}
	for _, v := range w.vectors {
		v.Free()
	}
}

// product adds a product with a matrix; a says the rest.
func (w *weights) product(r *gpu.Recorder, name string, a matmul.Args) {
	m, ok := w.matrices[name]
	if !ok {
		panic("transformer: no matrix " + name)
	}
	a.B, a.Scale = m.w, m.scale
	matmul.Record(r, a)
}

// weightBytes is the memory the weights of a network take in a precision.
func (c *Config) weightBytes(p Precision) uint64 {
	var n uint64
	for _, s := range c.specs() {
		elems := uint64(tensor.Elems(s.Shape))
		switch {
		case strings.HasSuffix(s.Name, "norm.weight"):
			continue
		case c.matrix(s.Name):
			n += p.matrixBytes(s.Shape[0], s.Shape[1])
		default:
			n += 4 * elems
		}
		n += 2 * 256 // aligned, with the scales
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
	return uint64(rows*cols) * uint64(p.dtype().Bytes())
}
