package systems

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tape"
)

func init() {
	system.Register(system.Published{
		Name: "hi-mar", Title: "Hi-MAR", Paper: "2505.20288", Kind: "image",
		Tensors: []string{"class_emb.weight", "cond_z_proj.weight", "cond_tokens", "encoder_blocks.0.adaLN_scale", "diffloss.net.time_embed.mlp.0.weight", "cond_diffloss.net.x_embedder.proj.weight"}, Open: openHiMAR,
	})
}

// himar describes Hi-MAR's network, by the names of upstream's arguments.
type himar struct {
	EncoderHeads  int     `json:"encoder_num_heads"`
	DecoderHeads  int     `json:"decoder_num_heads"`
	GlobalHeads   int     `json:"head"`
	Pivots        float64 `json:"re_cfg"` // guidance of the small picture; 0: as of the large one
	SamplingSteps string  `json:"num_sampling_steps"`
	GlobalSteps   string  `json:"global_sampling_steps"` // a name of ours
	Patch         int     `json:"patch_size"`
	drawing

	token, classes, buffer, small, side int
	enc, dec                            mae
	head, global                        mae // width and depth alone, and all
}

// readHiMAR reads a description and the shapes of the tensors.
func readHiMAR(config json.RawMessage, w nn.Weights) (*himar, error) {
	c := &himar{SamplingSteps: "100", GlobalSteps: "250", GlobalHeads: 8, Patch: 1, drawing: drawing{Sets: 4, Guidance: 2.5, Temperature: 1}}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	dim := func(name string, axis int) int { return dim(w, name, axis) }
	cells := dim("diffusion_pos_embed_learned", 1)
	c.token, c.classes, c.small = dim("z_proj.weight", 1), dim("class_emb.weight", 0), dim("cond_tokens", 1)
	c.side = int(math.Round(math.Sqrt(float64(max(cells-c.small, 0)))))
	c.buffer = dim("encoder_pos_embed_learned", 1)/2 - cells
	c.enc = mae{dim("z_proj.weight", 0), blocksOf(w, "encoder_blocks.%d.norm1.weight"), c.EncoderHeads, dim("encoder_blocks.0.mlp.fc1.weight", 0)}
	c.dec = mae{dim("mask_token", 2), blocksOf(w, "decoder_blocks.%d.norm1.weight"), c.DecoderHeads, dim("decoder_blocks.0.mlp.fc1.weight", 0)}
	c.enc.setHeads()
	c.dec.setHeads()
	const local, global = "diffloss.net.", "cond_diffloss.net."
	c.head = mae{width: dim(local+"input_proj.weight", 0), depth: blocksOf(w, local+"res_blocks.%d.in_ln.weight")}
	c.global = mae{dim(global+"x_embedder.proj.weight", 0), blocksOf(w, global+"blocks.%d.attn.qkv.weight"), c.GlobalHeads, dim(global+"blocks.0.mlp.fc1.weight", 0)}
	return c, c.check(w, cells)
}

func (c *himar) check(w nn.Weights, cells int) error {
	for _, err := range []error{c.drawing.check(), c.enc.check(), c.dec.check(), c.global.check()} {
		if err != nil {
			return err
		}
	}
	large := c.side * c.side
	switch {
	case !within(cells, 2, 1<<14) || !within(c.small, 1, cells-1) || large+c.small != cells || !square(c.small) || large > 64 && large&(large-1) != 0:
		return fmt.Errorf("systems: %w: %d tokens, %d of them pivots", nn.ErrConfig, cells, c.small)
	case !within(c.buffer, 1, 1<<12) || !within(c.classes, 1, 1<<20) || c.Sets > 1<<8 || c.Rewrites != 0:
		return fmt.Errorf("systems: %w: %d rows of condition, %d classes, %d sets", nn.ErrConfig, c.buffer, c.classes, c.Sets)
	case !within(c.token, 1, 1<<12) || dim(w, "cond_proj.weight", 1) != c.token || !within(c.Patch, 1, 64) || c.token%(c.Patch*c.Patch) != 0:
		return fmt.Errorf("systems: %w: tokens of %d numbers and pivots of %d, in patches of %d", nn.ErrConfig, c.token, dim(w, "cond_proj.weight", 1), c.Patch)
	case !within(c.head.width, 2, 1<<14) || !within(c.head.depth, 1, 256) || !(c.Pivots >= 0 && c.Pivots < 1e6):
		return fmt.Errorf("systems: %w: a head of width %d with %d blocks, guidance %g", nn.ErrConfig, c.head.width, c.head.depth, c.Pivots)
	}
	return nil
}

