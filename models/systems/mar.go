package systems

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/morton-gen/morton/gpu/ops/attention"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.Register(system.Published{
		Name: "mar", Title: "MAR", Paper: "2406.11838", Kind: "image", Trains: true,
		Tensors: []string{"class_emb.weight", "z_proj_ln.weight", "mask_token", "diffusion_pos_embed_learned", "diffloss.net.time_embed.mlp.0.weight"}, Open: openMAR,
	})
}

// mar describes MAR's network. The names are those of upstream's arguments. What a
// description lacks comes from the shapes of the tensors.
type mar struct {
	EncoderHeads  int    `json:"encoder_num_heads"`
	DecoderHeads  int    `json:"decoder_num_heads"`
	SamplingSteps string `json:"num_sampling_steps"`
	Inner         [2]int `json:"inner_steps"` // passes of the first and of the last set; a name of ours
	Sparse        sparse `json:"sparse"`      // attention of the decoder; a name of ours
	drawing
	practice

	token, classes, buffer, side int
	enc, dec                     mae
	headWidth, headDepth         int
	shortcut                     bool // the head takes a few long steps
	bank                         head.Bank
}

// sparse describes attention to some blocks of keys, by names of ours. Without Keep there
// is none.
//
// Source: Wang et al., "SparseD: Sparse Attention for Diffusion Language Models", 2025,
// arXiv:2509.24014: whole attention in the first fifth of the steps, and then to the blocks
// that had the most of it, the same ones to the end.
type sparse struct {
	Whole float64 `json:"whole"` // share of the steps that see everything
	Keep  float64 `json:"keep"`  // share of the blocks that are seen then
	Block int     `json:"block"` // rows of a block
}

func (s sparse) check() error {
	if s != (sparse{}) && (!(s.Whole >= 0 && s.Whole <= 1) || !(s.Keep > 0 && s.Keep <= 1) || !within(s.Block, 1, 1<<12)) {
		return fmt.Errorf("systems: %w: sparse attention %+v", nn.ErrConfig, s)
	}
	return nil
}

// layout is that of rows behind a condition of so many.
func (s sparse) layout(condition int) *system.Sparse {
	if s.Keep == 0 {
		return nil
	}
	return &system.Sparse{Selection: attention.Selection{Keep: s.Keep, Prefix: condition}, Block: s.Block}
}

// mae has the sizes of one part of a masked autoencoder.
type mae struct{ width, depth, heads, hidden int }

const marEps = 1e-6

// readMAR reads a description and the shapes of the tensors.
func readMAR(config json.RawMessage, w nn.Weights) (*mar, error) {
	c := &mar{SamplingSteps: "100", drawing: drawing{Sets: marSets, Guidance: 3, Temperature: 1}, practice: published}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	if w == nil {
		w = c.fresh()
	}
	dim := func(name string, axis int) int { return dim(w, name, axis) }
	cells := dim("diffusion_pos_embed_learned", 1)
	c.token, c.classes, c.side = dim("z_proj.weight", 1), dim("class_emb.weight", 0), int(math.Round(math.Sqrt(float64(cells))))
	c.buffer = dim("encoder_pos_embed_learned", 1) - cells
	c.enc = mae{dim("z_proj.weight", 0), blocksOf(w, "encoder_blocks.%d.norm1.weight"), c.EncoderHeads, dim("encoder_blocks.0.mlp.fc1.weight", 0)}
	c.dec = mae{dim("mask_token", 2), blocksOf(w, "decoder_blocks.%d.norm1.weight"), c.DecoderHeads, dim("decoder_blocks.0.mlp.fc1.weight", 0)}
	c.headWidth, c.headDepth = dim("diffloss.net.input_proj.weight", 0), blocksOf(w, "diffloss.net.res_blocks.%d.in_ln.weight")
	_, c.shortcut = w.Shape("diffloss.net.step_embed.mlp.0.weight")
	c.enc.setHeads()
	c.dec.setHeads()
	return c, c.check(cells)
}

