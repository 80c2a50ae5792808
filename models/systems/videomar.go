package systems

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.Register(system.Published{
		Name: "videomar", Title: "VideoMAR", Paper: "2506.14168", Kind: "video", Trains: true,
		Tensors: []string{"class_emb.weight", "mask_token", "frame_blocks.0.norm1.weight", "frame_norm.weight", "diffloss.net.time_embed.mlp.0.weight"}, Open: openVideoMAR,
	})
}

// videoMAR describes VideoMAR's network, by the names of MAR's arguments where there is one.
// Its authors publish no names of tensors, so those of the trunk are ours.
type videoMAR struct {
	Heads         int     `json:"decoder_num_heads"`
	SamplingSteps string  `json:"num_sampling_steps"`
	Frames        int     `json:"num_frames"`
	Last          float64 `json:"last_temperature"` // that frames come down to; a name of ours
	drawing
	practice

	token, classes, side int
	mae
	headWidth, headDepth int
	passes               int // of a token
}

// readVideoMAR reads a description and the shapes of the tensors.
func readVideoMAR(config json.RawMessage, w nn.Weights) (*videoMAR, error) {
	c := &videoMAR{SamplingSteps: "100", Frames: 7, Last: 0.9, drawing: drawing{Sets: marSets, Guidance: 3, Temperature: 1}, practice: published}
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
	c.mae = mae{dim(w, "z_proj.weight", 0), blocksOf(w, "frame_blocks.%d.norm1.weight"), c.Heads, dim(w, "frame_blocks.0.mlp.fc1.weight", 0)}
	c.mae.setHeads()
	c.headWidth, c.headDepth = dim(w, "diffloss.net.input_proj.weight", 0), blocksOf(w, "diffloss.net.res_blocks.%d.in_ln.weight")
	return c, c.check()
}

func (c *videoMAR) check() error {
	if err := errors.Join(c.drawing.check(), c.practice.check(), c.mae.check()); err != nil {
		return err
	}
	switch {
	case !within(c.side, 1, 1<<8) || !within(c.Frames, 1, 1<<8) || !within(c.Buffer, 1, 1<<12) || !within(c.classes, 1, 1<<20) || c.Rewrites != 0:
		return fmt.Errorf("systems: %w: %d frames of %d by %d tokens, %d rows of condition, %d classes, %d rewrites", nn.ErrConfig, c.Frames, c.side, c.side, c.Buffer, c.classes, c.Rewrites)
	case !within(c.token, 1, 1<<12) || !within(c.headWidth, 2, 1<<14) || !within(c.headDepth, 1, 256):
		return fmt.Errorf("systems: %w: tokens of %d numbers, a head of width %d with %d blocks, attention of width %d with %d heads", nn.ErrConfig, c.token, c.headWidth, c.headDepth, c.width, c.heads)
	case !(c.Last >= 0 && c.Last <= 1):
		return fmt.Errorf("systems: %w: a last temperature of %g", nn.ErrConfig, c.Last)
	}
	return nil
}

// openVideoMAR opens "VideoMAR: Autoregressive Video Generation with Continuous Tokens",
// arXiv:2506.14168. One network reads frame after frame, and fills a frame in by random sets
// of tokens of real numbers, which a small network denoises. Later frames are drawn at a
// lower temperature. Here the condition beside given frames is a class.
func openVideoMAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readVideoMAR(config, w)
	if err != nil {
		return nil, err
	}
	p, init := nn.NewParams(), nn.Init{Std: 0.02}
	in := input.Masked{
		Known: p.Table(c.width, init, nn.Part{Name: "class_emb.weight", Rows: c.classes}, nn.Part{Name: "fake_latent", Rows: 1},
			nn.Part{Name: "z_proj.bias", Rows: 1}, nn.Part{Name: "mask_token", Rows: 1, Ones: 1}),
		Numbers: p.Matrix(c.width, c.token, init, "z_proj.weight"),
		Norm:    p.LayerNorm(c.width, marEps, "z_proj_ln"),
	}
	trunk := earTrunk{c.blocks(p, "frame", thirds(c.mae)), p.LayerNorm(c.width, marEps, "frame_norm")}
	refiner, err := c.head(p.In("diffloss.net."))
	if err != nil {
		return nil, err
	}
	n := c.side * c.side
	rows := c.Buffer + c.Frames*n
	return &system.System{
		Name: "videomar", Params: p.List(), Token: system.Token{Width: c.token}, Grid: [3]int{c.Frames, c.side, c.side},
		Layout: system.Layout{Fixed: 1, Inputs: 1, Axes: 3, Context: rows, Length: rows, Group: n + max(n, c.Buffer)},
		Input:  in, Trunk: trunk, Head: refiner, Default: c.sampling(), Schedule: c.schedule, Dropout: c.Dropout, Flatten: c.lay,
		Passes: []system.Pass{{Runs: []int{0}, Rows: rows}}, Practice: c.practise,
	}, nil
}

