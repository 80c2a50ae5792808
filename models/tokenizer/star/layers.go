package star

import (
	"fmt"

	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// op is a kind of layer.
type op int

const (
	conv3   op = iota // 3 by 3 by 3
	res               // residual block
	down              // half the rows and columns, and with time half the frames
	up                // twice the rows and columns, and with time twice the frames
	normOut           // norm, then swish
	fold              // latents of 2 by 2 to one feature
	unfold            // and back
	linear            // of every feature
)

// layer is one step of a network, in the order in which they run.
type layer struct {
	op      op
	name    string // of its tensors: "decoder.conv_in"
	in, out int    // channels
	time    bool   // the frames change too
	z       int    // channels of the latents by which norms are modulated; 0: they are not
}

// stack collects layers; c are the channels so far.
type stack struct {
	layers []layer
	name   string // "encoder."
	c, z   int
}

func (s *stack) add(op op, name string, out int, time bool) {
	s.layers = append(s.layers, layer{op, s.name + name, s.c, out, time, s.z})
	s.c = out
}

func (s *stack) blocks(name string, n int) {
	for j := range n {
		s.add(res, fmt.Sprintf("%s.resnets.%d", name, j), s.c, false)
	}
}

func (s *stack) end(out int) {
	s.add(normOut, "norm_out", s.c, false)
	s.add(conv3, "conv_out", out, false)
}

// encoder lists the layers from pixels to moments.
func (c Config) encoder() []layer {
	s := &stack{name: "encoder.", c: cnn.Colours}
	s.add(conv3, "conv_in", c.Channels[0], false)
	for i, out := range c.Channels[1:] {
		name := fmt.Sprintf("down_blocks.%d", i)
		s.blocks(name, c.Layers)
		if i < len(c.Space) {
			s.add(down, name+".downsamplers.0.conv", out, i < len(c.Time))
		}
	}
	s.blocks("mid_block", 2)
	s.end(2 * c.Z)
	return s.layers
}

// project lists the layers from latents to features.
func (c Config) project() []layer {
	return []layer{{op: fold, in: c.Z, out: c.Width()}, {op: linear, name: "proj_down", in: c.Width(), out: c.Width()}}
}

// decoder lists the layers from features to pixels. Its norms are modulated by latents.
func (c Config) decoder() []layer {
	levels := len(c.Channels) - 1
	s := &stack{name: "decoder.", c: c.Z, z: c.Z}
	s.add(conv3, "conv_in", c.Channels[levels], false)
	s.blocks("mid_block", 2)
	for i := range levels { // from the lowest resolution
		name, level := fmt.Sprintf("up_blocks.%d", i), levels-1-i
		s.blocks(name, c.Layers+1)
		if level < len(c.Space) {
			s.add(up, name+".upsamplers.0.conv", c.Channels[level], level < len(c.Time))
		}
	}
	s.end(cnn.Colours)
	first := []layer{{op: linear, name: "proj_up", in: c.Width(), out: c.Width()}, {op: unfold, name: "unfold", in: c.Width(), out: c.Z}}
	return append(first, s.layers...)
}

// wide is how many channels the convolution of a change of size has.
func (l layer) wide() int {
	if l.op == down {
		return l.out / quad
	}
	return quad * l.frames() * l.out
}

// frames is the factor by which a change of size changes the frames.
func (l layer) frames() int {
	if l.time {
		return 2
	}
	return 1
}

// conv lists the tensors of a convolution.
func (l layer) conv(part string, in, out, k int) []cnn.Param {
	return []cnn.Param{{Name: l.name + part + ".weight", Shape: []int{out, in, k, k, k}}, {Name: l.name + part + ".bias", Shape: []int{out}}}
}

// norm lists the tensors of a norm, with those by which latents modulate it.
func (l layer) norm(part string) []cnn.Param {
	gain := func(name string) cnn.Param { return cnn.Param{Name: l.name + part + name, Shape: []int{l.in, 1, 1, 1}} }
	if l.z == 0 || l.op == up {
		return []cnn.Param{gain(".gamma")}
	}
	out := append([]cnn.Param{gain(".norm_layer.gamma")}, l.conv(part+".conv_y.conv", l.z, l.in, 1)...)
	return append(out, l.conv(part+".conv_b.conv", l.z, l.in, 1)...)
}

// params lists the tensors of a layer.
func (l layer) params() []cnn.Param {
	switch l.op {
	case conv3:
		return l.conv(".conv", l.in, l.out, 3)
	case down, up:
		return append(l.norm(".norm"), l.conv(".conv.conv", l.in, l.wide(), 3)...)
	case normOut:
		return l.norm("")
	case linear:
		return l.projection()
	case res:
		out := append(l.norm(".norm1"), l.conv(".conv1.conv", l.in, l.out, 3)...)
		return append(append(out, l.norm(".norm2")...), l.conv(".conv2.conv", l.out, l.out, 3)...)
	}
	return nil
}

// projection lists the tensors of a linear map. Upstream's features have a latent's
// channels apart and its four positions together; here it is the other way round.
func (l layer) projection() []cnn.Param {
	z := l.in / quad
	weight := cnn.Param{Name: l.name + ".weight", Shape: []int{l.out, l.in}}
	bias := cnn.Param{Name: l.name + ".bias", Shape: []int{l.out}}
	if l.name == "proj_down" {
		weight.Prepare = func(x []float32) {
			for o := range l.out {
				regroup(x[o*l.in:][:l.in], z, 1)
			}
		}
	} else {
		weight.Prepare = func(x []float32) { regroup(x, z, l.in) }
		bias.Prepare = func(x []float32) { regroup(x, z, 1) }
	}
	return []cnn.Param{weight, bias}
}

// regroup puts rows of n elements at [c, q] to [q, c], with q of a feature's positions.
func regroup(x []float32, z, n int) {
	from := append([]float32(nil), x...)
	for c := range z {
		for q := range quad {
			copy(x[(q*z+c)*n:][:n], from[(c*quad+q)*n:][:n])
		}
	}
}

// extent is the size of a feature map.
type extent struct{ t, h, w int }

func (e extent) rows() int { return e.t * e.h * e.w }

// after returns the size behind a layer. An odd number of frames is a first chunk, whose
// first frame stays alone.
func (l layer) after(e extent) extent {
	switch l.op {
	case down, fold:
		e.h, e.w = e.h/2, e.w/2
		if l.time {
			e.t = (e.t + 1) / 2
		}
	case up, unfold:
		e.h, e.w = 2*e.h, 2*e.w
		if l.time {
			e.t = 2*e.t - e.t%2
		}
	}
	return e
}

// bytes is what a layer has alive at most: its input and output, what lies between, and
// a block's temporary.
func (l layer) bytes(e extent) uint64 {
	to := l.after(e)
	in, out := mapBytes(e, l.in), mapBytes(to, l.out)
	seen := mapBytes(extent{e.t + 2, e.h, e.w}, l.in) // by a convolution, with what is kept
	conv := cnn.Chunk(e.rows(), 27*even(l.in))
	switch l.op {
	case down:
		return 2*in + seen + 3*out*uint64(l.frames()) + conv
	case up:
		wide := mapBytes(e, l.wide())
		return in + seen + 3*wide + out + conv
	case res:
		return 2*in + seen + 3*out + conv
	}
	return in + seen + 2*out + conv
}

// held is what a layer keeps beside: frames that its convolutions saw, and tables.
func (l layer) held(e extent) uint64 {
	const word = 4
	kept := mapBytes(extent{2, e.h, e.w}, l.in)
	switch l.op {
	case conv3:
		return kept
	case res:
		return 2 * kept
	case down, fold:
		return kept + word*uint64(e.rows())
	case up, unfold:
		return kept + 2*word*uint64(e.rows()*quad*l.frames())
	}
	return 0
}

// mapBytes is the memory of a feature map, f32.
func mapBytes(e extent, c int) uint64 { return 4 * uint64(e.rows()*even(c)) }

// even rounds channels up: convolutions take them in pairs.
func even(c int) int { return (c + 1) &^ 1 }
