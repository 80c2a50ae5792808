package vae3d

import (
	"fmt"

	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// op is a kind of layer.
type op int

const (
	conv3   op = iota // 3 by 3 of every frame, or 3 by 3 by 3
	conv1             // one position
	res               // residual block
	attn              // attention within every frame
	down              // half the rows and columns, and half the frames behind the first
	up                // twice the rows and columns, and twice the frames behind the first
	normOut           // group norm, then swish
)

// layer is one step of a network, in the order in which they run.
type layer struct {
	op      op
	name    string // of its tensors: "decoder.conv_in"
	in, out int    // channels
	flat    bool   // every frame goes by itself, and their number stays
}

// stack collects layers; c are the channels so far.
type stack struct {
	layers []layer
	name   string // "encoder."
	c      int
}

func (s *stack) add(op op, name string, out int, flat bool) {
	s.layers = append(s.layers, layer{op, s.name + name, s.c, out, flat})
	s.c = out
}

func (s *stack) mid() {
	s.add(res, "mid_block.resnets.0", s.c, false)
	s.add(attn, "mid_block.attentions.0", s.c, false)
	s.add(res, "mid_block.resnets.1", s.c, false)
}

func (s *stack) blocks(name string, n, out int, flat bool) {
	for j := range n {
		s.add(res, fmt.Sprintf("%s.resnets.%d", name, j), out, flat)
	}
}

func (s *stack) end(out int) {
	s.add(normOut, "conv_norm_out", s.c, false)
	s.add(conv3, "conv_out", out, false)
}

// encoder lists the layers from pixels to moments. A change of size is of the next
// level's type.
func (c Config) encoder() []layer {
	s := &stack{name: "encoder.", c: cnn.Colours}
	s.add(conv3, "conv_in", c.Channels[0], true)
	for i, out := range c.Channels {
		name := fmt.Sprintf("down_blocks.%d", i)
		s.blocks(name, c.Layers, out, c.Down[i] == down2)
		if i+1 < len(c.Channels) {
			s.add(down, name+".downsamplers.0.conv", out, c.Down[i+1] == down2)
		}
	}
	s.mid()
	s.end(2 * c.Z)
	return append(s.layers, layer{conv1, "quant_conv", 2 * c.Z, 2 * c.Z, false})
}

// decoder lists the layers from latents to pixels. The last change of size leaves the
// frames as they are.
func (c Config) decoder() []layer {
	last := len(c.Channels) - 1
	s := &stack{name: "decoder.", c: c.Z}
	s.add(conv3, "conv_in", c.Channels[last], false)
	s.mid()
	for i := range c.Channels { // from the lowest resolution
		name := fmt.Sprintf("up_blocks.%d", i)
		s.blocks(name, c.Layers+1, c.Channels[last-i], false)
		if i < last {
			s.add(up, name+".upsamplers.0.conv", s.c, i == last-1)
		}
	}
	s.end(cnn.Colours)
	return append([]layer{{conv1, "post_quant_conv", c.Z, c.Z, false}}, s.layers...)
}

// taps is a convolution's kernel, as upstream's tensors have it.
func (l layer) taps() []int {
	switch {
	case l.op == up && l.flat:
		return []int{1, 3, 3}
	case l.flat:
		return []int{3, 3}
	}
	return []int{3, 3, 3}
}

// point is the kernel of one position.
func (l layer) point() []int {
	if l.flat {
		return []int{1, 1}
	}
	return []int{1, 1, 1}
}

// weighted lists the weight and bias of a part of a layer.
func (l layer) weighted(part string, shape ...int) []cnn.Param {
	name := l.name + part
	return []cnn.Param{
		{Name: name + ".weight", Shape: shape, Tiled: l.tiled() && shape[len(shape)-1] == 3},
		{Name: name + ".bias", Shape: shape[:1]},
	}
}

// tiled reports whether the layer's convolutions run by tiles, see conv.Winograd.
func (l layer) tiled() bool { return l.flat && l.op != down }

// params lists the tensors of a layer.
func (l layer) params() []cnn.Param {
	conv := func(part string, in int, taps []int) []cnn.Param {
		return l.weighted(part, append([]int{l.out, in}, taps...)...)
	}
	switch l.op {
	case conv1:
		return conv("", l.in, l.point())
	case conv3, down, up:
		return conv("", l.in, l.taps())
	case normOut:
		return l.weighted("", l.in)
	case attn:
		out := l.weighted(".group_norm", l.in)
		for _, part := range []string{".to_q", ".to_k", ".to_v", ".to_out.0"} {
			out = append(out, l.weighted(part, l.in, l.in)...)
		}
		return out
	}
	out := append(l.weighted(".norm1", l.in), conv(".conv1", l.in, l.taps())...)
	out = append(append(out, l.weighted(".norm2", l.out)...), conv(".conv2", l.out, l.taps())...)
	if l.in != l.out {
		out = append(out, conv(".conv_shortcut", l.in, l.point())...)
	}
	return out
}

// extent is the size of a feature map.
type extent struct{ t, h, w int }

func (e extent) rows() int { return e.t * e.h * e.w }

// after returns the size behind a layer.
func (l layer) after(e extent) extent {
	switch l.op {
	case down:
		e.h, e.w = e.h/2, e.w/2
		if !l.flat {
			e.t = (e.t + 1) / 2
		}
	case up:
		e.h, e.w = 2*e.h, 2*e.w
		if !l.flat {
			e.t = 2*e.t - 1
		}
	}
	return e
}

// bytes is what a layer has alive at most: its input and output, what lies between, and
// a block's temporary.
func (l layer) bytes(e extent) uint64 {
	to := l.after(e)
	in, out := mapBytes(e, l.in), mapBytes(to, l.out)
	switch l.op {
	case conv1, normOut:
		return in + out + cnn.NormBytes(l.in)
	case conv3, down:
		return in + out + l.convBytes(to, l.in, l.out)
	case up:
		wide := mapBytes(to, l.in)
		return max(in+wide, wide+out+l.convBytes(to, l.in, l.out))
	case attn:
		return 5*in + cnn.Chunk(e.h*e.w, e.h*e.w+1) + cnn.NormBytes(l.in)
	}
	first, second := 2*in+out+l.convBytes(e, l.in, l.out), in+2*out+l.convBytes(e, l.out, l.out)
	return max(first, second) + uint64(e.t)*cnn.NormBytes(max(l.in, l.out))
}

// convBytes is the temporary of a convolution.
func (l layer) convBytes(e extent, in, out int) uint64 {
	if l.tiled() {
		return cnn.TilesBytes(e.t*e.h, e.w, in, out)
	}
	taps := 1
	for _, n := range l.taps() {
		taps *= n
	}
	return cnn.Chunk(e.rows(), taps*even(in))
}

// mapBytes is the memory of a feature map, f32.
func mapBytes(e extent, c int) uint64 { return uint64(e.rows()*even(c)) * uint64(tensor.F32.Bytes()) }

// even rounds channels up: convolutions take them in pairs.
func even(c int) int { return (c + 1) &^ 1 }
