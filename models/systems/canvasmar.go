package systems

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.Register(system.Published{
		Name: "canvasmar", Title: "CanvasMAR", Paper: "2510.13669", Kind: "video", Trains: true,
		Tensors: []string{"temporal_proj.weight", "temporal_blocks.0.norm1.weight", "canvas_blocks.0.norm1.weight", "canvas_proj.weight", "encoder_blocks.0.norm1.weight"}, Open: openCanvasMAR,
	})
}

// canvasMAR describes CanvasMAR's network, by the names of MAR's arguments where there is one.
// Its authors publish no names, so the others are ours.
type canvasMAR struct {
	Frames     int     `json:"num_frames"`
	TimeHeads  int     `json:"temporal_num_heads"` // of the canvas too
	TimeDepth  int     `json:"temporal_depth"`
	GuessDepth int     `json:"canvas_depth"`
	Heads      int     `json:"decoder_num_heads"` // of the encoder too
	GuessLoss  float64 `json:"canvas_weight"`
	drawing
	practice

	token, classes, side      int
	time, guess, encode, fill mae
	headWidth, headDepth      int
	bank                      head.Bank
}

// The stages of CanvasMAR.
const (
	canvasClass = iota // keeps the rows of the condition
	canvasFirst        // reads them
	canvasTime         // reads the frame before
	canvasGuess
	canvasKnown
	canvasFill
)

// readCanvasMAR reads a description and the shapes of the tensors.
func readCanvasMAR(config json.RawMessage, w nn.Weights) (*canvasMAR, error) {
	c := &canvasMAR{Frames: 5, TimeDepth: 12, GuessDepth: 4, GuessLoss: 0.1, drawing: drawing{Sets: 12, Guidance: 3, Temperature: 1}, practice: published}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	if w == nil {
		w = c.fresh()
	}
	c.side, _ = c.grid()
	c.token, c.classes = dim(w, "z_proj.weight", 1), dim(w, "class_emb.weight", 0)
	part := func(name string, heads int) mae {
		m := mae{dim(w, "z_proj.weight", 0), blocksOf(w, name+"_blocks.%d.norm1.weight"), heads, dim(w, name+"_blocks.0.mlp.fc1.weight", 0)}
		m.setHeads()
		return m
	}
	c.time, c.guess, c.encode, c.fill = part("temporal", c.TimeHeads), part("canvas", c.TimeHeads), part("encoder", c.Heads), part("decoder", c.Heads)
	c.headWidth, c.headDepth = dim(w, "diffloss.net.input_proj.weight", 0), blocksOf(w, "diffloss.net.res_blocks.%d.in_ln.weight")
	return c, c.check()
}

func (c *canvasMAR) check() error {
	if err := errors.Join(c.drawing.check(), c.practice.check(), c.time.check(), c.guess.check(), c.encode.check(), c.fill.check()); err != nil {
		return err
	}
	switch {
	case !within(c.side, 1, 1<<8) || !within(c.Frames, 1, 1<<8) || !within(c.Buffer, 1, 1<<12) || !within(c.classes, 1, 1<<20) || c.Rewrites != 0:
		return fmt.Errorf("systems: %w: %d frames of %d by %d tokens, %d rows of condition, %d classes, %d rewrites", nn.ErrConfig, c.Frames, c.side, c.side, c.Buffer, c.classes, c.Rewrites)
	case !within(c.token, 1, 1<<12) || !within(c.headWidth, 2, 1<<14) || !within(c.headDepth, 1, 256) || !(c.GuessLoss >= 0 && c.GuessLoss < 1e6):
		return fmt.Errorf("systems: %w: tokens of %d numbers, a head of width %d with %d blocks, guesses of weight %g", nn.ErrConfig, c.token, c.headWidth, c.headDepth, c.GuessLoss)
	}
	return nil
}

// openCanvasMAR opens "CanvasMAR", arXiv:2510.13669. A network reads frame after frame.
// Another guesses the next one in one pass, a blurred canvas. A masked autoencoder fills the
// frame in by random sets, whose unknown tokens start from the canvas. Left out of the
// paper are the noise on the frame before and on the canvas, sets by motion, and guidance by
// two conditions.
func openCanvasMAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readCanvasMAR(config, w)
	if err != nil {
		return nil, err
	}
	p, n := nn.NewParams(), c.side*c.side
	d := c.time.width
	net := c.network(p)
	rows, clip := c.Buffer+n*c.Frames, c.clipOrder()
	return &system.System{
		Name: "canvasmar", Params: p.List(), Token: system.Token{Width: c.token}, Grid: [3]int{c.Frames, c.side, c.side},
		Layout: system.Layout{
			Fixed: 2, Inputs: 1, Axes: 3, Context: max(rows, 2*n), Length: max(rows, 2*n), Group: max(c.Buffer+n, 2*n), Places: clip.Places(), Recalls: 2, State: d,
		},
		Input: net, Trunk: net, Head: net.head,
		Default: c.sampling(), Schedule: c.schedule, Dropout: c.Dropout, Flatten: c.lay,
		Passes: []system.Pass{
			{Runs: []int{canvasClass}, Stage: canvasClass, Rows: c.Buffer},
			{Runs: []int{canvasFirst, canvasTime}, Stage: canvasTime, Rows: rows},
			{Runs: []int{canvasGuess}, Stage: canvasGuess, Rows: n},
			{Runs: []int{canvasKnown}, Stage: canvasKnown, Rows: 2 * n},
			{Runs: []int{canvasFill}, Stage: canvasFill, Rows: 2 * n},
		},
		Practice: c.practise,
	}, nil
}

