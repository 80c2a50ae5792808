package systems

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/star"
)

func init() {
	system.Register(system.Published{
		Name: "infinitystar", Title: "InfinityStar", Paper: "2511.04675", Kind: "video",
		Tensors: []string{"block_chunks.0.module.0.attn.q_norm.weight", "semantic_head2.weight", "norm_hidden_sates.weight", "text_proj.weight", "cfg_uncond"},
		Open:    openInfinityStar,
	})
}

// infinityStar describes InfinityStar's network, by the names of upstream's arguments. What
// it lacks comes from the shapes of the tensors.
type infinityStar struct {
	Size     string   `json:"pn"`                     // of the published ones, where there is no Schedule
	Frames   int      `json:"video_frames"`           // of pixels, at most
	Clip     int      `json:"frames_inner_clip"`      // of features
	Compress int      `json:"temporal_compress_rate"` // frames of pixels to one of features
	Schedule [][3]int `json:"scale_schedule"`         // frames, rows and columns of the scales of all pyramids
	Image    passes   `json:"image_scale_repetition"`
	Video    passes   `json:"video_scale_repetition"`
	Fine     int      `json:"detail_scale_min_tokens"`
	Semantic int      `json:"semantic_scales"`
	TauImage float32  `json:"tau_image"`
	TauVideo float32  `json:"tau_video"`
	Guidance float64  `json:"cfg"`
	APG      flag     `json:"use_apg"`
	Limit    float32  `json:"apg_norm_threshold"`

	pyramids star.Pyramids
	frames   int // of features, at most
	blocks   []string
	stages   int // of a pyramid, at most

	width, heads, keys, dim, hidden, text int
	none                                  []float32 // features of no text, a row for each of a text at most
}

// passes are the passes of each scale: a list, or a list in quotes as upstream has it.
type passes []int

// UnmarshalJSON implements json.Unmarshaler.
func (p *passes) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		data = []byte(text)
	}
	return json.Unmarshal(data, (*[]int)(p))
}

// flag is true, false, 1 or 0.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(data []byte) error {
	var n int
	if json.Unmarshal(data, &n) == nil {
		*f = n != 0
		return nil
	}
	return json.Unmarshal(data, (*bool)(f))
}

// starSides are rows and columns of the published scales, for frames of 16 by 9. Each size
// has the first so many of them, and codes of all bits from a number of cells on.
var (
	starSides = [][2]int{{1, 1}, {2, 3}, {2, 4}, {3, 5}, {4, 7}, {4, 8}, {5, 9}, {6, 11}, {8, 13}, {9, 16}, {12, 21}, {18, 32}, {24, 43}, {30, 53}, {45, 80}}
	starSizes = map[string]struct{ scales, fine int }{"0.06M": {11, 350}, "0.25M": {13, 350}, "0.40M": {14, 350}, "0.90M": {15, 750}}
)

const (
	starEps = 1e-6
	// starFirst is the coordinate of the first pass. Rows of text come before it.
	starFirst = 512
	starText  = 0 // the stage that reads the text; those of pyramids follow
)

