package systems

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.Register(system.Published{
		Name: "deepmesh", Title: "DeepMesh", Paper: "2503.15265", Papers: []string{"2110.13711", "2412.09548"}, Kind: system.Quads,
		Tensors: []string{"transformer.wte.weight", "transformer.h.hourglass.hourglass.pre_layer.0.norm_1.weight", "lm_head.weight", "linear.weight"}, Open: openDeepMesh,
	})
}

// deepMesh describes DeepMesh's network, by the names of upstream's arguments. What a
// description lacks comes from the shapes of the tensors, or is that of the released network.
type deepMesh struct {
	Block     int     `json:"block_size"` // tokens of a sample at most
	Heads     int     `json:"n_head"`
	Eps       float32 `json:"norm_eps"`
	Window    int     `json:"window"`    // tokens that a row sees at most; a name of ours
	Condition int     `json:"condition"` // rows of features at most; a name of ours

	hourglass
	vocab, features int
}

// deepMeshRows is how many rows a row of the next level stands for. It is the same for both levels.
const deepMeshRows = 3

func readDeepMesh(config json.RawMessage, w nn.Weights) (*deepMesh, error) {
	c := &deepMesh{Block: 90_000, Eps: 1e-5, Window: 9000, Condition: 257}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	const top, first = "transformer.h.", "transformer.h.pre_layer.0."
	c.vocab, c.width, c.features = dim(w, "transformer.wte.weight", 0), dim(w, "transformer.wte.weight", 1), dim(w, "linear.weight", 1)
	c.hidden, c.heads, c.length, c.condition = dim(w, first+"mlp.swiglu.w1.weight", 0), c.Heads, c.Block, c.Condition
	if c.heads == 0 {
		c.heads = c.width / 128
	}
	c.rows = []int{deepMeshRows, deepMeshRows}
	group := order.HourglassGroup(c.rows)
	c.window, c.ring = min(c.Window, c.Block)/group*group, c.ringOf(hourglassStep)
	for level := range 3 {
		prefix := top
		for range level {
			prefix += "hourglass."
		}
		c.blocks = append(c.blocks, [2]int{blocksOf(w, prefix+"pre_layer.%d.norm_1.weight"), blocksOf(w, prefix+"post_layer.%d.norm_1.weight")})
	}
	if !within(c.vocab, 4, 1<<17) || c.vocab%2 != 0 || !within(c.features, 2, 1<<14) || c.features%2 != 0 || !(c.Eps > 0 && c.Eps < 1) {
		return nil, fmt.Errorf("systems: %w: a vocabulary of %d, %d features, norms with %g", nn.ErrConfig, c.vocab, c.features, c.Eps)
	}
	return c, c.check()
}

// openDeepMesh opens "DeepMesh: Auto-Regressive Artist-mesh Creation with Reinforcement
// Learning", arXiv:2503.15265. Its parts:
//
//	token     an index of a vertex' patch, block or place in it, see sequence.DeepMesh
//	schedule  raster order
//	input     the token before
//	trunk     three levels, of which each looks at features of a point cloud
//	head      a softmax
//	sampling  temperature
//
// The encoder of point clouds is not part of it.
func openDeepMesh(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readDeepMesh(config, w)
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	s := &system.System{
		Name: "deepmesh", Token: system.Token{Sub: 1, Values: c.vocab, End: c.vocab - 1}, Layout: c.layout(), Input: c.input(p),
		Default: system.Sampling{Temperature: 0.5}, Schedule: c.schedule, Params: p.List(),
	}
	s.Layout.Fixed, s.Layout.Features, s.Layout.FeatureRows = 1, c.features, c.condition
	trunk := c.trunk(p.In("transformer.h."), "hourglass.", c.block)
	norm := p.LayerNorm(c.width, 1e-5, "norm")
	trunk.Condition = func(g nn.Graph, x *nn.Value) *nn.Value {
		x = g.LayerNorm(x, norm)
		g.Mark("cond.norm", x)
		return x
	}
	out := p.Matrix(c.vocab, c.width, nn.Init{}, "lm_head.weight").After(p.RMS(c.width, c.Eps, "transformer.ln_f.weight"))
	s.Trunk, s.Head = trunk, head.Softmax{Linear: head.Linear{Out: out}}
	return s, nil
}

