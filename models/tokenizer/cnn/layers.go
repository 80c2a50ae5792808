package cnn

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

// Layer is one step of a network, in the order in which they run.
type Layer struct {
	op      op
	name    string // of its tensors: "decoder.mid.0"
	in, out int    // channels
	fused   bool   // queries, keys and values of attention are one tensor, qkv
}

// Conv is a convolution of 1 by 1 or 3 by 3 outside the two networks.
func Conv(name string, kernel, in, out int) Layer {
	if kernel == 3 {
		return Layer{op: conv3, name: name, in: in, out: out}
	}
	return Layer{op: conv1, name: name, in: in, out: out}
}

// Network describes an encoder and a decoder.
type Network struct {
	Ch        int   // channels of the first level, a multiple of 32
	ChMult    []int // a level's channels in units of Ch, the finest level first
	ResBlocks int   // of a level of the encoder; the decoder has one more
	// Out is the channels that the encoder gives, and In those that the decoder takes.
	Out, In int
	Names   Names
	// Plain leaves out the attention of the decoder's lowest level.
	Plain bool
}

// Names are those of a checkpoint's tensors, as the authors' code has them.
type Names struct {
	Down, Up string    // of a level of the encoder and of the decoder
	Reverse  bool      // the decoder's levels are counted from the finest
	Block    string    // a residual block of a level
	Mid      [3]string // the block, attention and block between the levels
	Fused    bool      // attention has one tensor for queries, keys and values
}

// LlamaGen and LatentDiffusion are the names of those authors' code. VAR has the latter,
// with fused attention.
var (
	LlamaGen        = Names{Down: "conv_blocks", Up: "conv_blocks", Block: "res", Mid: [3]string{"mid.0", "mid.1", "mid.2"}}
	LatentDiffusion = Names{Down: "down", Up: "up", Reverse: true, Block: "block", Mid: [3]string{"mid.block_1", "mid.attn_1", "mid.block_2"}}
)

// stack collects layers; c are the channels so far.
type stack struct {
	layers []Layer
	name   string // "encoder."
	names  Names
	c      int
}

func (s *stack) add(op op, name string, out int) {
	s.layers = append(s.layers, Layer{op, s.name + name, s.c, out, op == attn && s.names.Fused})
	s.c = out
}

func (s *stack) mid() {
	s.add(res, s.names.Mid[0], s.c)
	s.add(attn, s.names.Mid[1], s.c)
	s.add(res, s.names.Mid[2], s.c)
}

// level adds n residual blocks to so many channels, each with attention if attend is
// set.
func (s *stack) level(name string, n, out int, attend bool) {
	for j := range n {
		s.add(res, fmt.Sprintf("%s.%s.%d", name, s.names.Block, j), out)
		if attend {
			s.add(attn, fmt.Sprintf("%s.attn.%d", name, j), out)
		}
	}
}

// Encoder lists the layers from pixels to Out channels.
func (n Network) Encoder() []Layer {
	s := &stack{name: "encoder.", names: n.Names, c: Colours}
	s.add(conv3, "conv_in", n.Ch)
	for i, m := range n.ChMult {
		last, name := i == len(n.ChMult)-1, fmt.Sprintf("%s.%d", n.Names.Down, i)
		s.level(name, n.ResBlocks, m*n.Ch, last)
		if !last {
			s.add(down, name+".downsample.conv", s.c)
		}
	}
	s.mid()
	s.add(normOut, "norm_out", s.c)
	s.add(conv3, "conv_out", n.Out)
	return s.layers
}

// Decoder lists the layers from In channels to pixels.
func (n Network) Decoder() []Layer {
	s := &stack{name: "decoder.", names: n.Names, c: n.In}
	lowest := len(n.ChMult) - 1
	s.add(conv3, "conv_in", n.ChMult[lowest]*n.Ch)
	s.mid()
	for i := lowest; i >= 0; i-- { // from the lowest resolution
		number := lowest - i
		if n.Names.Reverse {
			number = i
		}
		name := fmt.Sprintf("%s.%d", n.Names.Up, number)
		s.level(name, n.ResBlocks+1, n.ChMult[i]*n.Ch, i == lowest && !n.Plain)
		if i > 0 {
			s.add(up, name+".upsample.conv", s.c)
		}
	}
	s.add(normOut, "norm_out", s.c)
	s.add(conv3, "conv_out", Colours)
	return s.layers
}

// Reduction is the side in pixels of what one latent stands for: 2 to the number of
// levels less one.
func (n Network) Reduction() int { return 1 << (len(n.ChMult) - 1) }

// params lists the tensors of a layer.
func (l Layer) params() []Param {
	norm := func(name string, c int) []Param {
		return []Param{{Name: l.name + name + ".weight", Shape: []int{c}}, {Name: l.name + name + ".bias", Shape: []int{c}}}
	}
	conv := func(name string, in, out, k int) []Param {
		return []Param{{Name: l.name + name + ".weight", Shape: []int{out, in, k, k}, Tiled: k == 3 && l.op != down}, {Name: l.name + name + ".bias", Shape: []int{out}}}
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
		for i, name := range []string{".q", ".k", ".v"} {
			for _, p := range conv(name, l.in, l.in, 1) {
				if l.fused {
					p.of, p.part, p.parts = l.name+".qkv"+p.Name[len(l.name+name):], i, 3
				}
				out = append(out, p)
			}
		}
		return append(out, conv(".proj_out", l.in, l.in, 1)...)
	}
	out := append(norm(".norm1", l.in), conv(".conv1", l.in, l.out, 3)...)
	out = append(append(out, norm(".norm2", l.out)...), conv(".conv2", l.out, l.out, 3)...)
	if l.in != l.out {
		out = append(out, conv(".nin_shortcut", l.in, l.out, 1)...)
	}
	return out
}
