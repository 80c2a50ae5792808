package msvq

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/conv"
	"github.com/morton-gen/morton/gpu/ops/resize"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

const codesName = "quantize.embedding.weight"

// Quantizer turns the tokens of scales into feature maps. Its tensors are loaded by
// [Config.Params].
type Quantizer struct {
	Config
	// Weight returns a tensor of [Config.Params] by its name.
	Weight func(name string) *gpu.Tensor
	// Smooth says that tokens are the numbers of codes, or of what lies between them, f32
	// [n, d], and not their indices.
	Smooth bool
}

// Book is the code book, f32 [codes, d].
func (q Quantizer) Book() *gpu.Tensor { return q.Weight(codesName) }

// Params lists the codes, and the convolutions that refine what the codes of a scale
// add up to. A convolution holds its input's share too: it is loaded as one kernel.
func (c Config) Params() []cnn.Param {
	out := []cnn.Param{{Name: codesName, Shape: []int{c.Codes, c.Dim}}}
	for i := range c.Shared {
		out = append(out,
			cnn.Param{Name: c.refiner(i) + ".weight", Shape: []int{c.Dim, c.Dim, 3, 3}, Tiled: true, Prepare: c.mixKernel},
			cnn.Param{Name: c.refiner(i) + ".bias", Shape: []int{c.Dim}, Prepare: c.mixBias})
	}
	return out
}

// refiner is the name of convolution i.
func (c Config) refiner(i int) string {
	if c.Shared == 1 {
		return "quantize.quant_resi.qresi"
	}
	return fmt.Sprintf("quantize.quant_resi.qresi_ls.%d", i)
}

// mixKernel turns w, [d, d, 3, 3], into ratio·w + (1-ratio)·identity.
func (c Config) mixKernel(w []float32) {
	for i := range w {
		w[i] *= float32(c.Ratio)
	}
	for i := range c.Dim {
		w[(i*c.Dim+i)*9+4] += float32(1 - c.Ratio)
	}
}

func (c Config) mixBias(b []float32) {
	for i := range b {
		b[i] *= float32(c.Ratio)
	}
}

// RefinerOf returns which of the shared convolutions scale k uses. It is the one whose
// place among them is nearest to the scale's place among the scales, of two the first.
// Half of the ten published scales lie between two: rounding decides, as upstream's does.
func (c Config) RefinerOf(k int) int {
	if len(c.Sides) == 1 || c.Shared == 1 {
		return 0
	}
	n := float64(c.Shared)
	first := 1 / 2. / n
	if c.Shared == 4 {
		first = 1 / 3. / n
	}
	step := (1 - first - first) / (n - 1)
	at := float64(k) / float64(len(c.Sides)-1)
	best, nearest := 0, math.Inf(1)
	for i := range c.Shared {
		place := first + float64(float64(i)*step) // no fused product: it would round otherwise
		if i == c.Shared-1 {
			place = 1 - first
		}
		if d := math.Abs(place - at); d < nearest {
			best, nearest = i, d
		}
	}
	return best
}

// Look returns what the tokens of scale k stand for at the last scale, f32 [b·s·s, d],
// before refinement. The tokens are i32 [b·p·p], or f32 [b·p·p, d] of a smooth quantizer.
func (q Quantizer) Look(r *gpu.Recorder, k, b int, ids *gpu.Tensor) *gpu.Tensor {
	p, s := q.Sides[k], q.Side()
	codes := ids.As(tensor.F32)
	if q.Smooth {
		codes = codes.View(0, b*p*p, q.Dim)
	} else {
		codes = r.Temp(tensor.F32, b*p*p, q.Dim)
		rows.Gather(r, rows.GatherArgs{X: q.Book(), IDs: ids, Out: codes})
	}
	if p == s {
		return codes
	}
	out := r.Temp(tensor.F32, b*s*s, q.Dim)
	resize.Record(r, resize.Args{
		Shape: resize.Shape{B: b, H: p, W: p, C: q.Dim, To: [3]int{1, s, s}}, Mode: resize.Cubic, X: codes, Out: out,
	})
	return out
}

// Count is the number of tokens of scale k.
func (q Quantizer) Count(k int) int { return q.Sides[k] * q.Sides[k] }

// Cells is the number of places of the last scale.
func (q Quantizer) Cells() int { return q.Side() * q.Side() }

// Add writes what the tokens of scale k, i32 [b·p·p, 1 or d], stand for to out, f32 [b·s·s, d],
// or adds it.
func (q Quantizer) Add(r *gpu.Recorder, k, b int, ids, out *gpu.Tensor, add bool) {
	q.Refine(r, k, b, q.Look(r, k, b, ids.View(0, ids.Elems())), out, add)
}

// Refine writes the refinement of x to out, or adds it. Both are f32 [b·s·s, d].
func (q Quantizer) Refine(r *gpu.Recorder, k, b int, x, out *gpu.Tensor, add bool) {
	name, s := q.refiner(q.RefinerOf(k)), q.Side()
	conv.Winograd(r, conv.WinogradArgs{
		Shape: conv.Shape{B: b, H: s, W: s, Cin: q.Dim, Cout: q.Dim, Kernel: [3]int{1, 3, 3}, Pad: [3][2]int{{}, {1, 1}, {1, 1}}},
		X:     x, W: q.Weight(name + ".weight"), Bias: q.Weight(name + ".bias"), Out: out, Add: add,
	})
}

// Reduce returns feature maps x, f32 [b·s·s, d], as scale k sees them: averaged over
// areas, f32 [b·p·p, d]. At the last scale that is x.
func (q Quantizer) Reduce(r *gpu.Recorder, k, b int, x *gpu.Tensor) *gpu.Tensor {
	p, s := q.Sides[k], q.Side()
	if p == s {
		return x
	}
	out := r.Temp(tensor.F32, b*p*p, q.Dim)
	resize.Record(r, resize.Args{
		Shape: resize.Shape{B: b, H: s, W: s, C: q.Dim, To: [3]int{1, p, p}}, Mode: resize.Area, X: x, Out: out,
	})
	return out
}
