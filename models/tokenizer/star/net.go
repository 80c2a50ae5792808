package star

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/activation"
	"github.com/morton-gen/morton/gpu/ops/conv"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/matmul"
	"github.com/morton-gen/morton/gpu/ops/norm"
	"github.com/morton-gen/morton/gpu/ops/resize"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
)

// normEps keeps a row of zeros from a division by zero. Upstream adds nothing.
const normEps = 1e-30

// net records layers over feature maps of one chunk, f32 [t·h·w, c].
type net struct {
	*gpu.Recorder
	extent
	first  bool // of the clip's chunks
	params cnn.Table
	kept   cnn.Table // the last two frames that each convolution saw, by name; nil: no chunk follows
	tables []*gpu.Tensor
	z      *gpu.Tensor // the latents by which norms are modulated
	zs     extent
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
	case conv3:
		return n.conv(x, l.name+".conv", l.out)
	case res:
		y := n.swish(n.norm(x, l, ".norm1"))
		y = n.conv(y, l.name+".conv1.conv", l.out)
		y = n.conv(n.swish(n.norm(y, l, ".norm2")), l.name+".conv2.conv", l.out)
		return n.add(y, x)
	case down:
		return n.down(x, l)
	case up:
		return n.up(x, l)
	case fold:
		y := n.pick(x, n.quads())
		n.extent = l.after(n.extent)
		return y
	case unfold:
		return n.unfold(x, l)
	case linear:
		return n.product(x, l.name, l.out)
	}
	return n.norm(x, l, "")
}

// temp returns a feature map of so many channels, rounded up to an even number.
func (n *net) temp(c int) *gpu.Tensor { return n.Temp(tensor.F32, n.rows(), even(c)) }

func (n *net) weight(name string) (w, bias *gpu.Tensor) {
	return n.params[name+".weight"], n.params[name+".bias"]
}

// product is a linear map of every row.
func (n *net) product(x *gpu.Tensor, name string, out int) *gpu.Tensor {
	w, bias := n.weight(name)
	y := n.Temp(tensor.F32, x.Rows(), out)
	matmul.Record(n.Recorder, matmul.Args{Layout: matmul.NT, A: x, B: w.View(0, out, x.Dim(-1)), Bias: bias, C: y})
	return y
}

// conv is a convolution of 3 by 3 by 3. Before the chunk it sees the last frames of the
// one before, and before the clip its first frame again.
func (n *net) conv(x *gpu.Tensor, name string, out int) *gpu.Tensor {
	w, bias := n.weight(name)
	y := n.temp(out)
	c, frame := x.Dim(-1), n.h*n.w*x.Dim(-1)
	s := conv.Shape{T: n.t, H: n.h, W: n.w, Cin: c, Cout: y.Dim(-1), Kernel: [3]int{3, 3, 3}, Pad: [3][2]int{{2, 0}, {1, 1}, {1, 1}}, First: true}
	kept := n.keep(name, 2*n.h*n.w, c)
	if !n.first {
		seen := n.Temp(tensor.F32, (n.t+2)*n.h*n.w, c)
		n.Copy(seen.View(0, 2*n.h*n.w, c), kept)
		n.Copy(seen.View(2*frame, n.rows(), c), x)
		x, s.T, s.Pad[0][0], s.First = seen, n.t+2, 0, false
	}
	conv.Forward(n.Recorder, conv.Args{Shape: s, X: x, W: w, Bias: bias, Out: y})
	if kept != nil {
		n.Copy(kept, x.View((s.T-2)*frame, 2*n.h*n.w, c))
	}
	return y
}

// keep returns the place of the frames that a convolution saw last; nil if nothing comes
// after the chunk.
func (n *net) keep(name string, rows, c int) *gpu.Tensor {
	if n.kept == nil || n.kept[name] != nil {
		return n.kept[name]
	}
	t, err := n.Device().NewTensor(tensor.F32, rows, c)
	if err != nil {
		n.Fail(err)
		return nil
	}
	n.kept[name] = t
	return t
}

