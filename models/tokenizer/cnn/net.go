package cnn

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

// groups is the number of groups of every group norm.
const groups = 32

// Net records layers over feature maps of one picture, f32 [h·w, c].
type Net struct {
	*gpu.Recorder
	H, W   int // of the feature map so far
	params Table
	marked func(name string, x *gpu.Tensor) // told of every output; nil outside tests
}

// layers records a network.
func (n *Net) layers(ls []Layer, x *gpu.Tensor) *gpu.Tensor {
	for _, l := range ls {
		x = n.layer(l, x)
	}
	return x
}

// layer records one layer and returns its output. It may write to x.
func (n *Net) layer(l Layer, x *gpu.Tensor) *gpu.Tensor {
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
	n.Saw(l.name, x)
	return x
}

// Saw tells a test of a value.
func (n *Net) Saw(name string, x *gpu.Tensor) {
	if n.marked != nil {
		n.marked(name, x)
	}
}

// Weight returns a tensor of the codec's by its name, as it lies on the device.
func (n *Net) Weight(name string) *gpu.Tensor { return n.params[name] }

// Map returns a new feature map of so many channels, rounded up to an even number.
func (n *Net) Map(c int) *gpu.Tensor { return n.temp(c) }

func (n *Net) temp(c int) *gpu.Tensor { return n.Recorder.Temp(tensor.F32, n.H*n.W, even(c)) }

func (n *Net) weight(name string) (w, bias *gpu.Tensor) {
	return n.params[name+".weight"], n.params[name+".bias"]
}

func (n *Net) conv1(x *gpu.Tensor, name string, out int) *gpu.Tensor {
	y := n.temp(out)
	n.product(x, name, y, false)
	return y
}

// product writes x·wᵀ + bias to y, or adds it.
func (n *Net) product(x *gpu.Tensor, name string, y *gpu.Tensor, add bool) {
	w, bias := n.weight(name)
	matmul.Record(n.Recorder, matmul.Args{Layout: matmul.NT, A: x, B: w.View(0, y.Dim(-1), x.Dim(-1)), Bias: bias, C: y, Add: add})
}

func (n *Net) conv3(x *gpu.Tensor, name string, out int) *gpu.Tensor {
	y := n.temp(out)
	n.Tiles(x, name, y, false)
	return y
}

// Tiles writes the 3×3 convolution of x to y, or adds it.
func (n *Net) Tiles(x *gpu.Tensor, name string, y *gpu.Tensor, add bool) {
	w, bias := n.weight(name)
	s := conv.Shape{H: n.H, W: n.W, Cin: x.Dim(-1), Cout: y.Dim(-1), Kernel: [3]int{1, 3, 3}, Pad: [3][2]int{{}, {1, 1}, {1, 1}}}
	conv.Winograd(n.Recorder, conv.WinogradArgs{Shape: s, X: x, W: w, Bias: bias, Out: y, Add: add})
}

// norm is a group norm over all positions.
func (n *Net) norm(x *gpu.Tensor, name string, out *gpu.Tensor) *gpu.Tensor {
	gain, bias := n.weight(name)
	norm.Group(n.Recorder, norm.GroupArgs{X: x, Gain: gain, Bias: bias, Out: out, Groups: groups, Eps: normEps})
	return out
}

func (n *Net) swish(x *gpu.Tensor) *gpu.Tensor {
	activation.SiLU(n.Recorder, activation.SiLUArgs{X: x, Out: x})
	return x
}

func (n *Net) normOut(x *gpu.Tensor, l Layer) *gpu.Tensor {
	y := n.norm(x, l.name, x)
	n.Saw(l.name, y)
	return n.swish(y)
}

// res is x + conv2(swish(norm2(conv1(swish(norm1(x)))))), where x goes through a 1×1
// convolution if the channels change.
func (n *Net) res(x *gpu.Tensor, l Layer) *gpu.Tensor {
	y := n.swish(n.norm(x, l.name+".norm1", n.temp(l.in)))
	y = n.conv3(y, l.name+".conv1", l.out)
	n.swish(n.norm(y, l.name+".norm2", y))
	if l.in != l.out {
		x = n.conv1(x, l.name+".nin_shortcut", l.out)
	}
	n.Tiles(y, l.name+".conv2", x, true)
	return x
}

// attn is x + proj_out(attention(q, k, v of norm(x))), with one head.
func (n *Net) attn(x *gpu.Tensor, name string) *gpu.Tensor {
	c := x.Dim(-1)
	y := n.norm(x, name+".norm", n.temp(c))
	q, k, v := n.conv1(y, name+".q", c), n.conv1(y, name+".k", c), n.conv1(y, name+".v", c)
	attention.Wide(n.Recorder, attention.WideArgs{Q: q, K: k, V: v, Out: y})
	n.product(y, name+".proj_out", x, true)
	return x
}

// down pads only right and below, as upstream does.
func (n *Net) down(x *gpu.Tensor, l Layer) *gpu.Tensor {
	w, bias := n.weight(l.name)
	s := conv.Shape{
		H: n.H, W: n.W, Cin: l.in, Cout: l.out,
		Kernel: [3]int{1, 3, 3}, Stride: [3]int{1, 2, 2}, Pad: [3][2]int{{}, {0, 1}, {0, 1}},
	}
	n.H, n.W = n.H/2, n.W/2
	y := n.temp(l.out)
	conv.Forward(n.Recorder, conv.Args{Shape: s, X: x, W: w, Bias: bias, Out: y})
	return y
}

func (n *Net) up(x *gpu.Tensor, l Layer) *gpu.Tensor {
	s := resize.Shape{H: n.H, W: n.W, C: l.in, To: [3]int{1, 2 * n.H, 2 * n.W}}
	n.H, n.W = 2*n.H, 2*n.W
	y := n.temp(l.in)
	resize.Record(n.Recorder, resize.Args{Shape: s, Mode: resize.Nearest, X: x, Out: y})
	return n.conv3(y, l.name, l.out)
}

// Traces reports whether a test wants every output.
func (n *Net) Traces() bool { return n.marked != nil }