// setHeads takes the heads of the published widths, where a description lacks them.
func (m *mae) setHeads() {
	if m.heads == 0 {
		m.heads = map[int]int{768: 12, 1024: 16, 1280: 16}[m.width]
	}
}

func (m mae) check() error {
	if !within(m.width, 2, 1<<14) || !within(m.depth, 1, 256) || !within(m.hidden, 2, 1<<17) || m.heads < 1 || m.width%(2*m.heads) != 0 {
		return fmt.Errorf("systems: %w: width %d, %d heads, %d blocks, hidden width %d", nn.ErrConfig, m.width, m.heads, m.depth, m.hidden)
	}
	return nil
}

func within(x, lo, hi int) bool { return x >= lo && x <= hi }

// dim returns an extent of a tensor, 0 if there is none.
func dim(w nn.Weights, name string, axis int) int {
	if shape, ok := w.Shape(name); ok && axis < len(shape) {
		return shape[axis]
	}
	return 0
}

// blocksOf counts blocks by a tensor that each has.
func blocksOf(w nn.Weights, name string) (n int) {
	for ; ; n++ {
		if _, ok := w.Shape(fmt.Sprintf(name, n)); !ok {
			return n
		}
	}
}

func (c *mar) check(cells int) error {
	in := within
	if err := errors.Join(c.drawing.check(), c.practice.check(), c.Sparse.check()); err != nil {
		return err
	}
	for _, m := range []mae{c.enc, c.dec} {
		if err := m.check(); err != nil {
			return err
		}
	}
	switch {
	case !in(cells, 1, 1<<16) || c.side*c.side != cells || !in(c.buffer, 1, 1<<12) || !in(c.classes, 1, 1<<20):
		return fmt.Errorf("systems: %w: %d tokens, %d rows of condition, %d classes", nn.ErrConfig, cells, c.buffer, c.classes)
	case !in(c.token, 1, 1<<12) || !in(c.Patch, 1, 64) || c.token%(c.Patch*c.Patch) != 0:
		return fmt.Errorf("systems: %w: tokens of %d numbers in patches of %d", nn.ErrConfig, c.token, c.Patch)
	case !in(c.headWidth, 2, 1<<14) || !in(c.headDepth, 1, 256):
		return fmt.Errorf("systems: %w: a head of width %d with %d blocks", nn.ErrConfig, c.headWidth, c.headDepth)
	}
	return nil
}

// openMAR opens "Autoregressive Image Generation without Vector Quantization",
// arXiv:2406.11838. A masked autoencoder predicts tokens of real numbers in random sets,
// and a small network denoises each.
func openMAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readMAR(config, w)
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	n, rows := c.side*c.side, c.buffer+c.side*c.side
	in := c.input(p, rows)
	trunk := c.trunk(p, n)
	refiner, err := c.head(p.In("diffloss.net."))
	if err != nil {
		return nil, err
	}
	if _, err := c.passes(c.Inner, c.Sets); err != nil {
		return nil, fmt.Errorf("systems: %w: inner_steps %v", nn.ErrConfig, c.Inner)
	}
	return &system.System{
		Name: "mar", Params: p.List(), Token: system.Token{Width: c.token}, Grid: [3]int{1, c.side, c.side},
		Layout: system.Layout{
			Fixed: 2, Inputs: 1, Axes: 1, Context: rows, Length: rows, Group: rows, Places: rows, State: c.dec.width, Sparse: c.Sparse.layout(c.buffer),
		},
		Input: in, Trunk: trunk, Head: refiner,
		Default: c.sampling(), Schedule: c.schedule, Drafts: !c.shortcut, Dropout: c.Dropout, Flatten: c.lay(c.side, c.token),
		Passes: []system.Pass{{Runs: []int{0}, Rows: rows}, {Runs: []int{input.FillStage}, Stage: input.FillStage, Rows: rows}},
		Practice: func(q system.Prompt, word func(uint32) uint32) (system.Schedule, error) {
			m, err := c.masked(q)
			if err != nil {
				return nil, err
			}
			return c.practise(m, word)
		},
	}, nil
}

