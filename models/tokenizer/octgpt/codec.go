package octgpt

import (
	"fmt"
	"sync"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tokenizer/cnn"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/dual"
)

// MaxNodes bounds the nodes of one dual graph, and of the finest level of points.
const MaxNodes = 1 << 22

// Codec turns points into trees with codes, and those into fields, on a device. It is safe
// for concurrent use: calls run one at a time.
type Codec struct {
	cfg  Config
	dev  *gpu.Device
	mark func(r *gpu.Recorder, name string, x *gpu.Tensor) // for tests

	mu     sync.Mutex
	params cnn.Table // nil after Free
}

// Open loads a tokenizer by upstream's names. Weights without an encoder open for the other
// direction. The heads that only training looks at are passed over, and other names too.
//
// Errors: [ErrConfig]; [nn.ErrWeights] with the name and both shapes; [gpu.ErrOutOfMemory]
// with the bytes needed and there, before anything is allocated.
func Open(dev *gpu.Device, cfg Config, w nn.Weights) (*Codec, error) {
	params, err := cfg.params(w)
	if err == nil {
		err = dev.CheckMemory(cnn.WeightBytes(params))
	}
	c := &Codec{cfg: cfg, dev: dev, params: cnn.Table{}}
	if err == nil {
		err = c.params.Load(dev, w, params)
	}
	if err != nil {
		c.Free()
		return nil, fmt.Errorf("octgpt.Open: %w", err)
	}
	return c, nil
}

// Bytes is the device memory that [Open] asks for. A shape takes more, which depends on its
// nodes: some 1.1 kB for each node of the finest graph of the released networks. Errors are
// those of Open, but for memory.
func Bytes(cfg Config, w nn.Weights) (uint64, error) {
	params, err := cfg.params(w)
	if err != nil {
		return 0, fmt.Errorf("octgpt.Bytes: %w", err)
	}
	return cnn.WeightBytes(params), nil
}

// params lists the tensors of the directions that the weights hold, and checks their names and
// shapes.
func (c Config) params(w nn.Weights) (list, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	l := c.decoder()
	if err := cnn.Check(w, l, decoderNames); err != nil {
		return nil, err
	}
	if len(c.Encoder) > 0 {
		e := c.encoder()
		if err := cnn.Check(w, e, encoderNames); err != nil {
			return nil, err
		}
		l = append(l, e...)
	}
	return l, nil
}

// Config returns the tokenizer's description.
func (c *Codec) Config() Config { return c.cfg }

// Free gives all memory back. Later calls fail with [gpu.ErrClosed].
func (c *Codec) Free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.params.Free()
	c.params = nil
}

// pass is a program that runs once, with the tensors that it alone needs.
type pass struct {
	*net

	own []*gpu.Tensor
}

func (c *Codec) begin() *pass {
	p := &pass{net: &net{Recorder: c.dev.NewRecorder(), Config: c.cfg, params: c.params}}
	if c.mark != nil {
		p.marked = func(name string, x *gpu.Tensor) { c.mark(p.Recorder, name, x) }
	}
	return p
}

// run runs the program.
func (p *pass) run() error {
	run, err := p.Finish()
	if err != nil {
		return err
	}
	defer run.Free()
	return run.Run(1)
}

func (p *pass) free() {
	for _, t := range append(p.own, p.tables...) {
		t.Free()
	}
}

// out copies a result to a tensor that the program does not share.
func (p *pass) out(x *gpu.Tensor) *gpu.Tensor {
	t := p.Keep(x)
	p.own = append(p.own, t)
	return t
}

// floats reads a result, in which every number is finite.
func floats(t *gpu.Tensor) ([]float32, error) {
	x, err := t.F32()
	if err == nil && !cnn.Finite(x) {
		err = fmt.Errorf("%w: a value is not finite", nn.ErrWeights)
	}
	return x, err
}

// Encode returns the tree of points on a surface down to the level of codes, and the codes of
// that level's nodes. Normals point outwards and have unit length. Errors: cnn.ErrNoEncoder,
// those of [dual.FromPoints], [octree.ErrLimit] for more than [MaxNodes], [gpu.ErrOutOfMemory],
// and those of [gpu.Program.Run].
func (c *Codec) Encode(points, normals []mesh.Vec3) (*dual.Tree, []uint32, error) {
	if len(c.cfg.Encoder) == 0 {
		return nil, nil, fmt.Errorf("octgpt.Encode: %w", cnn.ErrNoEncoder)
	}
	t, features, err := dual.FromPoints(points, normals, c.cfg.Top, c.cfg.Depth)
	if err != nil {
		return nil, nil, err
	}
	if n := len(t.Keys(c.cfg.Depth)); n > MaxNodes {
		return nil, nil, fmt.Errorf("octgpt.Encode: %w: %d nodes at level %d, maximum %d", octree.ErrLimit, n, c.cfg.Depth, MaxNodes)
	}
	codes, err := c.encode(t, features)
	if err != nil {
		return nil, nil, fmt.Errorf("octgpt.Encode: %w", err)
	}
	coarse, err := t.Copy(c.cfg.Code)
	return coarse, codes, err
}

