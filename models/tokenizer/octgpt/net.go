package octgpt

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/bsq"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/octree/dual"
)

const normEps = 1e-5

// net records layers over the nodes of one shape, f32 [n, c].
type net struct {
	*gpu.Recorder
	Config
	params cnn.Table
	tables []*gpu.Tensor
	marked func(name string, x *gpu.Tensor) // told of every stage; nil outside tests
}

func (n *net) mark(name string, x *gpu.Tensor) {
	if n.marked != nil {
		n.marked(name, x)
	}
}

// table puts indices on the device, and numbers floats, until the program is freed. Where there
// is no room a temporary goes on in their place, and the error comes out of Finish.
func (n *net) table(ids []int32) *gpu.Tensor {
	t, err := n.Device().FromI32(ids, len(ids))
	return n.hold(t, err, tensor.I32, len(ids))
}

func (n *net) numbers(x []float32, rows, columns int) *gpu.Tensor {
	t, err := n.Device().FromF32(x, rows, columns)
	return n.hold(t, err, tensor.F32, rows, columns)
}

func (n *net) hold(t *gpu.Tensor, err error, dtype tensor.DType, shape ...int) *gpu.Tensor {
	if err != nil {
		n.Fail(err)
		return n.Temp(dtype, shape...)
	}
	n.tables = append(n.tables, t)
	return t
}

// blocks calls body for blocks of rows whose temporaries have so many elements a row.
func blocks(n, elems int, body func(from, rows int)) {
	const word = 4
	size := int(cnn.Chunk(n, elems) / uint64(word*elems))
	for from := 0; from < n; from += size {
		body(from, min(size, n-from))
	}
}

// product adds x·w to y, or writes it: w is [in, out].
func (n *net) product(x, w, y *gpu.Tensor, add bool) {
	matmul.Record(n.Recorder, matmul.Args{Layout: matmul.NN, A: x, B: w, C: y, Add: add})
}

// linear is a product with a weight [out, in], and its bias if there is one.
func (n *net) linear(x *gpu.Tensor, name string) *gpu.Tensor {
	w := n.params[name+".weight"]
	y := n.Temp(tensor.F32, x.Rows(), w.Dim(0))
	matmul.Record(n.Recorder, matmul.Args{Layout: matmul.NT, A: x, B: w, Bias: n.params[name+".bias"], C: y})
	return y
}

// norm brings groups of channels to mean 0 and variance 1, in place, and a residual may be
// added.
func (n *net) norm(x *gpu.Tensor, name string, add *gpu.Tensor) *gpu.Tensor {
	norm.Group(n.Recorder, norm.GroupArgs{X: x, Gain: n.params[name+".weights"], Bias: n.params[name+".bias"], Out: x, Groups: groups(x.Dim(-1)), Eps: normEps})
	if add != nil {
		elementwise.Add(n.Recorder, elementwise.AddArgs{A: x, B: add, Out: x})
	}
	return x
}

func (n *net) relu(x *gpu.Tensor) *gpu.Tensor {
	activation.ReLU(n.Recorder, activation.ReLUArgs{X: x, Out: x})
	return x
}

// block is a residual block: two convolutions and their norms.
func (n *net) block(x *gpu.Tensor, conv func(x *gpu.Tensor, part string, add *gpu.Tensor) *gpu.Tensor) *gpu.Tensor {
	return n.relu(conv(n.relu(conv(x, "a", nil)), "b", x))
}

// nodes are those of a level on the device, with their neighbours.
type nodes struct {
	n    int
	near *gpu.Tensor // i32 [n, 27]
}

func (n *net) nodes(t *dual.Tree, d int) nodes {
	return nodes{len(t.Keys(d)), n.table(t.Neighbours27(d))}
}

// octree is a convolution over the neighbours of nodes, and its norm.
func (n *net) octree(x *gpu.Tensor, c nodes, name string, add *gpu.Tensor) *gpu.Tensor {
	w, in := n.params[name+".conv.weights"], x.Dim(-1)
	taps, out := w.Dim(0), w.Dim(-1)
	y := n.Temp(tensor.F32, c.n, out)
	blocks(c.n, taps*in, func(from, count int) {
		wide := n.Temp(tensor.F32, count, taps*in)
		rows.Gather(n.Recorder, rows.GatherArgs{X: x, IDs: c.near.View(from*taps, count, taps), Out: wide})
		n.product(wide, w.View(0, taps*in, out), y.View(from*out, count, out), false)
	})
	return n.norm(y, name+".gn", add)
}

// merge makes one node of the eight children of each that splits; the others get zeros.
func (n *net) merge(x *gpu.Tensor, t *dual.Tree, d int, name string) *gpu.Tensor {
	w, split := n.params[name+".conv.weights"], splitting(t, d)
	in, out := w.Dim(1), w.Dim(2)
	small, y := n.Temp(tensor.F32, len(split), out), n.Temp(tensor.F32, len(t.Keys(d)), out)
	n.product(x.View(0, len(split), 8*in), w.View(0, 8*in, out), small, false)
	n.Fill(y, 0)
	rows.Scatter(n.Recorder, rows.ScatterArgs{X: small, IDs: n.table(split), Out: y})
	return n.relu(n.norm(y, name+".gn", nil))
}