// input declares both tables: of the condition, a token's bias and places, and of the
// unknown token and places.
func (c *mar) input(p nn.Params, rows int) input.Masked {
	init := nn.Init{Std: 0.02}
	return input.Masked{
		Known: p.Table(c.enc.width, init, nn.Part{Name: "class_emb.weight", Rows: c.classes}, nn.Part{Name: "fake_latent", Rows: 1},
			nn.Part{Name: "z_proj.bias", Rows: 1}, nn.Part{Name: "encoder_pos_embed_learned", Rows: rows, Ones: 1}),
		Numbers: p.Matrix(c.enc.width, c.token, init, "z_proj.weight"),
		Norm:    p.LayerNorm(c.enc.width, marEps, "z_proj_ln"),
		Fill:    p.Table(c.dec.width, init, nn.Part{Name: "mask_token", Rows: 1, Ones: 1}, nn.Part{Name: "decoder_pos_embed_learned", Rows: rows, Ones: 1}),
	}
}

// marTrunk is an encoder of what is known, and a decoder of all positions.
type marTrunk struct {
	encoder, decoder         nn.ViTs
	encoderNorm, decoderNorm *nn.LayerNorm
	embed                    *nn.Linear
	place                    *nn.Table
}

func (c *mar) trunk(p nn.Params, n int) *marTrunk {
	t := &marTrunk{encoder: c.enc.blocks(p, "encoder", nil), encoderNorm: p.LayerNorm(c.enc.width, marEps, "encoder_norm")}
	t.embed = p.Linear(c.dec.width, c.enc.width, nn.Init{Std: 0.02}, "decoder_embed")
	t.decoder, t.decoderNorm = c.dec.blocks(p, "decoder", nil), p.LayerNorm(c.dec.width, marEps, "decoder_norm")
	t.place = p.Table(c.dec.width, nn.Init{Std: 0.02}, nn.Part{Name: "diffusion_pos_embed_learned", Rows: n, Ones: 1})
	return t
}

func (m mae) blocks(p nn.Params, part string, rope *nn.Rope) (s nn.ViTs) {
	for i := range m.depth {
		s = append(s, p.In("%s_blocks.%d.", part, i).ViT(fmt.Sprint(part, i), nn.ViTOptions{
			Width: m.width, Heads: m.heads, Hidden: m.hidden, Eps: marEps, Rope: rope, Init: nn.Init{Std: 0.02},
		}))
	}
	return s
}

// Forward implements system.Trunk.
func (t *marTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	if g.Stage() == input.FillStage {
		x = g.LayerNorm(t.decoder.Forward(g, x), t.decoderNorm)
		g.Mark("decoder.norm", x)
		return g.Add(x, g.Place(t.place))
	}
	x = g.LayerNorm(t.encoder.Forward(g, x), t.encoderNorm)
	g.Mark("encoder.norm", x)
	x = t.embed.Forward(g, x, nn.ProductOptions{})
	g.Mark("embed", x)
	g.Keep(x)
	return x
}

// head declares the head, with a table of the description's schedule and of others, see
// [head.Bank]. A head that is told the length of a step is FAR's.
func (c *mar) head(p nn.Params) (system.Refiner, error) {
	o := head.DenoiserOptions{Width: c.headWidth, Depth: c.headDepth, Token: c.token, Says: 2 * c.token, Condition: c.dec.width}
	if c.shortcut {
		o.Says = c.token
	}
	net := head.NewDenoiser(p, o)
	first, others, err := c.schedules()
	if err != nil {
		return nil, err
	}
	all := append([]head.Schedule{first}, others...)
	if c.shortcut {
		s := head.NewShortcut(p, net, all...)
		s.Teach(nil, c.token, c.Lessons)
		return s, nil
	}
	return head.NewDiffusion(p, net, all...).Teach(head.NoiseLevels(head.CosineBetas(1000)), c.token, c.Lessons), nil
}