// pointed is an input of two stages: features of a condition go through a linear map.
type pointed struct {
	features *nn.Linear
	table    *nn.Table
}

func (c *deepMesh) input(p nn.Params) pointed {
	return pointed{
		features: p.Linear(c.width, c.features, nn.Init{}, "linear"),
		table:    p.Table(c.width, nn.Init{}, nn.Part{Name: "transformer.wte.weight", Rows: c.vocab}, nn.Part{Rows: 1}),
	}
}

// Record implements system.Input.
func (in pointed) Record(g nn.Graph, stage int) *nn.Value {
	var x *nn.Value
	switch stage {
	case nn.HourglassCondition:
		x = in.features.Forward(g, g.Features(), nn.ProductOptions{})
		g.Mark("cond.linear", x)
	case nn.HourglassClear, nn.HourglassBefore(0), nn.HourglassWhole(0):
		x = g.Embed(in.table)
		g.Mark("embed", x)
	}
	return x
}

// block declares a block. Queries, keys and values are side by side in each head of the
// checkpoint.
func (c *deepMesh) block(p nn.Params, name string, group int) *nn.Block {
	none, dh := nn.Init{}, c.width/c.heads
	a := c.attend(&nn.Rope{Pairs: []int{dh / 2, 0}, Theta: 10_000, Coarse: true}, group)
	rows := a.Neighbours()
	for i, x := range rows {
		part, of := x/c.width, x%c.width
		rows[i] = of/dh*3*dh + part*dh + of%dh
	}
	b := &nn.Block{Name: name, Attention: p.Attention(a)}
	b.QKV = p.Matrix(3*c.width, c.width, none, "attn.attn.weight").PickRows(rows).After(p.RMS(c.width, c.Eps, "norm_1.weight"))
	b.Out = p.Matrix(c.width, c.width, none, "attn.proj.weight")
	b.Look = c.look(p, b.Name, p.RMS(c.width, c.Eps, "norm_cross.weight"), none, "cross_attn.q_proj.weight", "cross_attn.out_proj.weight", "cross_attn.kv_proj.weight")
	b.GateUp = p.Matrix(2*c.hidden, c.width, none, "mlp.swiglu.w1.weight", "mlp.swiglu.w2.weight").After(p.RMS(c.width, c.Eps, "norm_2.weight"))
	b.Down = p.Matrix(c.width, c.hidden, none, "mlp.swiglu.w3.weight")
	return b
}

// schedule returns the runs of features of a point cloud.
func (c *deepMesh) schedule(q system.Prompt) (system.Schedule, error) {
	h, err := c.order(q)
	if err != nil {
		return nil, err
	}
	return h.Schedule()
}

func (c *deepMesh) order(q system.Prompt) (order.Hourglass, error) {
	n := len(q.Text) / c.features
	if n < 1 || n > c.condition || len(q.Text) != n*c.features || len(q.Given) > c.length {
		return order.Hourglass{}, fmt.Errorf("systems: %w: %d features in at most %d rows of %d, %d tokens of %d", system.ErrPrompt, len(q.Text), c.condition, c.features, len(q.Given), c.length)
	}
	read := system.Run{Stage: nn.HourglassCondition, Group: 1}
	read.N, read.Features = n, q.Text
	for i := range n {
		read.Fixed, read.Inputs, read.Axes = append(read.Fixed, -1), append(read.Inputs, system.Nothing), append(read.Axes, 0, 0)
		read.Slot, read.KVLen = append(read.Slot, int32(i)), append(read.KVLen, 0)
	}
	begin := int32(c.vocab - 2)
	return order.Hourglass{
		Rows: c.rows, Window: c.window, Ring: c.ring, Read: []system.Run{read}, Condition: n, N: c.length, Given: len(q.Given), First: system.Start, Fixed: 1,
		Row: func(to []int32, p int) []int32 {
			if p == 0 {
				return append(to, begin)
			}
			return append(to, -1)
		},
	}, nil
}