// readInfinityStar reads a description and the shapes of the tensors.
func readInfinityStar(config json.RawMessage, w nn.Weights) (*infinityStar, error) {
	c := &infinityStar{Size: "0.40M", Frames: 81, Clip: 20, Compress: 4, TauImage: 1, TauVideo: 0.4, Guidance: 34, APG: true, Limit: 0.05}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	const block, attn = "block_chunks.0.module.0.", "block_chunks.0.module.0.attn."
	c.width, c.dim, c.hidden, c.text = dim(w, "word_embed.weight", 0), dim(w, attn+"q_norm.weight", 0), dim(w, block+"mlp.gate_proj.weight", 0), dim(w, "text_proj.weight", 1)
	c.heads, c.keys = dim(w, attn+"q_proj.weight", 0)/max(c.dim, 1), dim(w, attn+"k_proj.weight", 0)/max(c.dim, 1)
	c.pyramids = star.Pyramids{Detail: dim(w, "word_embed.weight", 1), Semantic: dim(w, "semantic_head2.weight", 0) / 2}
	for chunk := range 256 {
		prefix := fmt.Sprintf("block_chunks.%d.module.", chunk)
		n := blocksOf(w, prefix+"%d.input_layernorm.weight")
		if n == 0 {
			break
		}
		for i := range n {
			c.blocks = append(c.blocks, fmt.Sprintf("%s%d.", prefix, i))
		}
	}
	if err := c.setPyramids(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	var err error
	if c.none, err = w.Floats("cfg_uncond"); err == nil && (len(c.none) < c.text || len(c.none)%c.text != 0 || len(c.none) > starFirst*c.text) {
		err = fmt.Errorf("systems: %w: cfg_uncond has %d features, for rows of %d", nn.ErrWeights, len(c.none), c.text)
	}
	return c, err
}

// setPyramids takes scales, passes and frames from the description.
func (c *infinityStar) setPyramids() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("systems: %w: %s", nn.ErrConfig, fmt.Sprintf(format, args...))
	}
	p := &c.pyramids
	size, known := starSizes[c.Size]
	switch {
	case c.Schedule != nil:
		if !c.setSchedule() {
			return bad("scale_schedule %v, want pyramids of the same scales, the first of one frame", c.Schedule)
		}
	case !known || !within(c.Compress, 1, 64) || !within(c.Frames, 1, 1<<14) || (c.Frames-1)%c.Compress != 0:
		return bad("pn %q of %d frames, %d to one of features", c.Size, c.Frames, c.Compress)
	default:
		p.Sides, p.Clip, p.Fine, c.frames = starSides[:size.scales], c.Clip, size.fine, 1+(c.Frames-1)/c.Compress
	}
	if c.Fine != 0 {
		p.Fine = c.Fine
	}
	p.Times = [2][]int{c.Image, c.Video}
	for i := range p.Times {
		if p.Times[i] == nil {
			p.Times[i] = starTimes(len(p.Sides), i == 0)
		}
	}
	if err := p.Validate(); err != nil {
		return fmt.Errorf("systems: %w: %w", nn.ErrConfig, err)
	}
	if c.Semantic != 0 && c.Semantic != p.Semantics() {
		return bad("%d semantic_scales, and %d scales of under %d cells", c.Semantic, p.Semantics(), p.Fine)
	}
	c.stages = max(len(p.Of(star.First).Passes), len(p.Of(p.Clip).Passes))
	return nil
}

// setSchedule takes scales and frames from a list. It reports whether they make pyramids.
func (c *infinityStar) setSchedule() bool {
	cells := func(s [3]int) int { return s[1] * s[2] }
	n := 1
	for n < len(c.Schedule) && cells(c.Schedule[n]) > cells(c.Schedule[n-1]) {
		n++
	}
	if len(c.Schedule) < 1 || len(c.Schedule)%n != 0 || len(c.Schedule) > 1<<10 {
		return false
	}
	p := &c.pyramids
	for i, s := range c.Schedule {
		t := c.Schedule[i/n*n][0] // of the pyramid
		switch {
		case i < n:
			p.Sides = append(p.Sides, [2]int(s[1:]))
		case [2]int(s[1:]) != p.Sides[i%n]:
			return false
		case i == n:
			p.Clip = t
		}
		first, last := i < n, i >= len(c.Schedule)-n
		if s[0] != t || first && t != 1 || !first && t != p.Clip && (!last || t > p.Clip) || t < 1 {
			return false
		}
		if i%n == 0 {
			c.frames += t
		}
	}
	p.Clip = max(p.Clip, 1)
	return true
}

// starTimes are the published passes of n scales: three each. In clips that is of the first
// twelve, and of the others the first has two and the rest one.
func starTimes(n int, image bool) []int {
	out := slices.Repeat([]int{3}, n)
	for i := 12; i < n && !image; i++ {
		out[i] = 1
		if i == 12 {
			out[i] = 2
		}
	}
	return out
}

func (c *infinityStar) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("systems: %w: %s", nn.ErrConfig, fmt.Sprintf(format, args...))
	}
	switch {
	case !within(c.width, 8, 1<<14) || !within(len(c.blocks), 1, 256) || !within(c.hidden, 2, 1<<17) || !within(c.text, 1, 1<<16):
		return bad("width %d, %d blocks, hidden width %d, %d features of text", c.width, len(c.blocks), c.hidden, c.text)
	case !within(c.heads, 1, 1<<10) || !within(c.keys, 1, c.heads) || c.heads%c.keys != 0 || !within(c.dim, 8, 256) || c.dim%8 != 0:
		return bad("%d heads of queries and %d of keys, %d wide", c.heads, c.keys, c.dim)
	case !within(c.frames, 1, 1<<12) || !(c.TauImage > 0) || !(c.TauVideo > 0) || !(c.Guidance >= 0 && c.Guidance <= 100) || !(c.Limit >= 0):
		return bad("%d frames of features, tau %g and %g, guidance %g with a threshold of %g", c.frames, c.TauImage, c.TauVideo, c.Guidance, c.Limit)
	}
	if o := c.order(c.frames); o.Positions() > 1<<22 {
		return bad("%d frames have %d positions", c.frames, o.Positions())
	}
	return nil
}