// norm brings every row to unit root-mean-square, times a gain. Latents modulate it in a
// decoder, but for the norms of a change of size.
func (n *net) norm(x *gpu.Tensor, l layer, part string) *gpu.Tensor {
	name := l.name + part
	out := n.temp(x.Dim(-1))
	if l.z == 0 || l.op == up {
		norm.RMS(n.Recorder, norm.RMSArgs{X: x, Gain: n.params[name+".gamma"], Out: out, Eps: normEps})
		return out
	}
	norm.RMS(n.Recorder, norm.RMSArgs{X: x, Gain: n.params[name+".norm_layer.gamma"], Out: out, Eps: normEps})
	gain, bias := n.modulation(name+".conv_y.conv", l.in), n.modulation(name+".conv_b.conv", l.in)
	norm.Gate(n.Recorder, norm.GateArgs{X: out, Gate: gain, Residual: bias, Out: out, B: n.rows()})
	return out
}

// modulation is a linear map of the latents, at the size of the feature map. That of a
// first frame comes from the first latents alone.
func (n *net) modulation(name string, c int) *gpu.Tensor {
	small, y := n.product(n.z, name, c), n.temp(c)
	if n.zs.t == 1 || n.zs.t%2 == 0 {
		n.resize(small, y, n.zs, n.extent, resize.Nearest)
		return y
	}
	from, to := n.zs.h*n.zs.w, n.h*n.w
	n.resize(small.View(0, from, c), y.View(0, to, c), extent{1, n.zs.h, n.zs.w}, extent{1, n.h, n.w}, resize.Nearest)
	rest, wide := extent{n.zs.t - 1, n.zs.h, n.zs.w}, extent{n.t - 1, n.h, n.w}
	n.resize(small.View(from*c, rest.rows(), c), y.View(to*c, wide.rows(), c), rest, wide, resize.Nearest)
	return y
}

func (n *net) resize(x, y *gpu.Tensor, from, to extent, mode resize.Mode) {
	s := resize.Shape{T: from.t, H: from.h, W: from.w, C: x.Dim(-1), To: [3]int{to.t, to.h, to.w}}
	resize.Record(n.Recorder, resize.Args{Shape: s, Mode: mode, X: x, Out: y})
}

func (n *net) swish(x *gpu.Tensor) *gpu.Tensor {
	activation.SiLU(n.Recorder, activation.SiLUArgs{X: x, Out: x})
	return x
}

func (n *net) add(x, y *gpu.Tensor) *gpu.Tensor {
	elementwise.Add(n.Recorder, elementwise.AddArgs{A: x, B: y, Out: x})
	return x
}

// table puts what id says of every place on the device.
func (n *net) table(places int, id func(i int) int) *gpu.Tensor {
	ids := make([]int32, places)
	for i := range ids {
		ids[i] = int32(id(i))
	}
	t, err := n.Device().FromI32(ids, places)
	if err != nil {
		n.Fail(err)
		return nil
	}
	n.tables = append(n.tables, t)
	return t
}

// gather returns rows of x side by side, as many as the table has for each.
func (n *net) gather(x, ids *gpu.Tensor, count, wide int) *gpu.Tensor {
	y := n.Temp(tensor.F32, count, wide)
	rows.Gather(n.Recorder, rows.GatherArgs{X: x, IDs: ids, Out: y})
	return y
}

// quads returns the places of the 2 by 2 rows that come together, frame by frame.
func (n *net) quads() *gpu.Tensor {
	h, w, cols := n.h/2, n.w/2, n.w
	return n.table(n.rows(), func(i int) int {
		q, at := i%quad, i/quad
		t, y, x := at/(h*w), at/w%h, at%w
		return t*4*h*w + (2*y+q/2)*cols + 2*x + q%2
	})
}

// pick puts 2 by 2 rows side by side.
func (n *net) pick(x, ids *gpu.Tensor) *gpu.Tensor {
	return n.gather(x, ids, n.rows()/quad, quad*x.Dim(-1))
}

