package systems

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.Register(system.Published{
		Name: "far-frequency", Title: "FAR, frequencies", Paper: "2503.05305", Kind: "image",
		Tensors: []string{"class_emb.weight", "z_proj_ln.weight", "mask_token", "diffusion_pos_embed_learned", "diffloss.net.time_embed.mlp.0.weight", levelTensor}, Open: openFrequency,
	})
}

const levelTensor = "diffloss.net.index_cond_embed.weight"

// frequency is MAR's description, with levels of frequencies.
type frequency struct {
	mar
	Levels []int `json:"levels"` // side of the map that each step starts from, 0 of the first; a name of ours
}

// openFrequency opens "Frequency Autoregressive Image Generation with Continuous Tokens",
// arXiv:2503.05305. Every step predicts the whole picture, from the low frequencies of the
// last one. The network is MAR's, with all positions in both parts.
func openFrequency(config json.RawMessage, w nn.Weights) (*system.System, error) {
	m, err := readMAR(config, w)
	if err != nil {
		return nil, err
	}
	c := &frequency{mar: *m}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	if c.Levels == nil {
		c.Levels = []int{0, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	}
	if len(c.Levels) < 1 || len(c.Levels) > 64 || c.Levels[0] != 0 {
		return nil, fmt.Errorf("systems: %w: levels %v", nn.ErrConfig, c.Levels)
	}
	for _, side := range c.Levels[1:] {
		if !within(side, 1, c.side) {
			return nil, fmt.Errorf("systems: %w: levels %v of a picture of %d", nn.ErrConfig, c.Levels, c.side)
		}
	}
	p := nn.NewParams()
	n, rows := c.side*c.side, c.buffer+c.side*c.side
	in := input.Filtered{
		Side: c.side, Behind: c.buffer, Sides: c.Levels, Numbers: p.Matrix(c.enc.width, c.token, varInit, "z_proj.weight"), Norm: p.LayerNorm(c.enc.width, marEps, "z_proj_ln"),
		Table: p.Table(c.enc.width, varInit, nn.Part{Name: "encoder_pos_embed_learned", Rows: rows}, nn.Part{Name: "z_proj.bias", Rows: 1},
			nn.Part{Name: "class_emb.weight", Rows: c.classes}, nn.Part{Name: "fake_latent", Rows: 1}),
	}
	trunk := &frequencyTrunk{marTrunk: c.trunk(p, n), fill: p.Table(c.dec.width, varInit, nn.Part{Name: "decoder_pos_embed_learned", Rows: rows})}
	refiner, each, err := c.levels(p.In("diffloss.net."))
	if err != nil {
		return nil, err
	}
	return &system.System{
		Name: "far-frequency", Params: p.List(), Token: system.Token{Width: c.token}, Grid: [3]int{1, c.side, c.side},
		Layout: system.Layout{Fixed: 2, Inputs: 1, Axes: 1, Context: rows, Length: max(rows, len(c.Levels)*n), Group: rows},
		Input:  in, Trunk: trunk, Head: refiner, Default: c.sampling(),
		Schedule: func(q system.Prompt) (system.Schedule, error) { return c.runs(q, each) },
	}, nil
}

// levels declares the head, with a schedule of passes for every level. Later levels have
// warmer noise. It also returns the number of passes of a level.
func (c *frequency) levels(p nn.Params) (system.Refiner, int32, error) {
	betas := head.CosineBetas(1000)
	kept, err := head.Spacing(len(betas), c.SamplingSteps)
	if err != nil {
		return nil, 0, err
	}
	var schedules []head.Schedule
	for k := range c.Levels {
		s := head.Ancestral(betas, kept)
		for i := range s.Passes {
			s.Passes[i].Noise *= 0.8 + 0.2*(1-math.Cos(math.Pi/2*float64(k+1)/float64(len(c.Levels))))
		}
		schedules = append(schedules, s)
	}
	net := head.NewDenoiser(p, head.DenoiserOptions{Width: c.headWidth, Depth: c.headDepth, Token: c.token, Says: 2 * c.token, Condition: c.dec.width})
	return head.NewDiffusion(p, head.NewLeveled(p, net, c.Levels), schedules...), int32(len(kept)), nil
}

// frequencyTrunk is both parts of MAR's network, one behind the other.
type frequencyTrunk struct {
	*marTrunk
	fill *nn.Table // places of the second part
}

// Forward implements system.Trunk.
func (t *frequencyTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	x = g.LayerNorm(t.encoder.Forward(g, x), t.encoderNorm)
	x = t.embed.Forward(g, x, nn.ProductOptions{Add: g.Embed(t.fill)})
	x = g.LayerNorm(t.decoder.Forward(g, x), t.decoderNorm)
	g.Mark("decoder.norm", x)
	return g.Add(x, g.Place(t.place))
}

// runs returns the runs of a class; -1 is none.
func (c *frequency) runs(q system.Prompt, each int32) (system.Schedule, error) {
	steps := len(c.Levels)
	if _, err := c.setsOf(q, c.classes); err != nil {
		return nil, err
	}
	if q.Steps != 0 && q.Steps != steps || q.Order != nil || q.Inner != [2]int{} {
		return nil, fmt.Errorf("systems: %w: %d levels of %d passes", system.ErrPrompt, steps, each)
	}
	if _, err := c.ramp(q, 1); err != nil {
		return nil, err
	}
	n := c.side * c.side
	bias := int32(c.buffer + n)
	none := bias + 1 + int32(c.classes)
	class := none
	if q.Class >= 0 {
		class = bias + 1 + int32(q.Class)
	}
	b := order.Bands{
		N: n, Levels: steps, Class: repeated(c.buffer, class), OtherClass: repeated(c.buffer, none), Bias: bias,
		Passes: func(level int) (lo, hi int32) { return int32(level) * each, int32(level+1) * each },
	}
	if q.Ramp != system.Constant {
		b.Scale = func(level int) float32 { return 1 + (max(q.Guidance, 1)-1)*float32(level)/float32(steps) }
	}
	return b.Schedule(), nil
}
