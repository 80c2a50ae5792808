package systems

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/sampler"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/faces"
)

func init() {
	system.Register(system.Published{
		Name: "quadgpt", Title: "QuadGPT", Paper: "2509.21420", Papers: []string{"2412.09548", "2110.13711"}, Kind: system.Quads, Samples: shard.KindQuad, Trains: true,
		Tensors: []string{"encoder.norm.weight", "levels.down.down.pre_layer.0.cross.query.weight", "head.weight"}, Open: openQuadGPT,
	})
}

// quadGPT describes a network of QuadGPT's kind. Its authors publish neither code nor names,
// so names and sizes are ours. What a description lacks is what the paper states, or Meshtron's
// full size, which the paper's is as large as.
type quadGPT struct {
	Width   int      `json:"width"`
	Heads   int      `json:"heads"`
	Hidden  int      `json:"hidden"`
	Encoder int      `json:"encoder"` // blocks of the points' encoder
	Blocks  [][2]int `json:"blocks"`  // of each level, before the next one and behind it
	Window  int      `json:"window"`  // tokens that a row sees, and that a lesson has, at most
	Length  int      `json:"length"`  // tokens of a mesh at most
	Levels  int      `json:"levels"`  // of a coordinate
	Points  int      `json:"points"`  // of a surface
	Quads   float32  `json:"quads"`   // share of quads that is asked for
	Theta   float64  `json:"rope_theta"`

	hourglass
	faces.Config `json:"-"`
}

// A row of the second level stands for a vertex, and one of the third for a face.
var quadRows = []int{3, 4}

// Rows of a condition before the points. Its fixed ids lie behind those of points: how many
// faces there are, in quarters of a power of two, and how many of a hundred have four corners.
const (
	quadConditions = 2
	quadCounts     = 4 * 20
	quadShares     = 101
	quadIDs        = order.FaceIds + quadCounts + quadShares
)

func readQuadGPT(config json.RawMessage, w nn.Weights) (*quadGPT, error) {
	c := &quadGPT{
		Width: 1536, Heads: 16, Hidden: 4096, Encoder: 8, Blocks: [][2]int{{2, 2}, {4, 4}, {12, 0}}, Window: 36_864, Length: 240_000, Levels: sequence.DefaultLevels,
		Points: 4096, Quads: 1, Theta: 1e6,
	}
	if err := describe(config, w, c); err != nil {
		return nil, err
	}
	c.hourglass = hourglass{
		width: c.Width, heads: c.Heads, hidden: c.Hidden, rows: quadRows, blocks: c.Blocks, window: c.Window, length: c.Length, condition: quadConditions + c.Points,
	}
	c.ring = c.ringOf(hourglassStep)
	c.Config = faces.Config{Levels: c.Levels, Points: c.Points}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if len(c.Blocks) != len(quadRows)+1 || !within(c.Encoder, 1, 256) || !(c.Quads > 0 && c.Quads <= 1) || !(c.Theta > 1) || math.IsInf(c.Theta, 0) {
		return nil, fmt.Errorf("systems: %w: %d levels of %d, %d blocks of the encoder, %g of the faces quads, theta %g", nn.ErrConfig, len(c.Blocks), len(quadRows)+1, c.Encoder, c.Quads, c.Theta)
	}
	return c, c.check()
}

