package vae3d

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/gpu/ops/conv"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/resize"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// Every group norm has so many groups, and adds normEps to a variance.
const (
	groups  = 32
	normEps = 1e-6
)

// net records layers over feature maps of one window, f32 [t·h·w, c].
type net struct {
	*gpu.Recorder
	extent
	params cnn.Table
	marked func(name string, x *gpu.Tensor) // told of every output; nil outside tests
}

// layers records a network.
func (n *net) layers(ls []layer, x *gpu.Tensor) *gpu.Tensor {
	for _, l := range ls {
		x = n.layer(l, x)
		if n.marked != nil {
			n.marked(l.name, x)
		}
		if l.op == normOut {
			x = n.swish(x)
		}
	}
	return x
}

// layer records one layer and returns its output. It may write to x.
func (n *net) layer(l layer, x *gpu.Tensor) *gpu.Tensor {
	switch l.op {
	case conv1:
		return n.product(x, l.name, l.out)
	case conv3:
		return n.conv(x, l, "", l.out)
	case res:
		return n.res(x, l)
	case attn:
		return n.attn(x, l.name)
	case down:
		return n.down(x, l)
	case up:
		return n.up(x, l)
	}
	return n.norm(x, l, "", x)
}

// temp returns a feature map of so many channels, rounded up to an even number.
func (n *net) temp(c int) *gpu.Tensor { return n.Temp(tensor.F32, n.rows(), even(c)) }

func (n *net) weight(name string) (w, bias *gpu.Tensor) {
	return n.params[name+".weight"], n.params[name+".bias"]
}

// product is a linear map of every position.
func (n *net) product(x *gpu.Tensor, name string, out int) *gpu.Tensor {
	w, bias := n.weight(name)
	y := n.temp(out)
	matmul.Record(n.Recorder, matmul.Args{Layout: matmul.NT, A: x, B: w.View(0, y.Dim(-1), x.Dim(-1)), Bias: bias, C: y})
	return y
}

// conv is a part of a layer, of 3 by 3 or of 3 by 3 by 3. Before the first frame it sees
// that frame again.
func (n *net) conv(x *gpu.Tensor, l layer, part string, out int) *gpu.Tensor {
	w, bias := n.weight(l.name + part)
	y := n.temp(out)
	s := conv.Shape{T: n.t, H: n.h, W: n.w, Cin: x.Dim(-1), Cout: y.Dim(-1), Kernel: [3]int{1, 3, 3}, Pad: [3][2]int{{}, {1, 1}, {1, 1}}}
	if l.tiled() {
		conv.Winograd(n.Recorder, conv.WinogradArgs{Shape: s, X: x, W: w, Bias: bias, Out: y})
		return y
	}
	s.Kernel[0], s.Pad[0][0], s.First = 3, 2, true
	conv.Forward(n.Recorder, conv.Args{Shape: s, X: x, W: w, Bias: bias, Out: y})
	return y
}

// norm is a group norm over all positions, those of one frame where a layer is flat.
func (n *net) norm(x *gpu.Tensor, l layer, part string, out *gpu.Tensor) *gpu.Tensor {
	gain, bias := n.weight(l.name + part)
	a := norm.GroupArgs{X: x, Gain: gain, Bias: bias, Out: out, Groups: groups, Eps: normEps}
	if l.flat {
		a.B = n.t
	}
	norm.Group(n.Recorder, a)
	return out
}

func (n *net) swish(x *gpu.Tensor) *gpu.Tensor {
	activation.SiLU(n.Recorder, activation.SiLUArgs{X: x, Out: x})
	return x
}

func (n *net) add(x, y *gpu.Tensor) *gpu.Tensor {
	elementwise.Add(n.Recorder, elementwise.AddArgs{A: x, B: y, Out: x})
	return x
}

// res is x + conv2(swish(norm2(conv1(swish(norm1(x)))))), where x goes through a linear
// map if the channels change.
func (n *net) res(x *gpu.Tensor, l layer) *gpu.Tensor {
	y := n.swish(n.norm(x, l, ".norm1", n.temp(l.in)))
	y = n.conv(y, l, ".conv1", l.out)
	y = n.conv(n.swish(n.norm(y, l, ".norm2", y)), l, ".conv2", l.out)
	if l.in != l.out {
		x = n.product(x, l.name+".conv_shortcut", l.out)
	}
	return n.add(x, y)
}

// attn is x + to_out(attention(q, k, v of norm(x))), with one head, of every frame. The
// norm is over all frames.
func (n *net) attn(x *gpu.Tensor, name string) *gpu.Tensor {
	c := x.Dim(-1)
	y := n.norm(x, layer{name: name}, ".group_norm", n.temp(c))
	q, k, v := n.product(y, name+".to_q", c), n.product(y, name+".to_k", c), n.product(y, name+".to_v", c)
	attention.Wide(n.Recorder, attention.WideArgs{Q: q, K: k, V: v, Out: y, B: n.t})
	return n.add(x, n.product(y, name+".to_out.0", c))
}

// down pads only right and below, as upstream does, and before the first frame.
func (n *net) down(x *gpu.Tensor, l layer) *gpu.Tensor {
	w, bias := n.weight(l.name)
	s := conv.Shape{
		T: n.t, H: n.h, W: n.w, Cin: l.in, Cout: l.out,
		Kernel: [3]int{1, 3, 3}, Stride: [3]int{1, 2, 2}, Pad: [3][2]int{{}, {0, 1}, {0, 1}},
	}
	if !l.flat {
		s.Kernel[0], s.Stride[0], s.Pad[0][0], s.First = 3, 2, 2, true
	}
	n.extent = l.after(n.extent)
	y := n.temp(l.out)
	conv.Forward(n.Recorder, conv.Args{Shape: s, X: x, W: w, Bias: bias, Out: y})
	return y
}

// up repeats the pixels of every frame, or goes between those of the frames behind the
// first, of which it makes twice as many.
func (n *net) up(x *gpu.Tensor, l layer) *gpu.Tensor {
	from := n.extent
	n.extent = l.after(n.extent)
	y := n.temp(l.in)
	if l.flat {
		n.resize(x, y, from, n.t, resize.Nearest)
	} else {
		n.between(x, y, from)
	}
	return n.conv(y, l, "", l.out)
}

// between changes the first frame alone, so that no frame reaches into it.
func (n *net) between(x, y *gpu.Tensor, from extent) {
	c := x.Dim(-1)
	in, out := from.h*from.w, n.h*n.w
	first := extent{1, from.h, from.w}
	n.resize(x.View(0, in, c), y.View(0, out, c), first, 1, resize.Linear)
	if from.t > 1 {
		rest := extent{from.t - 1, from.h, from.w}
		n.resize(x.View(in*c, rest.rows(), c), y.View(out*c, 2*rest.t*out, c), rest, 2*rest.t, resize.Linear)
	}
}

func (n *net) resize(x, y *gpu.Tensor, from extent, frames int, mode resize.Mode) {
	s := resize.Shape{T: from.t, H: from.h, W: from.w, C: x.Dim(-1), To: [3]int{frames, n.h, n.w}}
	resize.Record(n.Recorder, resize.Args{Shape: s, Mode: mode, X: x, Out: y})
}