// shortcutSteps is the number of passes of a shortcut head by default.
const shortcutSteps = 8

// schedules returns the schedule of the description, and those that a prompt may ask for. Steps of one
// stride, as ddim asks for, leave out the last of the diffusion, at which an error of the
// noise grows the most: a network that was trained little needs that.
func (c *mar) schedules() (first head.Schedule, others []head.Schedule, err error) {
	if c.shortcut {
		c.bank = head.Bank{Default: shortcutSteps, Least: 1, Most: 50}
		for n := 1; n <= c.bank.Most; n++ {
			others = append(others, head.Flow(n))
		}
		return head.Flow(shortcutSteps), others, nil
	}
	betas := head.CosineBetas(1000)
	kept, err := head.Spacing(len(betas), c.SamplingSteps)
	if err != nil {
		return first, nil, err
	}
	c.bank = head.Bank{Default: len(kept), Least: 2, Most: 50}
	for n := c.bank.Least; n <= c.bank.Most; n++ {
		some := head.Leading(len(betas), n)
		if !strings.HasPrefix(c.SamplingSteps, "ddim") {
			if some, err = head.Spacing(len(betas), fmt.Sprint(n)); err != nil {
				return first, nil, err
			}
		}
		others = append(others, head.Ancestral(betas, some))
	}
	return head.Ancestral(betas, kept), others, nil
}

// marSets is the number of sets by default. Upstream evaluates with 256, too.
const marSets = 64

// drawing says how a system draws where a request leaves it open, by the names of
// upstream's arguments.
type drawing struct {
	Sets        int         `json:"num_iter"`
	Guidance    float64     `json:"cfg"`
	Ramp        system.Ramp `json:"cfg_schedule"`
	Temperature float64     `json:"temperature"`
	Rewrites    int         `json:"rewrites"` // sets that are predicted once more at the end; a name of ours
}

func (d drawing) check() error {
	if !within(d.Sets, 1, 1<<16) || !within(d.Rewrites, 0, 1<<16) || !(d.Guidance >= 0 && d.Guidance < 1e6) || !(d.Temperature >= 0 && d.Temperature < 1e6) || d.Ramp != "" && d.Ramp != system.Linear && d.Ramp != system.Constant {
		return fmt.Errorf("systems: %w: %d sets, guidance %g, %q, temperature %g", nn.ErrConfig, d.Sets, d.Guidance, d.Ramp, d.Temperature)
	}
	return nil
}

// sampling are the defaults that commands know.
func (d drawing) sampling() system.Sampling {
	return system.Sampling{Temperature: d.Temperature, Guidance: d.Guidance}
}

// schedule returns the runs of a class; -1 is none.
func (c *mar) schedule(q system.Prompt) (system.Schedule, error) {
	n := c.side * c.side
	steps, err := c.setsOf(q, c.classes)
	if err != nil {
		return nil, err
	}
	if q.Inner == [2]int{} {
		q.Inner = c.Inner
	}
	passes, err := c.passes(q.Inner, steps)
	if err != nil {
		return nil, err
	}
	scale, err := c.ramp(q, n)
	if err != nil {
		return nil, err
	}
	m, err := c.masked(q)
	m.Steps, m.Scale, m.Passes, m.Rewrites, m.Ahead = steps, scale, passes, c.Rewrites, q.Ahead
	m.Sparse, m.Whole = c.Sparse.Keep > 0, c.Sparse.Whole
	if err != nil {
		return nil, err
	}
	return m.Schedule()
}

