package vq

import "fmt"

// op is a kind of layer.
type op int

const (
	conv3   op = iota // 3×3 convolution, padding 1
	conv1             // 1×1 convolution
	res               // residual block
	attn              // attention over all positions
	down              // half the rows and columns: pad right and below, 3×3, stride 2
	up                // twice the rows and columns: nearest, then 3×3
	normOut           // group norm, then swish
)

// layer is one step of a network, in the order in which they run.
type layer struct {
	op      op
	name    string // of its tensors: "decoder.mid.0"
	mark    string // of its output: "dec.mid0"
	in, out int    // channels
}

// stack collects layers; c are the channels so far.
type stack struct {
	layers []layer
	name   string // "encoder."
	mark   string // "enc."
	c      int
}

func (s *stack) add(op op, name, mark string, out int) {
	s.layers = append(s.layers, layer{op, s.name + name, s.mark + mark, s.c, out})
	s.c = out
}

// top adds a convolution outside the two networks, whose name has no prefix.
func (s *stack) top(name string, out int) {
	s.layers = append(s.layers, layer{conv1, name, s.mark + name, s.c, out})
	s.c = out
}

func (s *stack) mid() {
	s.add(res, "mid.0", "mid0", s.c)
	s.add(attn, "mid.1", "mid1", s.c)
	s.add(res, "mid.2", "mid2", s.c)
}

// level adds n residual blocks to so many channels, each with attention at the lowest
// resolution.
func (s *stack) level(i, n, out int, lowest bool) {
	for j := range n {
		s.add(res, fmt.Sprintf("conv_blocks.%d.res.%d", i, j), fmt.Sprintf("level%d.res%d", i, j), out)
		if lowest {
			s.add(attn, fmt.Sprintf("conv_blocks.%d.attn.%d", i, j), fmt.Sprintf("level%d.attn%d", i, j), out)
		}
	}
}

// encoder lists the layers from pixels to what is quantised.
func (c Config) encoder() []layer {
	s := &stack{name: "encoder.", mark: "enc.", c: colours}
	s.add(conv3, "conv_in", "conv_in", c.Ch)
	for i, m := range c.ChMult {
		last := i == len(c.ChMult)-1
		s.level(i, c.NumResBlocks, m*c.Ch, last)
		if !last {
			s.add(down, fmt.Sprintf("conv_blocks.%d.downsample.conv", i), fmt.Sprintf("level%d.downsample", i), s.c)
		}
	}
	s.mid()
	s.add(normOut, "norm_out", "norm_out", s.c)
	s.add(conv3, "conv_out", "conv_out", c.ZChannels)
	s.top("quant_conv", c.CodebookEmbedDim)
	return s.layers
}

// decoder lists the layers from codes to pixels. Level 0 is the lowest resolution.
func (c Config) decoder() []layer {
	s := &stack{name: "decoder.", mark: "dec.", c: c.CodebookEmbedDim}
	s.top("post_quant_conv", c.ZChannels)
	lowest := len(c.ChMult) - 1
	s.add(conv3, "conv_in", "conv_in", c.ChMult[lowest]*c.Ch)
	s.mid()
	for i := range c.ChMult {
		s.level(i, c.NumResBlocks+1, c.ChMult[lowest-i]*c.Ch, i == 0)
		if i < lowest {
			s.add(up, fmt.Sprintf("conv_blocks.%d.upsample.conv", i), fmt.Sprintf("level%d.upsample", i), s.c)
		}
	}
	s.add(normOut, "norm_out", "norm_out", s.c)
	s.add(conv3, "conv_out", "pixels", colours)
	return s.layers
}

// param is one tensor of a checkpoint. shape is upstream's: [c] or [out, in, kh, kw],
// and [v, d] for the codes.
type param struct {
	name  string
	shape []int
	tiled bool // a convolution that runs by tiles, see conv.Winograd
}

// params lists the tensors of a layer.
func (l layer) params() []param {
	norm := func(name string, c int) []param {
		return []param{{name: l.name + name + ".weight", shape: []int{c}}, {name: l.name + name + ".bias", shape: []int{c}}}
	}
	conv := func(name string, in, out, k int) []param {
		tiled := k == 3 && l.op != down
		return []param{{l.name + name + ".weight", []int{out, in, k, k}, tiled}, {name: l.name + name + ".bias", shape: []int{out}}}
	}
	switch l.op {
	case conv1:
		return conv("", l.in, l.out, 1)
	case conv3, down, up:
		return conv("", l.in, l.out, 3)
	case normOut:
		return norm("", l.in)
	case attn:
		out := norm(".norm", l.in)
		for _, name := range []string{".q", ".k", ".v", ".proj_out"} {
			out = append(out, conv(name, l.in, l.in, 1)...)
		}
		return out
	}
	out := append(norm(".norm1", l.in), conv(".conv1", l.in, l.out, 3)...)
	out = append(append(out, norm(".norm2", l.out)...), conv(".conv2", l.out, l.out, 3)...)
	if l.in != l.out {
		out = append(out, conv(".nin_shortcut", l.in, l.out, 1)...)
	}
	return out
}
