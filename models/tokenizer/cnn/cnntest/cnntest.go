// Package cnntest has what the tests of tokenizers share: the tensors of a golden file,
// and pictures. It is for tests alone.
package cnntest

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/models/nn"
)

// Tensors are named tensors in memory. They are nn.Weights.
type Tensors map[string]Tensor

// Tensor is one of them, integers as numbers.
type Tensor struct {
	Shape []int
	Data  []float32
}

// Read reads a file's tensors.
func Read(tb testing.TB, path string) Tensors {
	tb.Helper()
	file, err := safetensors.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	out := Tensors{}
	for _, name := range file.Names() {
		x, err := file.Tensor(name)
		if err != nil {
			tb.Fatal(err)
		}
		data, err := x.Float32s()
		if errors.Is(err, safetensors.ErrDType) {
			data, err = integers(x), nil
		}
		if err != nil {
			tb.Fatal(err)
		}
		out[name] = Tensor{x.Shape, data}
	}
	return out
}

func integers(x safetensors.Tensor) []float32 {
	out := make([]float32, x.Elements())
	for i := range out {
		b := x.Data[4*i:]
		out[i] = float32(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
	}
	return out
}

// Names implements nn.Weights.
func (t Tensors) Names() []string { return slices.Sorted(maps.Keys(t)) }

// Shape implements nn.Weights.
func (t Tensors) Shape(name string) ([]int, bool) {
	x, ok := t[name]
	return x.Shape, ok
}

// Floats implements nn.Weights.
func (t Tensors) Floats(name string) ([]float32, error) {
	x, ok := t[name]
	if !ok {
		return nil, fmt.Errorf("%w: no %s", nn.ErrWeights, name)
	}
	return slices.Clone(x.Data), nil
}

// ChannelsLast returns picture i of a batch [b, c, h, w] as [h·w, c], with c rounded up
// to an even number.
func (t Tensor) ChannelsLast(i int) []float32 {
	c, n := t.Shape[1], t.Shape[2]*t.Shape[3]
	wide := c + c%2
	out := make([]float32, n*wide)
	for j := range n {
		for k := range c {
			out[j*wide+k] = t.Data[(i*c+k)*n+j]
		}
	}
	return out
}

// ChannelsLast returns a clip [1, c, t, h, w], or frames [t, c, h, w], as [t·h·w, c].
func ChannelsLast(x Tensor) []float32 {
	shape := x.Shape
	if len(shape) == 4 { // frames one after the other
		var out []float32
		for i := range shape[0] {
			out = append(out, x.ChannelsLast(i)...)
		}
		return out
	}
	flat := Tensor{Shape: []int{1, shape[1], shape[2] * shape[3], shape[4]}, Data: x.Data}
	if shape[1] == 3 {
		return flat.Pixels(0)
	}
	return flat.ChannelsLast(0)
}

// Near compares values with golden ones, by [Distance].
func Near(t *testing.T, name string, got, want []float32, bound float64) {
	t.Helper()
	e := Distance(got, want)
	t.Logf("%-24s relative error %.2e", name, e)
	if !(e <= bound) {
		t.Errorf("%s: relative error %.3g, bound %g", name, e, bound)
	}
}

// Pixels returns picture i of a batch [b, 3, h, w] as [h, w, 3].
func (t Tensor) Pixels(i int) []float32 {
	n := t.Shape[2] * t.Shape[3]
	out := make([]float32, 3*n)
	for j := range out {
		out[j] = t.Data[(3*i+j%3)*n+j/3]
	}
	return out
}

// Row returns the integers of row i.
func (t Tensor) Row(i int) []uint32 {
	n := len(t.Data) / t.Shape[0]
	out := make([]uint32, n)
	for j, v := range t.Data[i*n:][:n] {
		out[j] = uint32(v)
	}
	return out
}

// Distance is the largest difference over the largest magnitude.
func Distance(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	diff, mag := 0.0, 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		diff, mag = max(diff, d), max(mag, math.Abs(float64(w)))
	}
	return diff / mag
}

// Picture is one of many pictures, [h, w, 3], with edges.
func Picture(seed, h, w int) []uint8 {
	pix := make([]uint8, h*w*3)
	for i := range pix {
		y, x, c := i/3/w, i/3%w, i%3
		pix[i] = uint8(x*(7+seed) + y*(11+3*seed)*(c+1) + 90*(x/5%2))
	}
	return pix
}