// splitting are the nodes of level d that split.
func splitting(t *dual.Tree, d int) (ids []int32) {
	for r := range t.Keys(d) {
		if t.Splits(d, r) {
			ids = append(ids, int32(r))
		}
	}
	return ids
}

// encode records the bits of codes, u32 [n], of features of the finest level.
func (n *net) encode(t *dual.Tree, features, bits *gpu.Tensor) {
	x := features
	for i, s := range n.Encoder {
		d := n.Depth - i
		c := n.nodes(t, d)
		if i == 0 {
			x = n.relu(n.octree(x, c, "encoder.conv1", nil))
		} else {
			x = n.merge(x, t, d, fmt.Sprintf("encoder.downsample.%d", i-1))
			n.mark(fmt.Sprintf("enc.down%d", i-1), x)
		}
		for j := range s.Blocks {
			x = n.block(x, func(x *gpu.Tensor, part string, add *gpu.Tensor) *gpu.Tensor {
				return n.octree(x, c, fmt.Sprintf("encoder.blocks.%d.resblks.%d.conv3x3%s", i, j, part), add)
			})
		}
		n.mark(fmt.Sprintf("enc.block%d", i), x)
	}
	z := n.linear(x, "pre_proj")
	n.mark("enc.z", z)
	bsq.Quantize(n.Recorder, bsq.QuantizeArgs{Z: z, Bits: bits})
}

// graph is a dual graph on the device.
type graph struct {
	*dual.Graph

	starts, rows *gpu.Tensor
	levels       *gpu.Tensor // f32 [n, 7·levels]: for each kind, which levels a node's neighbours are of
}

func (n *net) graph(g *dual.Graph) graph {
	wide := n.levels(g.Depth)
	one := make([]float32, g.Len()*wide)
	for l := range len(g.First) - 1 {
		for r := g.First[l]; r < g.First[l+1]; r++ {
			one[r*wide+l] = 1
		}
	}
	on := graph{Graph: g, starts: n.table(g.Starts), rows: n.table(g.Rows)}
	on.levels = n.means(n.numbers(one, g.Len(), wide), on, 0, g.Len())
	return on
}

// means returns the mean row of x for each kind of neighbours of some nodes, side by side.
func (n *net) means(x *gpu.Tensor, g graph, from, count int) *gpu.Tensor {
	out := n.Temp(tensor.F32, count, dual.Kinds*x.Dim(-1))
	starts := g.starts.View(dual.Kinds*from, dual.Kinds*count+1)
	rows.Segment(n.Recorder, rows.SegmentArgs{X: x, Starts: starts, Rows: g.rows, Out: out, Mean: true})
	return out
}

// conv is a convolution over a dual graph, and its norm.
func (n *net) conv(x *gpu.Tensor, g graph, name string, add *gpu.Tensor) *gpu.Tensor {
	w, in, levels := n.params[name+".conv.weights"], x.Dim(-1), g.levels.Dim(-1)
	out := w.Dim(-1)
	y := n.Temp(tensor.F32, g.Len(), out)
	blocks(g.Len(), dual.Kinds*in, func(from, count int) {
		to := y.View(from*out, count, out)
		n.product(n.means(x, g, from, count), w.View(0, dual.Kinds*in, out), to, false)
		n.product(g.levels.View(from*levels, count, levels), w.View(dual.Kinds*in*out, levels, out), to, true)
	})
	return n.norm(y, name+".norm.norm", add)
}

// stage is the blocks of one part of the decoder at one level.
func (n *net) stage(x *gpu.Tensor, g graph, part string, i int, s Stage) *gpu.Tensor {
	for j := range s.Blocks {
		x = n.block(x, func(x *gpu.Tensor, half string, add *gpu.Tensor) *gpu.Tensor {
			return n.conv(x, g, fmt.Sprintf("decoder.%s.%d.resblks.%d.conv%s", part, i, j, half), add)
		})
	}
	n.mark(fmt.Sprintf("dec.%s%d", part, i), x)
	return x
}

// rechannel changes the number of channels, if there is a weight for it.
func (n *net) rechannel(x *gpu.Tensor, name string) *gpu.Tensor {
	if n.params[name+".conv.linear.weight"] == nil {
		return x
	}
	return n.relu(n.norm(n.linear(x, name+".conv.linear"), name+".norm.norm", nil))
}