// openQuadGPT opens a network of the kind of "QuadGPT: Native Quadrilateral Mesh Generation
// with Autoregressive Models", arXiv:2509.21420. Its parts:
//
//	token     a coordinate, a pad or the end; a triangle is a face behind three pads
//	schedule  raster order; beyond its window it rolls
//	input     the token before, and the slot of the face
//	trunk     three levels: coordinates, vertices, faces. All look at an encoder of points, of
//	          the number of faces, and of the share of quads
//	head      a softmax
//	rule      the grammar of face sequences, and of a surface to follow
//	sampling  temperature, top-k and top-p
//
// Lessons are windows of faces. The encoder learns with the rest; the authors' is pretrained.
func openQuadGPT(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readQuadGPT(config, w)
	if err != nil {
		return nil, err
	}
	o := c.Sequence()
	vocab := o.VocabSize() + o.VocabSize()%2
	p := nn.NewParams()
	s := &system.System{
		Name: "quadgpt", Token: system.Token{Sub: 1, Values: vocab, End: int(o.EOS())}, Layout: c.layout(), Constraint: sampler.Faces{Levels: c.Levels, Start: c.Points},
		Default: system.Sampling{Temperature: 0.5, TopK: 10, TopP: 0.95}, Schedule: c.schedule, Practice: c.practise, Flatten: c.flatten, Passes: c.passes(), Params: p.List(),
		Facts: []system.Fact{{Name: "condition", Value: fmt.Sprintf("%d points of a surface", c.Points)}, {Name: "levels", Value: fmt.Sprint(c.Levels)}},
	}
	s.Layout.Fixed, s.Layout.Base, s.Layout.Group, s.Layout.Length = order.FaceFixed, quadIDs, max(c.ring, c.condition), c.Points+c.length
	std := nn.Init{Std: 0.02}
	s.Input = input.Embedding{Table: p.Table(c.width, std, nn.Part{Name: "embed.weight", Rows: s.Dims(1).TableRows()})}
	s.Trunk = c.network(p)
	s.Head = head.Softmax{Linear: head.Linear{Out: p.Matrix(vocab, c.width, std, "head.weight").After(p.RMS(c.width, nn.OwnEps, "norm.weight"))}}
	s.Tokenizer = func(*gpu.Device, system.Files) (system.Tokenizer, error) {
		return faces.Tokenizer{Config: c.Config, Length: s.Layout.Length, Shares: true}, nil
	}
	return s, nil
}

// network declares the encoder and the levels.
func (c *quadGPT) network(p nn.Params) *nn.Hourglass {
	blocks := c.Encoder
	for _, n := range c.blocks {
		blocks += n[0] + n[1]
	}
	size := nn.BlockSize{Width: c.width, Heads: c.heads, Hidden: c.hidden, Std: 0.02, Deep: 0.02 / math.Sqrt(2*float64(blocks))} // as GPT-2
	var encoder nn.Stack
	for i := range c.Encoder {
		b := p.In("encoder.%d.", i).OwnBlock(size)
		b.Name, b.Attention.Group = fmt.Sprint("encoder", i), hourglassConditionGroup
		encoder = append(encoder, b)
	}
	norm := p.LayerNorm(c.width, 1e-5, "encoder.norm")
	size.Rope = &nn.Rope{Pairs: []int{c.width / c.heads / 2, 0}, Theta: c.Theta}
	h := c.trunk(p.In("levels."), "down.", func(p nn.Params, name string, group int) *nn.Block {
		b := p.OwnBlock(size)
		b.Name, b.Attention.Group = name, group
		b.Look = c.look(p.In("cross."), b.Name, p.RMS(c.width, nn.OwnEps, "cross_norm.weight"), nn.Init{Std: size.Deep}, "query.weight", "out.weight", "key_value.weight")
		return b
	})
	h.Condition = func(g nn.Graph, x *nn.Value) *nn.Value { return g.LayerNorm(encoder.Forward(g, x), norm) }
	return h
}

// passes are those of a lesson: the condition, and down and up the levels.
func (c *quadGPT) passes() []system.Pass {
	rows := order.HourglassWindows(c.rows, c.window)
	last := len(c.rows)
	passes := []system.Pass{{Runs: []int{nn.HourglassCondition}, Stage: nn.HourglassCondition, Rows: c.condition}}
	pass := func(level, stage, keeps int) {
		p := system.Pass{Runs: []int{stage}, Stage: stage, Rows: rows[level], Keeps: keeps}
		if level > 0 && stage != nn.HourglassAfter(level) {
			p.Spans = []int{c.rows[level-1], 1}
		}
		passes = append(passes, p)
	}
	for level := range last {
		pass(level, nn.HourglassBefore(level), 1)
	}
	pass(last, nn.HourglassWhole(last), c.rows[last-1])
	for level := last - 1; level > 0; level-- {
		pass(level, nn.HourglassAfter(level), c.rows[level-1])
	}
	pass(0, nn.HourglassAfter(0), 0)
	return passes
}