// thirds turns a third of a head's pairs each by frame, row and column. What is left is the
// frame's.
func thirds(m mae) *nn.Rope {
	pairs := m.width / m.heads / 2
	return &nn.Rope{Pairs: []int{pairs - 2*(pairs/3), pairs / 3, pairs / 3}, Theta: 10000}
}

// head declares the denoiser, with a schedule for every frame: at temperature
// last + (1 - last)·10⁻ᵗ, which for 0.9 is the paper's 0.9 + 10⁻⁽ᵗ⁺¹⁾.
func (c *videoMAR) head(p nn.Params) (*head.Diffusion, error) {
	net := head.NewDenoiser(p, head.DenoiserOptions{Width: c.headWidth, Depth: c.headDepth, Token: c.token, Says: 2 * c.token, Condition: c.width})
	betas := head.CosineBetas(1000)
	kept, err := head.Spacing(len(betas), c.SamplingSteps)
	if err != nil {
		return nil, err
	}
	c.passes = len(kept)
	var all []head.Schedule
	for t := range c.Frames {
		all = append(all, head.Ancestral(betas, kept).Heated(c.Last+(1-c.Last)*math.Pow(10, -float64(t))))
	}
	return head.NewDiffusion(p, net, all...).Teach(head.NoiseLevels(betas), c.token, c.Lessons), nil
}

// schedule returns the runs of a clip.
func (c *videoMAR) schedule(q system.Prompt) (system.Schedule, error) {
	o, err := c.clip(q)
	if err != nil {
		return nil, err
	}
	if o.Steps, err = c.setsOf(q, c.classes); err != nil {
		return nil, err
	}
	if q.Inner != [2]int{} {
		return nil, fmt.Errorf("systems: %w: %v passes, the model has %d", system.ErrPrompt, q.Inner, c.passes)
	}
	o.Scale, err = c.ramp(q, c.side*c.side)
	o.Passes = func(frame, _ int) (int32, int32) { return int32(frame * c.passes), int32((frame + 1) * c.passes) }
	if err != nil {
		return nil, err
	}
	return o.Schedule()
}

// clip is the order of a clip without what only drawing needs.
func (c *videoMAR) clip(q system.Prompt) (order.Causal, error) {
	frames, token := q.Frames, c.side*c.side*c.token
	if frames == 0 {
		frames = c.Frames
	}
	known := len(q.Given) / token
	if !within(frames, 1, c.Frames) || known >= frames || known*token != len(q.Given) {
		return order.Causal{}, fmt.Errorf("systems: %w: %d numbers given of %d frames of %d, up to %d", system.ErrPrompt, len(q.Given), frames, token, c.Frames)
	}
	none := int32(c.classes)
	_, err := c.setsOf(q, c.classes)
	return order.Causal{
		T: frames, H: c.side, W: c.side, Known: known, Order: q.Order, Class: repeated(c.Buffer, classOf(q, none)), OtherClass: repeated(c.Buffer, none),
		Token: none + 1, Unknown: none + 2,
	}, err
}

// fresh are the shapes of a network that is to be trained, as far as they tell sizes.
func (c *videoMAR) fresh() nn.Weights {
	_, token := c.practice.grid()
	s := shapesOf{
		"z_proj.weight": {c.DecoderWidth, token}, "class_emb.weight": {c.Classes, c.DecoderWidth}, "frame_blocks.0.mlp.fc1.weight": {c.wide(c.DecoderWidth), c.DecoderWidth},
		"diffloss.net.input_proj.weight": {c.HeadWidth, token},
	}
	s.count("frame_blocks.%d.norm1.weight", c.DecoderDepth)
	s.count("diffloss.net.res_blocks.%d.in_ln.weight", c.HeadDepth)
	return s
}

// lay lays out the tokens of a clip. Metadata "class" has its class.
func (c *videoMAR) lay(s shard.Sample) (p system.Prompt, tokens []uint32, err error) {
	return classedClip(s, [3]int{c.Frames, c.side, c.side}, c.token)
}

// practise returns a lesson: one frame, whose first tokens in a random order are unknown. The
// frames before it are known.
func (c *videoMAR) practise(q system.Prompt, word func(uint32) uint32) (system.Schedule, error) {
	o, err := c.clip(q)
	if err != nil {
		return nil, err
	}
	var frame, unknown int
	o.Order, frame, unknown = frameLesson(o.T, c.side*c.side, c.Least, word)
	return o.Lesson(frame, unknown)
}