// openInfinityStar opens "InfinityStar: Unified Spacetime AutoRegressive Modeling for Visual
// Generation", arXiv:2511.04675. A transformer predicts the bits of a frame, and then of
// clip after clip, scale by scale from what the scales before add up to.
func openInfinityStar(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readInfinityStar(config, w)
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	all, rows, pyramid := c.order(c.frames), len(c.none)/c.text, c.pyramids.Of(min(c.frames-1, c.pyramids.Clip))
	last := pyramid.Sides[len(pyramid.Sides)-1]
	group := max(pyramid.Cells(), rows)
	s := &system.System{
		Name: "infinitystar", Params: p.List(), Token: system.Token{Bits: c.pyramids.Detail}, Grid: [3]int{c.frames, last[0], last[1]},
		Layout: system.Layout{
			Fixed: 1, Inputs: all.Fed, Axes: 4, Ranges: order.ClipRanges, Features: c.text, FeatureRows: rows, Context: all.Slots(rows), Length: max(all.Positions(), group), Group: group,
		},
		Input: c.input(p), Trunk: c.trunk(p), Head: c.head(p), Schedule: c.schedule,
		Default: system.Sampling{Temperature: 1, Guidance: c.Guidance},
	}
	return s, nil
}

// starInput reads the text in its own stage.
type starInput struct {
	input.Accumulated
	text     *nn.Linear
	pyramids star.Pyramids
}

// Pyramids implements star.Coded.
func (in *starInput) Pyramids() star.Pyramids { return in.pyramids }

// Record implements system.Input.
func (in *starInput) Record(g nn.Graph, stage int) *nn.Value {
	if stage != starText {
		return in.Accumulated.Record(g, stage)
	}
	x := in.text.Forward(g, g.Features(), nn.ProductOptions{})
	g.Mark("embed", x)
	return x
}

var starInit = nn.Init{Std: 0.02}

func (c *infinityStar) input(p nn.Params) *starInput {
	b := c.pyramids
	stretch := p.Constant(b.Stretching(), b.Detail, b.Semantic)
	return &starInput{
		pyramids: b, text: p.Linear(c.width, c.text, starInit, "text_proj"),
		Accumulated: input.Accumulated{
			// The bias stands in the table, since rows of a first pass have nothing else.
			Width: b.Detail, Word: &nn.Linear{W: p.Matrix(c.width, b.Detail, starInit, "word_embed.weight")},
			Table: p.Table(c.width, starInit, nn.Part{Name: "word_embed.bias", Rows: 1}),
			Scales: func(g nn.Graph, stage int) (input.Scales, int) {
				t, pass := c.of(stage)
				return star.Quantizer{Pyramid: b.Of(t), Stretch: g.Constant(stretch)}, pass
			},
		},
	}
}

// stage is that of the first pass of a pyramid of t frames, see [star.Pyramids.Of].
func (c *infinityStar) stage(t int) int { return 1 + t*c.stages }

// of returns the pyramid and the pass of a stage.
func (c *infinityStar) of(stage int) (t, pass int) {
	return (stage - 1) / c.stages, (stage - 1) % c.stages
}

func (c *infinityStar) trunk(p nn.Params) (s nn.Stack) {
	pairs := c.dim / 8
	rope := &nn.Rope{Pairs: []int{pairs, pairs, pairs, pairs}, Theta: 10000}
	q, k, d := c.heads*c.dim, c.keys*c.dim, c.width
	for i, prefix := range c.blocks {
		p := p.In("%s", prefix)
		a := nn.Attention{Heads: c.heads, KVHeads: c.keys, HeadDim: c.dim, Rope: rope, QNorm: p.RMS(c.dim, starEps, "attn.q_norm.weight"), KNorm: p.RMS(c.dim, starEps, "attn.k_norm.weight")}
		b := &nn.Block{Name: fmt.Sprint("block", i), Attention: p.Attention(a)}
		b.QKV = p.Matrix(q+2*k, d, starInit, "attn.q_proj.weight", "attn.k_proj.weight", "attn.v_proj.weight").Parts(q, k, k).After(p.RMS(d, starEps, "input_layernorm.weight"))
		b.Out = p.Matrix(d, q, starInit, "attn.o_proj.weight")
		b.GateUp = p.Matrix(2*c.hidden, d, starInit, "mlp.gate_proj.weight", "mlp.up_proj.weight").After(p.RMS(d, starEps, "post_attention_layernorm.weight"))
		b.Down = p.Matrix(d, c.hidden, starInit, "mlp.down_proj.weight")
		s = append(s, b)
	}
	return s
}

