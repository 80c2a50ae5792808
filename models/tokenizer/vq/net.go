package vq

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/conv"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/resize"
	"github.com/morton-gen/morton/gpu/tensor"
)

// normEps is what every group norm adds to a variance.
const normEps = 1e-6

// marker sees a layer's output, f32 [h·w, c], while a program is recorded.
type marker func(r *gpu.Recorder, name string, x *gpu.Tensor)

// net records layers over feature maps of one picture, f32 [h·w, c].
type net struct {
	r      *gpu.Recorder
	params table
	h, w   int    // of the feature map so far
	mark   marker // nil outside tests
}

// layer records one layer and returns its output. It may write to x.
func (n *net) layer(l layer, x *gpu.Tensor) *gpu.Tensor {
	switch l.op {
	case conv1:
		x = n.conv1(x, l.name, l.out)
	case conv3:
		x = n.conv3(x, l.name, l.out)
	case res:
		x = n.res(x, l)
	case attn:
		x = n.attn(x, l.name)
	case down:
		x = n.down(x, l)
	case up:
		x = n.up(x, l)
	case normOut:
		return n.normOut(x, l)
	}
	n.saw(l.mark, x)
	return x
}

func (n *net) saw(mark string, x *gpu.Tensor) {
	if n.mark != nil {
		n.mark(n.r, mark, x)
	}
}

func (n *net) temp(c int) *gpu.Tensor { return n.r.Temp(tensor.F32, n.h*n.w, even(c)) }

func (n *net) weight(name string) (w, bias *gpu.Tensor) {
	return n.params[name+".weight"], n.params[name+".bias"]
}

func (n *net) conv1(x *gpu.Tensor, name string, out int) *gpu.Tensor {
	y := n.temp(out)
	n.product(x, name, y, false)
	return y
}

// product writes x·wᵀ + bias to y, or adds it.
func (n *net) product(x *gpu.Tensor, name string, y *gpu.Tensor, add bool) {
	w, bias := n.weight(name)
	matmul.Record(n.r, matmul.Args{Layout: matmul.NT, A: x, B: w.View(0, y.Dim(-1), x.Dim(-1)), Bias: bias, C: y, Add: add})
}

func (n *net) conv3(x *gpu.Tensor, name string, out int) *gpu.Tensor {
	y := n.temp(out)
	n.tiles(x, name, y, false)
	return y
}

// tiles writes the 3×3 convolution of x to y, or adds it.
func (n *net) tiles(x *gpu.Tensor, name string, y *gpu.Tensor, add bool) {
	w, bias := n.weight(name)
	s := conv.Shape{H: n.h, W: n.w, Cin: x.Dim(-1), Cout: y.Dim(-1), Kernel: [3]int{1, 3, 3}, Pad: [3][2]int{{}, {1, 1}, {1, 1}}}
	conv.Winograd(n.r, conv.WinogradArgs{Shape: s, X: x, W: w, Bias: bias, Out: y, Add: add})
}

// norm is a group norm over all positions.
func (n *net) norm(x *gpu.Tensor, name string, out *gpu.Tensor) *gpu.Tensor {
	gain, bias := n.weight(name)
	norm.Group(n.r, norm.GroupArgs{X: x, Gain: gain, Bias: bias, Out: out, Groups: groups, Eps: normEps})
	return out
}

func (n *net) swish(x *gpu.Tensor) *gpu.Tensor {
	activation.SiLU(n.r, activation.SiLUArgs{X: x, Out: x})
	return x
}

func (n *net) normOut(x *gpu.Tensor, l layer) *gpu.Tensor {
	y := n.norm(x, l.name, x)
	n.saw(l.mark, y)
	return n.swish(y)
}

// res is x + conv2(swish(norm2(conv1(swish(norm1(x)))))), where x goes through a 1×1
// convolution if the channels change.
func (n *net) res(x *gpu.Tensor, l layer) *gpu.Tensor {
	y := n.swish(n.norm(x, l.name+".norm1", n.temp(l.in)))
	y = n.conv3(y, l.name+".conv1", l.out)
	n.swish(n.norm(y, l.name+".norm2", y))
	if l.in != l.out {
		x = n.conv1(x, l.name+".nin_shortcut", l.out)
	}
	n.tiles(y, l.name+".conv2", x, true)
	return x
}

// attn is x + proj_out(attention(q, k, v of norm(x))), with one head.
func (n *net) attn(x *gpu.Tensor, name string) *gpu.Tensor {
	c := x.Dim(-1)
	y := n.norm(x, name+".norm", n.temp(c))
	q, k, v := n.conv1(y, name+".q", c), n.conv1(y, name+".k", c), n.conv1(y, name+".v", c)
	attention.Wide(n.r, attention.WideArgs{Q: q, K: k, V: v, Out: y})
	n.product(y, name+".proj_out", x, true)
	return x
}

// down pads only right and below, as upstream does.
func (n *net) down(x *gpu.Tensor, l layer) *gpu.Tensor {
	w, bias := n.weight(l.name)
	s := conv.Shape{
		H: n.h, W: n.w, Cin: l.in, Cout: l.out,
		Kernel: [3]int{1, 3, 3}, Stride: [3]int{1, 2, 2}, Pad: [3][2]int{{}, {0, 1}, {0, 1}},
	}
	n.h, n.w = n.h/2, n.w/2
	y := n.temp(l.out)
	conv.Forward(n.r, conv.Args{Shape: s, X: x, W: w, Bias: bias, Out: y})
	return y
}

func (n *net) up(x *gpu.Tensor, l layer) *gpu.Tensor {
	s := resize.Shape{H: n.h, W: n.w, C: l.in, To: [3]int{1, 2 * n.h, 2 * n.w}}
	n.h, n.w = 2*n.h, 2*n.w
	y := n.temp(l.in)
	resize.Record(n.r, resize.Args{Shape: s, Mode: resize.Nearest, X: x, Out: y})
	return n.conv3(y, l.name, l.out)
}