// down is a convolution whose positions of 2 by 2 become channels, with a shortcut whose
// channels are averaged by groups.
func (n *net) down(x *gpu.Tensor, l layer) *gpu.Tensor {
	ids := n.quads()
	y := n.conv(n.swish(n.norm(x, l, ".norm")), l.name+".conv.conv", l.wide())
	y, short := n.pick(y, ids), n.pick(x, ids)
	n.h, n.w = n.h/2, n.w/2
	if of := quad * l.in / l.out; of > 1 {
		mean := n.temp(l.out)
		s := resize.Shape{B: n.rows(), H: 1, W: of, C: l.out, To: [3]int{1, 1, 1}}
		resize.Record(n.Recorder, resize.Args{Shape: s, Mode: resize.Area, X: short, Out: mean})
		short = mean
	}
	y = n.add(y, short)
	if !l.time || n.t == 1 {
		return y
	}
	return n.pairs(y, n.t%2, n.t)
}

// pairs averages frames by two, from frame first on up to end. The others stay.
func (n *net) pairs(x *gpu.Tensor, first, end int) *gpu.Tensor {
	c, frame := x.Dim(-1), n.h*n.w
	half := (end - first) / 2
	from := n.t
	n.t -= half
	y := n.temp(c)
	if first > 0 {
		n.Copy(y.View(0, first*frame, c), x.View(0, first*frame, c))
	}
	n.resize(x.View(first*frame*c, 2*half*frame, c), y.View(first*frame*c, half*frame, c), extent{2 * half, n.h, n.w}, extent{half, n.h, n.w}, resize.Area)
	if rest := from - end; rest > 0 {
		n.Copy(y.View((first+half)*frame*c, rest*frame, c), x.View(end*frame*c, rest*frame, c))
	}
	return y
}

// up is a convolution whose channels become positions and frames, with a shortcut that
// repeats its channels. The first frame of a clip is made twice, and averaged.
func (n *net) up(x *gpu.Tensor, l layer) *gpu.Tensor {
	parts, repeat := quad*l.frames(), l.in/l.out
	y := n.conv(n.swish(n.norm(x, l, ".norm")), l.name+".conv.conv", l.wide())
	wide := y.View(0, n.rows()*parts, l.out)
	narrow := x.View(0, n.rows()*repeat, l.out)
	to, place := n.places(l.frames())
	ids := n.table(to.rows(), func(i int) int { row, part := place(i); return row*parts + part })
	y = n.gather(wide, ids, to.rows(), l.out)
	ids = n.table(to.rows(), func(i int) int { row, part := place(i); return row*repeat + part%repeat })
	short := n.gather(narrow, ids, to.rows(), l.out)
	odd := n.t%2 == 1
	n.extent = to
	y = n.add(y, short)
	if l.time && odd {
		return n.pairs(y, 0, 2)
	}
	return y
}

// places returns the size of a map with twice the rows and columns and so many times the
// frames. It also returns from which row a place comes, and which of its parts that is.
func (n *net) places(frames int) (to extent, place func(i int) (row, part int)) {
	from := n.extent
	to = extent{frames * n.t, 2 * n.h, 2 * n.w}
	return to, func(i int) (row, part int) {
		t, y, x := i/(to.h*to.w), i/to.w%to.h, i%to.w
		row = (t/frames*from.h+y/2)*from.w + x/2
		return row, t%frames*quad + y%2*2 + x%2
	}
}

// unfold makes latents of features. They modulate the norms behind.
func (n *net) unfold(x *gpu.Tensor, l layer) *gpu.Tensor {
	to, place := n.places(1)
	ids := n.table(to.rows(), func(i int) int { row, part := place(i); return row*quad + part })
	y := n.gather(x.View(0, n.rows()*quad, l.out), ids, to.rows(), l.out)
	n.extent = to
	n.z, n.zs = y, to
	return y
}