// head declares both maps to logits, behind one norm.
func (c *infinityStar) head(p nn.Params) head.Pairs {
	b, norm := c.pyramids, p.RMS(c.width, starEps, "norm_hidden_sates.weight")
	linear := func(name string, bits int) head.Linear {
		return head.Linear{Out: p.Matrix(2*bits, c.width, starInit, name+".weight").After(norm), Bias: p.Vector(2*bits, 0, name+".bias")}
	}
	detail, semantic := linear("head", b.Detail), linear("semantic_head2", b.Semantic)
	h := head.Pairs{Words: b.Words(), Most: 2 * b.Detail, Eta: 1, Of: func(stage int) head.PairsStage {
		t, pass := c.of(stage)
		y := b.Of(t)
		s := head.PairsStage{Linear: detail, Scale: 1 / c.TauVideo, Draws: y.Size(y.Passes[pass])}
		if t == star.First {
			s.Scale = 1 / c.TauImage
		}
		if y.Passes[pass] < b.Semantics() {
			s.Linear = semantic
		}
		return s
	}}
	if c.APG {
		h.Eta, h.Threshold = 0, c.Limit
	}
	return h
}

// order has the pyramids of so many frames.
func (c *infinityStar) order(frames int) order.Clips {
	o := order.Clips{PassAxis: starFirst, Fed: 1}
	for i, y := range c.pyramids.All(frames) {
		x := order.ClipPyramid{T: y.T, Stage: c.stage(y.T)}
		if i == 0 {
			x.Stage = c.stage(star.First)
		}
		for _, scale := range y.Passes {
			x.Passes = append(x.Passes, y.Sides[scale])
		}
		o.Fed = max(o.Fed, x.Fed())
		o.Pyramids = append(o.Pyramids, x)
	}
	return o
}

// schedule returns the runs of a video.
func (c *infinityStar) schedule(q system.Prompt) (system.Schedule, error) {
	frames, rows := q.Frames, len(q.Text)/c.text
	if frames == 0 {
		frames = c.frames
	}
	if !within(frames, 1, c.frames) || len(q.Text) == 0 || len(q.Text) != rows*c.text || rows*c.text > len(c.none) {
		return nil, fmt.Errorf("systems: %w: %d frames, at most %d; %d features of text, want 1 to %d rows of %d", system.ErrPrompt, frames, c.frames, len(q.Text), len(c.none)/c.text, c.text)
	}
	o := c.order(frames)
	o.Fed = c.order(c.frames).Fed
	given := len(q.Given) / c.pyramids.Words()
	for ; given > 0 && o.Known < len(o.Pyramids)-1; o.Known++ {
		given -= c.pyramids.All(frames)[o.Known].Codes()
	}
	if given != 0 || len(q.Given)%c.pyramids.Words() != 0 || q.Ramp != "" && q.Ramp != system.Constant {
		return nil, fmt.Errorf("systems: %w: %d given words are not those of whole clips before the last of %d frames, or guidance ramp %q", system.ErrPrompt, len(q.Given), frames, q.Ramp)
	}
	o.Guide = guide(q, func(before int) bool { return before >= q.Interval })
	o.Text = c.words(rows, o.Fed, q.Text)
	other := c.words(rows, o.Fed, c.none[:rows*c.text]).Rows
	o.Text.Other = &other
	return o.Schedule(), nil
}

// words is the run that reads rows of text, which see each other.
func (c *infinityStar) words(n, fed int, x []float32) system.Run {
	r := system.Run{Group: n, Stage: starText}
	r.N, r.Features = n, x
	for i := range n {
		r.Fixed, r.KVLen, r.Axes = append(r.Fixed, -1), append(r.KVLen, int32(n)), append(r.Axes, int32(i), 0, 0, 0)
		r.Ranges = append(r.Ranges, 0, int32(n), 0, 0, 0, 0)
		for range fed {
			r.Inputs = append(r.Inputs, system.Nothing)
		}
	}
	return r
}
