package octgpt

import (
	"fmt"

	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/octree/dual"
)

// Prefixes of the names of a direction's tensors. A checkpoint has more heads than generation
// takes: those that only training looks at.
var (
	encoderNames = []string{"encoder.", "pre_proj."}
	decoderNames = []string{"post_proj.", "decoder.encoder.", "decoder.decoder.", "decoder.downsample.", "decoder.upsample."}
)

// list collects parameters.
type list []cnn.Param

func (l *list) add(name string, shape ...int) {
	*l = append(*l, cnn.Param{Name: name, Shape: shape})
}

func (l *list) linear(name string, out, in int) {
	l.add(name+".weight", out, in)
	l.add(name+".bias", out)
}

// norm is a group norm. The octree networks' names lack a part that graph networks' have.
func (l *list) norm(name string, c int) {
	l.add(name+".weights", 1, c)
	l.add(name+".bias", 1, c)
}

// octree is a convolution over so many cells, and its norm.
func (l *list) octree(name string, cells, in, out int) {
	l.add(name+".conv.weights", cells, in, out)
	l.norm(name+".gn", out)
}

// graph is a convolution over the dual graph at level d, and its norm. Rows of its weight are
// by kind of neighbour: channels, and then the level that it is of, one-hot from Top on, in
// more columns than there are levels. Channels of all kinds come first here.
func (c Config) graph(l *list, name string, d, in, out int) {
	each := in + d + 1
	l.add(name+".conv.weights", dual.Kinds*each, out)
	(*l)[len(*l)-1].Prepare = func(x []float32) {
		from := append([]float32(nil), x...)
		levels := c.levels(d)
		for k := range dual.Kinds {
			rows := from[k*each*out:]
			copy(x[k*in*out:][:in*out], rows)
			copy(x[(dual.Kinds*in+k*levels)*out:][:levels*out], rows[in*out:])
		}
	}
	l.norm(name+".norm.norm", out)
}

// levels is the number of columns that a node's level takes at level d, rounded up to an even
// number.
func (c Config) levels(d int) int { return (d - c.Top + 2) &^ 1 }

// head is one of the decoder's.
func (c Config) head(l *list, name string, in, out int) {
	l.add(name+".conv1.conv.linear.weight", c.Hidden, in)
	l.norm(name+".conv1.norm.norm", c.Hidden)
	l.linear(name+".conv2.linear", out, c.Hidden)
}

// encoder lists the tensors of the encoder.
func (c Config) encoder() (l list) {
	in := dual.Features
	for i, s := range c.Encoder {
		if i == 0 {
			l.octree("encoder.conv1", 27, in, s.Channels)
		} else {
			l.octree(fmt.Sprintf("encoder.downsample.%d", i-1), 8, in, s.Channels)
		}
		for j := range s.Blocks {
			name := fmt.Sprintf("encoder.blocks.%d.resblks.%d.conv3x3", i, j)
			l.octree(name+"a", 27, s.Channels, s.Channels/c.Narrow)
			l.octree(name+"b", 27, s.Channels/c.Narrow, s.Channels)
		}
		in = s.Channels
	}
	l.linear("pre_proj", c.Bits, in)
	return l
}

// decoder lists the tensors of the decoder.
func (c Config) decoder() (l list) {
	l.linear("post_proj", c.Down[0].Channels, c.Bits)
	for i, s := range c.Down {
		c.stage(&l, "encoder", i, c.Code-i, s)
	}
	for i, s := range c.Up {
		c.stage(&l, "decoder", i, c.Top+i, s)
	}
	for i := range c.Down[1:] {
		c.resize(&l, "downsample", i, c.Down[i].Channels, c.Down[i+1].Channels)
	}
	for i := range c.Up[1:] {
		c.resize(&l, "upsample", i, c.Up[i].Channels, c.Up[i+1].Channels)
	}
	for d := c.Code; d < c.Depth; d++ {
		c.head(&l, fmt.Sprintf("decoder.predict.%d", d-c.Code), c.Up[d-c.Top].Channels, 2)
	}
	c.head(&l, fmt.Sprintf("decoder.regress.%d", c.Depth-c.Code), c.Up[c.Depth-c.Top].Channels, dual.Values)
	return l
}

func (c Config) stage(l *list, part string, i, d int, s Stage) {
	for j := range s.Blocks {
		name := fmt.Sprintf("decoder.%s.%d.resblks.%d.conv", part, i, j)
		c.graph(l, name+"a", d, s.Channels, s.Channels/c.Narrow)
		c.graph(l, name+"b", d, s.Channels/c.Narrow, s.Channels)
	}
}

// resize lists the tensors of a way to the next level.
func (c Config) resize(l *list, way string, i, in, out int) {
	name := fmt.Sprintf("decoder.%s.%d.", way, i)
	l.add(name+way+".weights", in, in, 8)
	if in != out {
		l.add(name+"conv1x1.conv.linear.weight", out, in)
		l.norm(name+"conv1x1.norm.norm", out)
	}
}