func (c *Codec) encode(t *dual.Tree, features []float32) ([]uint32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.params == nil {
		return nil, gpu.ErrClosed
	}
	p := c.begin()
	defer p.free()
	bits := p.table(make([]int32, len(t.Keys(c.cfg.Code)))).As(tensor.U32)
	p.encode(t, p.numbers(features, len(features)/dual.Features, dual.Features), bits)
	if err := p.run(); err != nil {
		return nil, err
	}
	var codes []uint32
	err := cnn.ReadTokens(bits, &codes)
	return codes, err
}

// Decode returns the field of a tree whose last level is that of the codes, one for each of
// its nodes. Bits beyond a code's are passed over. The tree stays as it is. Errors:
// [octree.ErrTokens] for another tree or number of codes, [octree.ErrLimit] for more than
// [MaxNodes] nodes, [nn.ErrWeights] if a value overflows, [gpu.ErrOutOfMemory], and those of
// [gpu.Program.Run].
func (c *Codec) Decode(t *dual.Tree, codes []uint32) (*dual.Field, error) {
	t, values, err := c.decode(t, codes)
	if err != nil {
		return nil, fmt.Errorf("octgpt.Decode: %w", err)
	}
	return dual.NewField(t, values)
}

// decode returns the tree down to the finest level, and the numbers of its leaves.
func (c *Codec) decode(given *dual.Tree, codes []uint32) (*dual.Tree, []float32, error) {
	if given.Top != c.cfg.Top || given.Depth() != c.cfg.Code || len(codes) != len(given.Keys(c.cfg.Code)) {
		return nil, nil, fmt.Errorf("%w: levels %d to %d with %d codes, want %d to %d, and a code a node", octree.ErrTokens, given.Top, given.Depth(), len(codes), c.cfg.Top, c.cfg.Code)
	}
	t, err := given.Copy(c.cfg.Code)
	if err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.params == nil {
		return nil, nil, gpu.ErrClosed
	}
	x, from, err := c.coarse(t, codes)
	if err != nil {
		return nil, nil, err
	}
	defer func() { x.free() }()
	for d := c.cfg.Code; d < c.cfg.Depth; d++ {
		flags, err := x.flags(len(t.Keys(d)))
		if err == nil {
			err = t.Grow(flags)
		}
		if err != nil {
			return nil, nil, err
		}
		next, to, err := c.finer(x.features, t, from)
		if err != nil {
			return nil, nil, err
		}
		x.free()
		x, from = next, to
	}
	values, err := floats(x.answer)
	return t, values, err
}

// level is what a pass of the decoder leaves: features of all nodes of a graph, and what its
// head says of them.
type level struct {
	*pass

	features, answer *gpu.Tensor
}

// coarse runs the decoder down to the level of codes.
func (c *Codec) coarse(t *dual.Tree, codes []uint32) (level, *dual.Graph, error) {
	var all []*dual.Graph
	for d := c.cfg.Top; d <= c.cfg.Code; d++ {
		g, err := bounded(t, d)
		if err != nil {
			return level{}, nil, err
		}
		all = append(all, g)
	}
	ids := make([]int32, len(codes))
	for i, x := range codes {
		ids[i] = int32(x)
	}
	p := c.begin()
	x := level{pass: p}
	x.end(p.net.coarse(t, all, p.table(ids).As(tensor.U32)), c.cfg.Code)
	return x.ran(all[len(all)-1])
}

// finer runs the decoder at the next level.
func (c *Codec) finer(features *gpu.Tensor, t *dual.Tree, from *dual.Graph) (level, *dual.Graph, error) {
	g, err := bounded(t, from.Depth+1)
	if err != nil {
		return level{}, nil, err
	}
	p := c.begin()
	x := level{pass: p}
	x.end(p.net.finer(features, t, from, g), g.Depth)
	return x.ran(g)
}

func bounded(t *dual.Tree, d int) (*dual.Graph, error) {
	g, err := t.Graph(d)
	if err == nil && g.Len() > MaxNodes {
		err = fmt.Errorf("%w: %d nodes down to level %d, maximum %d", octree.ErrLimit, g.Len(), d, MaxNodes)
	}
	return g, err
}

// end records the head of a level.
func (x *level) end(features *gpu.Tensor, d int) {
	name := "predict"
	if d == x.Depth {
		name = "regress"
	}
	y := x.head(features, name, d-x.Code)
	x.mark(fmt.Sprintf("dec.%s%d", name, d), y)
	x.features, x.answer = x.out(features), x.out(y)
}

// ran runs the pass, and frees it if that fails.
func (x level) ran(g *dual.Graph) (level, *dual.Graph, error) {
	if err := x.run(); err != nil {
		x.free()
		return level{}, nil, err
	}
	return x, g, nil
}

// flags are those of the last n nodes: 1 where the second number is the larger.
func (x *level) flags(n int) ([]uint32, error) {
	y, err := floats(x.answer)
	if err != nil {
		return nil, err
	}
	y = y[len(y)-2*n:]
	flags := make([]uint32, n)
	for i := range flags {
		if y[2*i+1] > y[2*i] {
			flags[i] = 1
		}
	}
	return flags, nil
}