// masked is the order of a class without what only drawing needs.
func (c *mar) masked(q system.Prompt) (order.Masked, error) {
	none := int32(c.classes)
	_, err := c.setsOf(q, c.classes)
	return order.Masked{
		N: c.side * c.side, Order: q.Order, Class: repeated(c.buffer, classOf(q, none)), OtherClass: repeated(c.buffer, none),
		Known: none + 1, Places: none + 2, Unknown: 0, Fill: 1, Stage: input.FillStage,
	}, err
}

// fresh are the shapes of a network that is to be trained, as far as they tell sizes.
func (c *mar) fresh() nn.Weights {
	side, token := c.grid()
	cells, enc, dec := side*side, c.EncoderWidth, c.DecoderWidth
	s := shapesOf{
		"diffusion_pos_embed_learned": {1, cells, dec}, "encoder_pos_embed_learned": {1, c.Buffer + cells, enc}, "z_proj.weight": {enc, token},
		"class_emb.weight": {c.Classes, enc}, "encoder_blocks.0.mlp.fc1.weight": {c.wide(enc), enc}, "decoder_blocks.0.mlp.fc1.weight": {c.wide(dec), dec},
		"mask_token": {1, 1, dec}, "diffloss.net.input_proj.weight": {c.HeadWidth, token},
	}
	s.count("encoder_blocks.%d.norm1.weight", c.EncoderDepth)
	s.count("decoder_blocks.%d.norm1.weight", c.DecoderDepth)
	s.count("diffloss.net.res_blocks.%d.in_ln.weight", c.HeadDepth)
	if c.Shortcut {
		s["diffloss.net.step_embed.mlp.0.weight"] = nil
	}
	return s
}

// setsOf returns the number of sets that a prompt asks for, and checks the rest of it.
func (d drawing) setsOf(q system.Prompt, classes int) (int, error) {
	steps := q.Steps
	if steps == 0 {
		steps = d.Sets
	}
	if steps < 1 || steps > 1<<16 {
		return 0, fmt.Errorf("systems: %w: %d steps", system.ErrPrompt, steps)
	}
	return steps, checkClass(q, -1, classes)
}

// classOf returns the row of a prompt's class, or that of none.
func classOf(q system.Prompt, none int32) int32 {
	if q.Class < 0 {
		return none
	}
	return int32(q.Class)
}

func repeated(n int, id int32) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = id
	}
	return out
}

// ramp returns the scale of guidance by the number of tokens that stay unknown.
func (d drawing) ramp(q system.Prompt, n int) (func(left int) float32, error) {
	if q.Ramp == "" {
		q.Ramp = d.Ramp
	}
	switch q.Ramp {
	case system.Constant:
		return nil, nil
	case system.Linear, "":
		return func(left int) float32 {
			if q.Guidance <= 1 {
				return 1
			}
			return 1 + (q.Guidance-1)*float32(n-max(left, 1))/float32(n)
		}, nil
	}
	return nil, fmt.Errorf("systems: %w: guidance ramp %q", system.ErrPrompt, q.Ramp)
}

// passes returns the rows of the head's table by step. Between the first and the last
// step the number of passes falls evenly.
//
// Source: Zhao et al., "DiSA: Diffusion Step Annealing in Autoregressive Image
// Generation", 2025, arXiv:2505.20297.
func (c *mar) passes(inner [2]int, steps int) (func(step int) (lo, hi int32), error) {
	for _, n := range inner {
		if _, _, err := c.bank.Rows(n); err != nil || (inner[0] == 0) != (inner[1] == 0) {
			return nil, fmt.Errorf("systems: %w: from %d to %d passes", system.ErrPrompt, inner[0], inner[1])
		}
	}
	return func(step int) (lo, hi int32) {
		lo, hi, _ = c.bank.Rows(annealed(inner[0], inner[1], step, steps)) // checked above
		return lo, hi
	}, nil
}

// annealed returns the number of passes of a step.
func annealed(first, last, step, steps int) int {
	if steps < 2 {
		return first
	}
	return last + (steps-1-step)*(first-last)/(steps-1)
}