// rows is the number of rows of a stage that has all.
func (c *himar) rows() int { return c.buffer + c.small + c.side*c.side }

// openHiMAR opens "Hierarchical Masked Autoregressive Models with Low-Resolution Token Pivots",
// arXiv:2505.20288. MAR's network predicts a small picture, and then, told the hidden states
// behind it, a large one in few sets, whose head looks at all tokens together.
func openHiMAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readHiMAR(config, w)
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	refiner, err := c.refiner(p)
	if err != nil {
		return nil, err
	}
	rows := c.rows()
	shape, err := c.pivots(system.Prompt{Class: -1}, refiner)
	if err != nil {
		return nil, err
	}
	return &system.System{
		Name: "hi-mar", Params: p.List(), Token: system.Token{Width: c.token}, Grid: [3]int{1, c.side, c.side},
		Layout: system.Layout{Fixed: 2, Inputs: 1, Axes: 1, Context: rows, Length: max(rows, shape.Positions()), Group: rows, Places: shape.States(), State: c.dec.width},
		Input:  c.input(p), Trunk: c.trunk(p), Head: refiner, Default: c.sampling(),
		Schedule: func(q system.Prompt) (system.Schedule, error) {
			s, err := c.pivots(q, refiner)
			if err != nil {
				return nil, err
			}
			return s.Schedule()
		},
	}, nil
}

// refiner declares both heads.
func (c *himar) refiner(p nn.Params) (*head.Staged, error) {
	betas := head.CosineBetas(1000)
	first, err := head.Spacing(len(betas), c.SamplingSteps)
	if err != nil {
		return nil, err
	}
	second, err := head.Spacing(len(betas), c.GlobalSteps)
	if err != nil {
		return nil, err
	}
	local := head.NewDenoiser(p.In("diffloss.net."), head.DenoiserOptions{Width: c.head.width, Depth: c.head.depth, Token: c.token, Says: 2 * c.token, Condition: c.dec.width})
	global := head.NewWhole(p.In("cond_diffloss.net."), head.WholeOptions{
		Width: c.global.width, Depth: c.global.depth, Heads: c.global.heads, Hidden: c.global.hidden, Token: c.token, Condition: c.dec.width, Cells: c.side * c.side,
	})
	return head.NewStaged(p,
		head.StagedPart{Stage: 1, Net: local, Schedule: head.Ancestral(betas, first)}, head.StagedPart{Stage: 3, Net: global, Schedule: head.FixedLarge(betas, second)}), nil
}

// himarInput makes the rows of the four stages.
type himarInput struct {
	known, fill *nn.Table
	numbers     [2]*nn.Matrix // of small and of large tokens
	kept        *nn.Matrix
	norm        *nn.LayerNorm
}