// canvasNetwork is the input and the trunk, which share how tokens are read.
type canvasNetwork struct {
	table                     *nn.Table
	timeTokens, tokens        *nn.Matrix
	time, guess, encode, fill nn.ViTs
	norms                     map[int]*nn.LayerNorm // by stage
	head                      *head.Canvas
}

// Rows of the table, behind the classes.
const (
	canvasNone  = iota // no class
	canvasStart        // in front of the first frame
	canvasRead         // of a token that the temporal part reads
	canvasToken        // of a token, or of a guess
	canvasPlaces
)

func (c *canvasMAR) network(p nn.Params) *canvasNetwork {
	d, init := c.time.width, nn.Init{Std: 0.02}
	norm := func(name string) *nn.LayerNorm { return p.LayerNorm(d, marEps, name+"_norm") }
	t := &canvasNetwork{
		table: p.Table(d, init, nn.Part{Name: "class_emb.weight", Rows: c.classes}, nn.Part{Name: "fake_latent", Rows: 1}, nn.Part{Name: "start_token", Rows: 1},
			nn.Part{Name: "temporal_proj.bias", Rows: 1}, nn.Part{Name: "z_proj.bias", Rows: 1}, nn.Part{Name: "pos_embed_learned", Rows: c.side * c.side, Ones: 1}),
		timeTokens: p.Matrix(d, c.token, init, "temporal_proj.weight"), tokens: p.Matrix(d, c.token, init, "z_proj.weight"),
		time: c.time.blocks(p, "temporal", thirds(c.time)), guess: c.guess.blocks(p, "canvas", nil), encode: c.encode.blocks(p, "encoder", nil), fill: c.fill.blocks(p, "decoder", nil),
		norms: map[int]*nn.LayerNorm{canvasTime: norm("temporal"), canvasGuess: norm("canvas"), canvasKnown: norm("encoder"), canvasFill: norm("decoder")},
	}
	t.norms[canvasFirst] = t.norms[canvasTime]
	q := p.In("diffloss.net.")
	net := head.NewDenoiser(q, head.DenoiserOptions{Width: c.headWidth, Depth: c.headDepth, Token: c.token, Says: c.token, Condition: d})
	t.head = &head.Canvas{Diffusion: *c.flow(q, net), Matrix: p.Matrix(c.token, d, init, "canvas_proj.weight"), Weight: c.GuessLoss}
	return t
}

// flow makes the denoiser say velocities, in 1 to 50 passes.
func (c *canvasMAR) flow(p nn.Params, net head.Network) *head.Diffusion {
	c.bank = head.Bank{Default: novaPasses, Least: 1, Most: 50}
	all := []head.Schedule{head.ShiftedFlow(novaPasses, 1)}
	for n := c.bank.Least; n <= c.bank.Most; n++ {
		all = append(all, head.ShiftedFlow(n, 1))
	}
	return head.NewDiffusion(p, net, all...).Teach(head.FlowLevels(1000, 1), c.token, c.Lessons)
}

// Record implements system.Input.
func (t *canvasNetwork) Record(g nn.Graph, stage int) *nn.Value {
	x := g.Embed(t.table)
	if stage == canvasClass {
		return x
	}
	x = g.Add(g.Recall(0), x)
	switch stage {
	case canvasFirst, canvasTime:
		return g.Product(g.Numbers(), t.timeTokens, nn.ProductOptions{Add: x})
	case canvasFill:
		guess := t.head.Guessed(g, 1)
		g.Mark("guess", guess)
		return g.Product(guess, t.tokens, nn.ProductOptions{Add: x})
	}
	return g.Product(g.Numbers(), t.tokens, nn.ProductOptions{Add: x})
}