// down takes the nodes of a graph to the graph of the level above: eight children become one
// node, and leaves stay.
func (n *net) down(x *gpu.Tensor, t *dual.Tree, from, to *dual.Graph, i int) *gpu.Tensor {
	name := fmt.Sprintf("decoder.downsample.%d.", i)
	w, c := n.params[name+"downsample.weights"], x.Dim(-1)
	stay, merged := moves(t, to)
	small, y := n.Temp(tensor.F32, len(merged), c), n.Temp(tensor.F32, to.Len(), c)
	matmul.Record(n.Recorder, matmul.Args{Layout: matmul.NT, A: x.View(from.Leaves()*c, len(merged), 8*c), B: w.View(0, c, 8*c), C: small})
	rows.Scatter(n.Recorder, rows.ScatterArgs{X: small, IDs: n.table(merged), Out: y})
	if len(stay) > 0 {
		rows.Scatter(n.Recorder, rows.ScatterArgs{X: x.View(0, len(stay), c), IDs: n.table(stay), Out: y})
	}
	y = n.rechannel(y, name+"conv1x1")
	n.mark(fmt.Sprintf("dec.down%d", i), y)
	return y
}

// up takes the nodes of a graph to that of the level below: nodes that split become eight
// children, and the others are leaves, which stay.
func (n *net) up(x *gpu.Tensor, t *dual.Tree, from, to *dual.Graph, i int) *gpu.Tensor {
	name := fmt.Sprintf("decoder.upsample.%d.", i)
	w, c := n.params[name+"upsample.weights"], x.Dim(-1)
	stay, split := moves(t, from)
	y := n.Temp(tensor.F32, to.Len(), c)
	wide := n.Temp(tensor.F32, len(split), c)
	rows.Gather(n.Recorder, rows.GatherArgs{X: x, IDs: n.table(split), Out: wide})
	n.product(wide, w.View(0, c, 8*c), y.View(to.Leaves()*c, len(split), 8*c), false)
	if len(stay) > 0 {
		rows.Gather(n.Recorder, rows.GatherArgs{X: x, IDs: n.table(stay), Out: y.View(0, len(stay), c)})
	}
	y = n.rechannel(y, name+"conv1x1")
	n.mark(fmt.Sprintf("dec.up%d", i), y)
	return y
}

// moves are the nodes of a graph that are leaves of its tree, which the graph of the level
// below has too, and those that split.
func moves(t *dual.Tree, g *dual.Graph) (leaves, split []int32) {
	for r := range g.Leaves() {
		leaves = append(leaves, int32(r))
	}
	for r := range t.Keys(g.Depth) {
		if id := int32(g.Leaves() + r); t.Splits(g.Depth, r) {
			split = append(split, id)
		} else {
			leaves = append(leaves, id)
		}
	}
	return leaves, split
}

// head records two numbers for a flag, or the four of a leaf, of every node of a graph.
func (n *net) head(x *gpu.Tensor, name string, i int) *gpu.Tensor {
	name = fmt.Sprintf("decoder.%s.%d.", name, i)
	y := n.relu(n.norm(n.linear(x, name+"conv1.conv.linear"), name+"conv1.norm.norm", nil))
	return n.linear(y, name+"conv2.linear")
}

// codes records the first features of the graph at the level of codes, of bits u32 [n]: of
// what the codes are, and zeros for leaves.
func (n *net) codes(bits *gpu.Tensor, g *dual.Graph) *gpu.Tensor {
	code := n.Temp(tensor.F32, bits.Elems(), n.Bits)
	bsq.Expand(n.Recorder, bsq.ExpandArgs{Bits: bits, Code: code})
	y := n.linear(code, "post_proj")
	n.mark("dec.post_proj", y)
	c := y.Dim(-1)
	x := n.Temp(tensor.F32, g.Len(), c)
	if leaves := g.Leaves(); leaves > 0 {
		n.Fill(x.View(0, leaves, c), 0)
	}
	n.Copy(x.View(g.Leaves()*c, y.Rows(), c), y)
	return x
}

// coarse records the decoder from codes up to the first level and back, and returns the
// features of the graph at the level of codes.
func (n *net) coarse(t *dual.Tree, all []*dual.Graph, bits *gpu.Tensor) *gpu.Tensor {
	on := make([]graph, len(all)) // by level from the first on
	for i, g := range all {
		on[i] = n.graph(g)
	}
	last := len(all) - 1
	x := n.codes(bits, all[last])
	kept := make([]*gpu.Tensor, len(all))
	for i, s := range n.Down {
		at := last - i
		x = n.stage(x, on[at], "encoder", i, s)
		if kept[at] = x; at > 0 {
			x = n.down(x, t, all[at], all[at-1], i)
		}
	}
	for i, s := range n.Up[:len(all)] {
		if i > 0 {
			x = n.up(x, t, all[i-1], all[i], i-1)
			elementwise.Add(n.Recorder, elementwise.AddArgs{A: x, B: kept[i], Out: x})
		}
		x = n.stage(x, on[i], "decoder", i, s)
	}
	return x
}

// finer records the decoder at the next level.
func (n *net) finer(x *gpu.Tensor, t *dual.Tree, from, to *dual.Graph) *gpu.Tensor {
	i := to.Depth - n.Top
	return n.stage(n.up(x, t, from, to, i-1), n.graph(to), "decoder", i, n.Up[i])
}