// flatten lays a mesh out.
func (c *quadGPT) flatten(s shard.Sample) (system.Prompt, []uint32, error) {
	p, tokens, err := c.Lay(s)
	if err != nil {
		return p, nil, err
	}
	if n := p.Faces*sequence.FaceTokens + 1; p.Faces < 1 || n > c.length || len(tokens) != c.Points+n {
		return p, nil, fmt.Errorf("systems: %w: %q has %d tokens behind its points, of %d faces, at most %d", shard.ErrSample, s.ID, len(tokens)-c.Points, p.Faces, c.length)
	}
	quads := 0
	for f := range p.Faces {
		if tokens[c.Points+f*sequence.FaceTokens] != uint32(c.Sequence().Pad()) {
			quads++
		}
	}
	p.Quads = max(float32(quads)/float32(p.Faces), 1e-6) // 0 is nothing said
	return p, tokens, nil
}

// order returns the order of a prompt's tokens, none of which is known.
func (c *quadGPT) order(q system.Prompt) (order.Hourglass, error) {
	n := q.Faces*sequence.FaceTokens + 1
	if len(q.Points) != c.Points || q.Faces < 1 || n > c.length || !(q.Quads >= 0 && q.Quads <= 1) || slices.ContainsFunc(q.Points, func(x int64) bool { return x < 0 || x >= 1<<24 }) {
		return order.Hourglass{}, fmt.Errorf("systems: %w: %d points of %d, %d faces in %d tokens, %g of them quads", system.ErrPrompt, len(q.Points), c.Points, q.Faces, c.length, q.Quads)
	}
	o := c.Sequence()
	return order.Hourglass{
		Rows: c.rows, Window: c.window, Ring: c.ring, Read: []system.Run{c.read(q)}, Condition: c.condition, N: n, Base: c.Points, First: system.Start, Fixed: order.FaceFixed,
		Row:   func(to []int32, p int) []int32 { return append(to, int32(1+p%sequence.FaceTokens)) },
		Range: func(p int) (lo, hi int32) { return 0, order.FaceTop(o, p%sequence.FaceTokens) },
	}, nil
}

// read is the run that reads the condition. Its rows see each other.
func (c *quadGPT) read(q system.Prompt) system.Run {
	share := q.Quads
	if share == 0 {
		share = c.Quads
	}
	r := system.Run{Stage: nn.HourglassCondition, Group: c.condition}
	add := func(ids ...int32) {
		for len(ids) < order.FaceFixed {
			ids = append(ids, -1)
		}
		r.Fixed, r.Inputs, r.Axes = append(r.Fixed, ids...), append(r.Inputs, system.Nothing), append(r.Axes, 0, 0)
		r.Slot, r.KVLen = append(r.Slot, int32(r.N)), append(r.KVLen, int32(c.condition))
		r.N++
	}
	add(order.FaceIds + int32(min(math.Round(4*math.Log2(float64(q.Faces))), quadCounts-1)))
	add(order.FaceIds + quadCounts + int32(math.Round(100*float64(share))))
	for _, x := range q.Points {
		add(order.PointIDs(int32(x))...)
	}
	return r
}

// schedule returns the runs of a mesh from the points of a surface. The first given positions
// are the points.
func (c *quadGPT) schedule(q system.Prompt) (system.Schedule, error) {
	h, err := c.order(q)
	if err != nil {
		return nil, err
	}
	if h.Given = len(q.Given) - c.Points; h.Given < 0 {
		return nil, fmt.Errorf("systems: %w: %d positions given, %d of points", system.ErrPrompt, len(q.Given), c.Points)
	}
	return h.Schedule()
}

// practise returns a lesson of a mesh: as many whole faces as a window has, from a random one
// on, as if nothing stood before them but the last token. The start of a mesh has no past, so
// it gets a share of the lessons.
func (c *quadGPT) practise(q system.Prompt, word func(uint32) uint32) (system.Schedule, error) {
	h, err := c.order(q)
	if err != nil {
		return nil, err
	}
	if free := (h.N - c.window + sequence.FaceTokens - 1) / sequence.FaceTokens; free > 0 {
		if k := int(uint64(word(0)) * uint64(free+1+free/4) >> 32); k > 0 && k <= free {
			h.Base += k * sequence.FaceTokens
			h.First, h.N = int32(h.Base-1), h.N-k*sequence.FaceTokens
		}
		h.N = min(h.N, c.window)
	}
	group := order.HourglassGroup(c.rows)
	h.Ring = (h.N + 2*(group-1)) / group * group
	return order.Fixed(append(h.Read, h.Step(0, h.N)...)...), nil
}