// Forward implements system.Trunk.
func (t *canvasNetwork) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	blocks := map[int]nn.ViTs{canvasFirst: t.time, canvasTime: t.time, canvasGuess: t.guess, canvasKnown: t.encode, canvasFill: t.fill}[g.Stage()]
	x = blocks.Forward(g, x)
	if n := t.norms[g.Stage()]; n != nil {
		x = g.LayerNorm(x, n)
	}
	if g.Stage() != canvasFill {
		g.Keep(x)
	}
	return x
}

// schedule returns the runs of a clip.
func (c *canvasMAR) schedule(q system.Prompt) (system.Schedule, error) {
	f, err := c.clip(q)
	if err != nil {
		return nil, err
	}
	if f.Steps, err = c.setsOf(q, c.classes); err != nil {
		return nil, err
	}
	lo, hi, err := c.bank.Rows(q.Inner[0])
	if err != nil || q.Inner[0] != q.Inner[1] {
		return nil, fmt.Errorf("systems: %w: %v passes", system.ErrPrompt, q.Inner)
	}
	if q.Ramp == "" {
		q.Ramp = c.Ramp
	}
	if f.Scale, err = setRamp(q); err != nil {
		return nil, err
	}
	f.Passes = func(int) (int32, int32) { return lo, hi }
	return f.Schedule()
}

// clipOrder is the order of the longest clip, without its condition.
func (c *canvasMAR) clipOrder() order.Frames {
	first := int32(c.classes)
	return order.Frames{
		T: c.Frames, H: c.side, W: c.side, Prefix: c.Buffer, Block: 1, Canvas: canvasGuess, Axes: true,
		Start: first + canvasStart, Read: first + canvasRead, Token: first + canvasToken, Unknown: first + canvasToken, ReadPlaces: first + canvasPlaces, TokenPlaces: first + canvasPlaces,
		Stages: [4]int{canvasFirst, canvasTime, canvasKnown, canvasFill},
	}
}

// clip is the order of a clip without what only drawing needs.
func (c *canvasMAR) clip(q system.Prompt) (order.Frames, error) {
	f, frame := c.clipOrder(), c.side*c.side*c.token
	if q.Frames != 0 {
		f.T = q.Frames
	}
	f.Known = len(q.Given) / frame
	if !within(f.T, 1, c.Frames) || f.Known >= f.T || f.Known*frame != len(q.Given) {
		return f, fmt.Errorf("systems: %w: %d numbers given of %d frames of %d, up to %d", system.ErrPrompt, len(q.Given), f.T, frame, c.Frames)
	}
	_, err := c.setsOf(q, c.classes)
	f.Order, f.Conditions = q.Order, c.condition(classOf(q, int32(c.classes+canvasNone)))
	return f, err
}

// condition is the run that keeps the rows of a class.
func (c *canvasMAR) condition(class int32) []system.Run {
	rows := func(id int32) (r system.Rows) {
		r.N = c.Buffer
		for i := range r.N {
			r.Fixed, r.Inputs, r.Axes = append(r.Fixed, id, -1), append(r.Inputs, system.Nothing), append(r.Axes, 0, 0, 0)
			r.Slot, r.KVLen, r.Keep = append(r.Slot, -1), append(r.KVLen, 0), append(r.Keep, int32(i))
		}
		return r
	}
	other := rows(int32(c.classes + canvasNone))
	return []system.Run{{Rows: rows(class), Other: &other, Group: c.Buffer, Stage: canvasClass}}
}

// fresh are the shapes of a network that is to be trained, as far as they tell sizes.
func (c *canvasMAR) fresh() nn.Weights {
	_, token := c.practice.grid()
	d := c.DecoderWidth
	s := shapesOf{"z_proj.weight": {d, token}, "class_emb.weight": {c.Classes, d}, "diffloss.net.input_proj.weight": {c.HeadWidth, token}}
	for name, depth := range map[string]int{"temporal": c.TimeDepth, "canvas": c.GuessDepth, "encoder": c.EncoderDepth, "decoder": c.DecoderDepth} {
		s.count(name+"_blocks.%d.norm1.weight", depth)
		s[name+"_blocks.0.mlp.fc1.weight"] = []int{c.wide(d), d}
	}
	s.count("diffloss.net.res_blocks.%d.in_ln.weight", c.HeadDepth)
	return s
}

// lay lays out the tokens of a clip. Metadata "class" has its class.
func (c *canvasMAR) lay(s shard.Sample) (p system.Prompt, tokens []uint32, err error) {
	return classedClip(s, [3]int{c.Frames, c.side, c.side}, c.token)
}

// practise returns a lesson of one frame.
func (c *canvasMAR) practise(q system.Prompt, word func(uint32) uint32) (system.Schedule, error) {
	f, err := c.clip(q)
	if err != nil {
		return nil, err
	}
	var frame, unknown int
	f.Order, frame, unknown = frameLesson(f.T, c.side*c.side, c.Least, word)
	return f.Lesson(frame, unknown)
}