// Ids of the first table: classes, none, three biases, places.
func (c *himar) input(p nn.Params) himarInput {
	rows, cells := c.rows(), c.small+c.side*c.side
	return himarInput{
		known: p.Table(c.enc.width, varInit, nn.Part{Name: "class_emb.weight", Rows: c.classes}, nn.Part{Name: "fake_latent", Rows: 1}, nn.Part{Name: "cond_proj.bias", Rows: 1},
			nn.Part{Name: "z_proj.bias", Rows: 1}, nn.Part{Name: "cond_z_proj.bias", Rows: 1}, nn.Part{Name: "encoder_pos_embed_learned", Rows: 2 * rows, Ones: 1}),
		fill:    p.Table(c.dec.width, varInit, nn.Part{Name: "mask_token", Rows: 2 * cells, Ones: 1}, nn.Part{Name: "decoder_pos_embed_learned", Rows: 2 * rows, Ones: 1}),
		numbers: [2]*nn.Matrix{p.Matrix(c.enc.width, c.token, varInit, "cond_proj.weight"), p.Matrix(c.enc.width, c.token, varInit, "z_proj.weight")},
		kept:    p.Matrix(c.enc.width, c.dec.width, varInit, "cond_z_proj.weight"),
		norm:    p.LayerNorm(c.enc.width, marEps, "z_proj_ln"),
	}
}

// Record implements system.Input.
func (in himarInput) Record(g nn.Graph, stage int) *nn.Value {
	if stage%2 == 1 {
		return g.Add(g.Recall(0), g.Embed(in.fill))
	}
	x := g.Product(g.Numbers(), in.numbers[stage/2], nn.ProductOptions{Add: g.Embed(in.known)})
	if stage == 2 {
		x = g.Product(g.Recall(0), in.kept, nn.ProductOptions{Add: x})
	}
	return g.LayerNorm(x, in.norm)
}

// himarTrunk is MAR's two parts, whose blocks are scaled and gated by which picture it is.
type himarTrunk struct {
	parts [2]himarPart
	embed *nn.Linear
	place *nn.Table
}

// himarPart is blocks with what they are told.
type himarPart struct {
	task          *nn.Table
	told          *nn.Linear
	blocks        []*nn.Adaptive
	scales, shift []*nn.Table // by block, of what it is told
	norm          *nn.LayerNorm
}

func (c *himar) trunk(p nn.Params) *himarTrunk {
	return &himarTrunk{
		parts: [2]himarPart{c.part(p, "encoder", c.enc), c.part(p, "decoder", c.dec)}, embed: p.Linear(c.dec.width, c.enc.width, varInit, "decoder_embed"),
		place: p.Table(c.dec.width, varInit, nn.Part{Name: "diffusion_pos_embed_learned", Rows: c.small + c.side*c.side, Ones: 1}),
	}
}

func (c *himar) part(p nn.Params, name string, m mae) himarPart {
	d := m.width
	t := himarPart{
		task: p.Table(d, varInit, nn.Part{Name: name + "_task_emb.weight", Rows: 2}), told: p.Linear(4*d, d, varInit, name+"_blocks_ada.1"), norm: p.LayerNorm(d, marEps, name+"_norm"),
	}
	for i := range m.depth {
		q := p.In("%s_blocks.%d.", name, i)
		t.blocks = append(t.blocks, &nn.Adaptive{
			Name: fmt.Sprint(name, i), Parts: nn.Parts{Scale: [2]int{0, 2}, Gate: [2]int{1, 3}, Shift: [2]int{4, 4}}, Act: nn.GELU,
			Norms: [2]*nn.LayerNorm{q.LayerNorm(d, marEps, "norm1"), q.LayerNorm(d, marEps, "norm2")},
			QKV:   q.Linear(3*d, d, varInit, "attn.qkv"), Out: q.Linear(d, d, varInit, "attn.proj"), Up: q.Linear(m.hidden, d, varInit, "mlp.fc1"), Down: q.Linear(d, m.hidden, varInit, "mlp.fc2"),
			Attention: q.Attention(nn.Attention{Heads: m.heads, HeadDim: d / m.heads}),
		})
		t.scales = append(t.scales, q.Table(4*d, varInit, nn.Part{Name: "adaLN_scale", Rows: 2}))
		t.shift = append(t.shift, q.Table(4*d, varInit, nn.Part{Name: "adaLN_shift", Rows: 2}))
	}
	return t
}

// forward records the blocks for one of the pictures.
func (t *himarPart) forward(d *nn.Inference, x *nn.Value, picture int) *nn.Value {
	row := func(t *nn.Table) *nn.Value { return nn.Slice(d.AllRows(t), picture, picture+1) }
	told := t.told.Forward(d, d.SiLU(row(t.task)), nn.ProductOptions{})
	width := told.X.Dim(-1)
	for i, b := range t.blocks {
		m := d.Temp(tensor.F32, 1, width+width/4) // with zeros for the shift
		d.Fill(m, 0)
		first := tape.Constant(m.View(0, 1, width))
		d.Copy(first.X, row(t.shift[i]).X)
		d.Gate(told, row(t.scales[i]), 0, first)
		x = b.Told(d, x, tape.Constant(m))
		d.Mark(b.Name, x)
	}
	return d.LayerNorm(x, t.norm)
}

// Forward implements system.Trunk.
func (t *himarTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	d, picture := g.(*nn.Inference), g.Stage()/2
	if g.Stage()%2 == 0 {
		x = t.embed.Forward(g, t.parts[0].forward(d, x, picture), nn.ProductOptions{})
		g.Keep(x)
		return x
	}
	x = g.Add(t.parts[1].forward(d, x, picture), g.Place(t.place))
	if picture == 0 {
		keepConditional(d, x)
	}
	return x
}

// keepConditional keeps the states that a step draws from. The branch without the condition keeps
// those of the other, too.
func keepConditional(d *nn.Inference, x *nn.Value) {
	m, w := d.Targets(), x.X.Dim(-1)
	y, drawn := d.Temp(tensor.F32, x.X.Rows(), w), d.Temp(tensor.F32, m, w)
	d.Copy(y, x.X)
	rows.Gather(d.Recorder, rows.GatherArgs{X: x.X, IDs: d.Rows.Picks.View(0, m), Out: drawn})
	rows.Scatter(d.Recorder, rows.ScatterArgs{X: drawn, IDs: d.Rows.Picks.View(m, m), Out: y})
	d.Keep(tape.Constant(y))
}

// pivots returns the order of a class; -1 is none.
func (c *himar) pivots(q system.Prompt, refiner *head.Staged) (order.Pivots, error) {
	steps, err := c.setsOf(q, c.classes)
	large := c.side * c.side
	scale, rerr := c.ramp(q, large)
	pivots := q
	if c.Pivots > 0 && q.Guidance > 1 {
		pivots.Guidance = float32(c.Pivots)
	}
	smallScale, serr := c.ramp(pivots, c.small)
	if smallScale == nil && pivots.Guidance != q.Guidance {
		smallScale = func(int) float32 { return pivots.Guidance }
	}
	if q.Inner != [2]int{} || steps > c.Sets {
		err = errors.Join(err, fmt.Errorf("systems: %w: %d sets of at most %d, %v passes", system.ErrPrompt, steps, c.Sets, q.Inner))
	}
	none := int32(c.classes)
	return order.Pivots{
		Small: c.small, Large: large, SmallSteps: 4 * int(math.Round(math.Sqrt(float64(c.small)))), LargeSteps: steps, Order: q.Order,
		Class: repeated(c.buffer, classOf(q, none)), OtherClass: repeated(c.buffer, none),
		SmallKnown: none + 1, LargeKnown: none + 2, Kept: none + 3, Places: none + 4, Unknown: 0, Fill: int32(2 * (c.small + large)),
		SmallScale: smallScale, LargeScale: scale, SmallPasses: refiner.Rows(0), LargePasses: refiner.Rows(1),
	}, errors.Join(err, rerr, serr)
}

func square(n int) bool {
	side := int(math.Round(math.Sqrt(float64(n))))
	return side*side == n
}
