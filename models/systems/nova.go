package systems

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

func init() {
	system.Register(system.Published{
		Name: "nova", Title: "NOVA", Paper: "2412.14169", Kind: "video", Trains: true,
		Tensors: []string{"video_encoder.patch_embed.proj.weight", "image_encoder.patch_embed.proj.weight", "image_decoder.head.weight", "mask_embed.bos_token", "text_embed.weight"},
		Open:    openNOVA,
	})
}

// nova describes NOVA's network, by the names of upstream's configuration. What it lacks
// comes from the shapes of the tensors.
type nova struct {
	Channels  int      `json:"image_dim"`
	ImageSize [2]int   `json:"image_size"`
	Stride    int      `json:"image_stride"`
	TextRows  int      `json:"text_token_len"`
	Rotary    bool     `json:"rotary_pos_embed"`
	VideoBase [3]int   `json:"video_base_size"` // frames, rows and columns that positions are made for
	ImageBase [2]int   `json:"image_base_size"`
	Video     novaPart `json:"video_encoder"`
	Image     novaPart `json:"image_encoder"`
	Flow      struct {
		Shift float64 `json:"shift"`
	} `json:"flow_scheduler"`
	// Scheduler is flow, also if it is "", or ddpm. It is a name of ours: upstream's stands
	// in scheduler_config.json.
	Scheduler string `json:"scheduler"`
	DDPM      struct {
		First float64 `json:"beta_start"`
		Last  float64 `json:"beta_end"`
	} `json:"ddpm_scheduler"`
	// How guidance acts, by the names of upstream's pipeline. Images is the scale of guidance
	// by the frames before, apart from that by the text; 0: one scale for both. Renorm is what
	// guidance is scaled back by at least, 1 for never. It ends below the time Trunc, and grows
	// from Lowest over the sets of a frame, if that is not 0.
	Images float32 `json:"image_guidance_scale"`
	Renorm float32 `json:"guidance_renorm"`
	Trunc  float64 `json:"guidance_trunc"`
	Lowest float32 `json:"min_guidance_scale"`
	novaPractice

	patch, block         int // pixels of a token's side, tokens of a side that the video encoder reads at once
	h, w, text           int
	video, image         mae
	headWidth, headDepth int
	fillers              []float32 // text features where there is no text, of the first
	stored               int       // rows
	mixer                int       // rank of what expresses frames by the first; 0: they are not
	bank                 head.Bank
}

const (
	novaEps   = 1e-5
	novaTimes = 256 // sines and cosines of a number

	defaultFlow, defaultFPS = 5, 12
)

// The stages of NOVA: those that make rows of a condition, then those of a frame.
const (
	novaText = iota
	novaFlow
	novaFPS
	novaTime
	novaFirst // reads the conditions
	novaVideo // reads the frame before
	novaKnown // the first half of the image encoder
	novaFill  // the second half
)

// readNOVA reads a description and the shapes of the tensors.
func readNOVA(config json.RawMessage, w nn.Weights) (*nova, error) {
	c := &nova{Channels: 4, ImageSize: [2]int{480, 768}, Stride: 8, TextRows: 256, VideoBase: [3]int{9, 15, 24}, ImageBase: [2]int{30, 48}}
	c.Renorm = 1
	c.Flow.Shift, c.DDPM.First, c.DDPM.Last = 1, 0.00085, 0.012
	c.novaPractice = novaPractice{TextWidth: 2560, Lessons: 4, Least: 0.7, Dropout: 0.1}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	fresh := w == nil
	if fresh {
		w = c.fresh()
	}
	const conv = "patch_embed.proj.weight"
	c.patch, c.text = dim(w, "image_encoder."+conv, 2), dim(w, "text_embed.proj.weight", 1)
	read := func(part string, heads int) mae {
		m := mae{dim(w, part+conv, 0), blocksOf(w, part+"blocks.%d.norm1.weight"), heads, dim(w, part+"blocks.0.mlp.fc1.weight", 0)}
		m.setHeads()
		return m
	}
	c.video, c.image = read("video_encoder.", c.Video.Heads), read("image_encoder.", c.Image.Heads)
	c.mixer = dim(w, "video_encoder.mixer.lora.weight", 0)
	c.headWidth, c.headDepth = dim(w, "image_decoder.head.weight", 1), blocksOf(w, "image_decoder.blocks.%d.norm1.proj.weight")
	if c.patch > 0 {
		c.block = dim(w, "video_encoder."+conv, 2) / c.patch
	}
	if err := c.check(w); err != nil {
		return nil, err
	}
	c.h, c.w = c.ImageSize[0]/c.Stride/c.patch, c.ImageSize[1]/c.Stride/c.patch
	if c.h < 1 || c.w < 1 || c.h%c.block != 0 || c.w%c.block != 0 || c.h*c.w > 1<<16 {
		return nil, fmt.Errorf("systems: %w: %d by %d tokens in blocks of %d", nn.ErrConfig, c.h, c.w, c.block)
	}
	c.stored = dim(w, fillers, 0)
	if c.stored < c.TextRows || dim(w, fillers, 1) != c.text {
		return nil, fmt.Errorf("systems: %w: %d rows of %d features for %d rows of text of %d", nn.ErrWeights, c.stored, dim(w, fillers, 1), c.TextRows, c.text)
	}
	if fresh {
		c.fillers = make([]float32, c.TextRows*c.text)
		return c, nil
	}
	var err error
	c.fillers, err = w.Floats(fillers)
	return c, err
}

// fillers is the tensor of features where there is no text.
const fillers = "text_embed.weight"

func (c *nova) check(w nn.Weights) error {
	for _, m := range []mae{c.video, c.image} {
		if err := m.check(); err != nil {
			return err
		}
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("systems: %w: %s", nn.ErrConfig, fmt.Sprintf(format, args...))
	}
	for _, x := range append(append(c.VideoBase[:], c.ImageBase[:]...), c.ImageSize[:]...) {
		if !within(x, 1, 1<<16) {
			return bad("sizes %v, %v and %v", c.VideoBase, c.ImageBase, c.ImageSize)
		}
	}
	if err := c.novaPractice.check(); err != nil {
		return err
	}
	switch {
	case c.video.width != c.image.width || c.image.depth%2 != 0 || c.video.width%8 != 0:
		return bad("encoders of width %d and %d, with %d blocks", c.video.width, c.image.width, c.image.depth)
	case !within(c.Channels, 1, 256) || !within(c.patch, 1, 16) || !within(c.block, 1, 16) || !within(c.Stride, 1, 64) || c.Channels != dim(w, "image_encoder.patch_embed.proj.weight", 1):
		return bad("%d channels in patches of %d, and blocks of %d", c.Channels, c.patch, c.block)
	case !within(c.TextRows, 1, 1<<12) || !within(c.text, 1, 1<<16) || !within(c.headWidth, 2, 1<<14) || !within(c.headDepth, 1, 256):
		return bad("%d rows of text of %d features, a head of width %d with %d blocks", c.TextRows, c.text, c.headWidth, c.headDepth)
	case c.TextRows*c.text > 1<<24 || c.ImageSize[0]/c.Stride/c.patch*(c.ImageSize[1]/c.Stride/c.patch)*c.video.width > 1<<27:
		return bad("%d rows of text of %d features, pictures of %v", c.TextRows, c.text, c.ImageSize)
	case !(c.Flow.Shift > 0) || c.VideoBase[0] > 1<<10:
		return bad("a flow shifted by %g, %d frames", c.Flow.Shift, c.VideoBase[0])
	case !(c.Images >= 0 && c.Images <= 1e3) || !(c.Lowest >= 0 && c.Lowest <= 1e3) || !(c.Renorm >= 0 && c.Renorm <= 1) || !(c.Trunc >= 0):
		return bad("guidance by images of %g, from %g on, scaled back by %g at least and ending at %g", c.Images, c.Lowest, c.Renorm, c.Trunc)
	case c.Scheduler != "" && c.Scheduler != "flow" && c.Scheduler != "ddpm" || !(c.DDPM.First > 0 && c.DDPM.First <= c.DDPM.Last && c.DDPM.Last < 1):
		return bad("the scheduler %q, betas from %g to %g", c.Scheduler, c.DDPM.First, c.DDPM.Last)
	}
	return nil
}

// openNOVA opens "Autoregressive Video Generation without Vector Quantization",
// arXiv:2412.14169. A video encoder reads frame after frame, an image encoder of two
// halves fills in sets of a frame, and a small network denoises each token.
func openNOVA(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readNOVA(config, w)
	if err != nil {
		return nil, err
	}
	p := nn.NewParams()
	in := c.input(p)
	p.Buffer(fillers, c.stored, c.text)
	trunk := c.trunk(p)
	n, read := c.h*c.w, c.h*c.w/c.block/c.block
	prefix, frames := c.TextRows+2, c.VideoBase[0]
	rows := max(prefix+read*frames, read+n)
	clip := order.Frames{T: frames, H: c.h, W: c.w, Prefix: prefix, Block: c.block}
	places := clip.Places()
	token := c.Channels * c.patch * c.patch
	axes, recalls, branches := 0, 1, 2
	if c.Images > 0 {
		branches = 3
	}
	if c.Rotary {
		axes = 3
	}
	if c.mixer > 0 {
		recalls = 2
	}
	return &system.System{
		Name: "nova", Params: p.List(), Token: system.Token{Width: token}, Grid: [3]int{frames, c.h, c.w}, Text: c.text,
		Layout: system.Layout{
			Fixed: 2, Inputs: c.block * c.block, Axes: axes, Features: c.features(), FeatureRows: max(c.TextRows, frames),
			Context: rows, Length: max(prefix+read, read+n, frames*n), Group: max(prefix+read, read+n), Places: places, Recalls: recalls, State: c.video.width, Branches: branches,
		},
		Input: in, Trunk: trunk, Head: c.head(p.In("image_decoder."), token),
		Default: system.Sampling{Temperature: 1, Guidance: 5}, Schedule: c.schedule,
		Dropout: c.Dropout, Flatten: c.lay, Passes: c.lessons(), Practice: c.practise,
	}, nil
}

// features is the width of the vectors of conditions: of text, or of a number.
func (c *nova) features() int { return max(c.text, novaTimes) }

// padded returns columns [0, n) and zeros up to so many.
func padded(n, to int) []int {
	out := make([]int, to)
	for i := range out {
		out[i] = -1
		if i < n {
			out[i] = i
		}
	}
	return out
}

// columns returns, for tokens side by side, the column of a convolution's weights over
// patches of so many tokens a side. A token has rows, columns, and last channels; the
// weights have channels first.
func (c *nova) columns(side, fed int) []int {
	token, pixels := c.Channels*c.patch*c.patch, side*c.patch
	out := padded(0, fed*token)
	for i := range side * side * token {
		t, y, x, ch := i/token, i%token/c.Channels/c.patch, i%token/c.Channels%c.patch, i%c.Channels
		out[i] = (ch*pixels+t/side*c.patch+y)*pixels + t%side*c.patch + x
	}
	return out
}

// novaInput makes the rows of all stages.
type novaInput struct {
	table        *nn.Table
	video, image *nn.Matrix
	text         *nn.Linear
	textNorm     *nn.LayerNorm
	numbers      map[int][2]*nn.Linear // by stage
	timeNorm     *nn.LayerNorm
}

// The rows of the table.
const (
	novaStart = iota
	novaRead
	novaToken
	novaUnknown
	novaPlaces // of the video encoder's rows, and behind them of tokens
)

func (c *nova) input(p nn.Params) *novaInput {
	init, d := nn.Init{Std: 0.02}, c.video.width
	read, n := c.h*c.w/c.block/c.block, c.h*c.w
	in := &novaInput{
		// The biases stand in the table, since not all rows are fed.
		table: p.Table(d, init, nn.Part{Name: "mask_embed.bos_token", Rows: 1}, nn.Part{Name: "video_encoder.patch_embed.proj.bias", Rows: 1},
			nn.Part{Name: "image_encoder.patch_embed.proj.bias", Rows: 1}, nn.Part{Name: "mask_embed.mask_token", Rows: 1},
			nn.Part{Rows: read, Values: c.places(c.h/c.block, c.w/c.block, [2]int(c.VideoBase[1:]), d)}, nn.Part{Rows: n, Values: c.places(c.h, c.w, c.ImageBase, d)}),
		text: p.Linear(d, c.features(), init, "text_embed.proj"), textNorm: p.LayerNorm(d, novaEps, "text_embed.norm"),
		numbers: map[int][2]*nn.Linear{novaFlow: c.number(p, "motion_embed.flow_proj", d), novaFPS: c.number(p, "motion_embed.fps_proj", d)},
	}
	in.text.W.Pick(c.text, padded(c.text, c.features()))
	fed := c.block * c.block
	in.video, in.image = c.patches(p, "video_encoder", d, c.block, fed), c.patches(p, "image_encoder", d, 1, fed)
	if !c.Rotary {
		in.numbers[novaTime], in.timeNorm = c.number(p, "video_pos_embed.time_proj", d), p.LayerNorm(d, novaEps, "video_pos_embed.norm")
	}
	return in
}

// patches declares the weights of a convolution whose bias stands in the table.
func (c *nova) patches(p nn.Params, part string, d, side, fed int) *nn.Matrix {
	token, pixels := c.Channels*c.patch*c.patch, side*c.patch
	return p.Matrix(d, fed*token, nn.Init{Std: 0.02}, part+".patch_embed.proj.weight").Pick(c.Channels*pixels*pixels, c.columns(side, fed)).Split(c.Channels, pixels, pixels)
}

// number declares the layers that read sines and cosines of a number.
func (c *nova) number(p nn.Params, name string, d int) [2]*nn.Linear {
	init := nn.Init{Std: 0.02}
	l := [2]*nn.Linear{p.Linear(d, c.features(), init, name+".0"), p.Linear(d, d, init, name+".2")}
	l[0].W.Pick(novaTimes, padded(novaTimes, c.features()))
	return l
}

// places are the sines and cosines of a grid's columns and rows, on the scale of the grid
// that the network is made for. With rotary positions there are none.
func (c *nova) places(h, w int, base [2]int, d int) (out []float32) {
	if c.Rotary {
		return nil
	}
	for i := range h * w {
		y, x := float64(i/w)*float64(base[0])/float64(h), float64(i%w)*float64(base[1])/float64(w)
		out = append(append(out, waves(x, d/4)...), waves(y, d/4)...)
	}
	return out
}

// waves are the sines of a number at n frequencies, and then its cosines.
func waves(x float64, n int) []float32 {
	out := make([]float32, 2*n)
	for i := range n {
		sin, cos := math.Sincos(x * math.Pow(10000, -float64(i)/float64(n)))
		out[i], out[n+i] = float32(sin), float32(cos)
	}
	return out
}

// Record implements system.Input.
func (in *novaInput) Record(g nn.Graph, stage int) *nn.Value {
	switch stage {
	case novaText:
		x := g.LayerNorm(in.text.Forward(g, g.Features(), nn.ProductOptions{}), in.textNorm)
		g.Mark("prefix", x)
		return x
	case novaFlow, novaFPS, novaTime:
		l := in.numbers[stage]
		x := l[1].Forward(g, l[0].Forward(g, g.Features(), nn.ProductOptions{Act: nn.SiLU}), nn.ProductOptions{})
		if stage == novaTime {
			x = g.LayerNorm(x, in.timeNorm)
		}
		g.Mark("prefix", x)
		return x
	}
	x := g.Add(g.Recall(0), g.Embed(in.table))
	switch stage {
	case novaFirst, novaVideo:
		x = g.Product(g.Numbers(), in.video, nn.ProductOptions{Add: x})
	case novaKnown:
		x = g.Product(g.Numbers(), in.image, nn.ProductOptions{Add: x})
	}
	g.Mark("rows", x)
	return x
}

// novaTrunk is the video encoder, and the image encoder in two halves.
type novaTrunk struct {
	video, first, second nn.ViTs
	videoNorm, imageNorm *nn.LayerNorm
	lora                 *nn.Matrix // nil without a mixer
	mix                  *nn.Linear
}

func (c *nova) trunk(p nn.Params) *novaTrunk {
	blocks := func(m mae, part string, rope *nn.Rope) (s nn.ViTs) {
		for i := range m.depth {
			s = append(s, p.In("%s_encoder.blocks.%d.", part, i).ViT(fmt.Sprint(part, i), nn.ViTOptions{
				Width: m.width, Heads: m.heads, Hidden: m.hidden, Eps: novaEps, Post: true, Rope: rope, Init: nn.Init{Std: 0.02},
			}))
		}
		return s
	}
	image := blocks(c.image, "image", c.rope(c.image))
	half := len(image) / 2
	t := &novaTrunk{
		video: blocks(c.video, "video", c.rope(c.video)), first: image[:half], second: image[half:],
		videoNorm: p.LayerNorm(c.video.width, novaEps, "video_encoder.norm"), imageNorm: p.LayerNorm(c.image.width, novaEps, "image_encoder.norm"),
	}
	if c.mixer > 0 {
		t.lora = p.Matrix(c.mixer, c.video.width, nn.Init{Std: 0.02}, "video_encoder.mixer.lora.weight")
		t.mix = p.Linear(2*c.video.width, c.mixer, nn.Init{}, "video_encoder.mixer.proj")
	}
	return t
}

// rope turns an eighth of a head's columns by the frame, and half of the rest each by row
// and column.
func (c *nova) rope(m mae) *nn.Rope {
	if !c.Rotary {
		return nil
	}
	d := m.width / m.heads
	t := d / 8
	return &nn.Rope{Pairs: []int{t / 2, (d - t) / 4, (d - t) / 4}, Theta: 10000}
}

// Forward implements system.Trunk.
func (t *novaTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	switch g.Stage() {
	case novaFill:
		return g.LayerNorm(t.second.Forward(g, x), t.imageNorm)
	case novaKnown:
		x = t.first.Forward(g, x)
	case novaFirst, novaVideo:
		x = g.LayerNorm(t.video.Forward(g, x), t.videoNorm)
		g.Mark("video", x)
		if t.lora != nil && g.Stage() == novaVideo { // an affine map of what the first frame's rows are
			low := g.Product(g.SiLU(x), t.lora, nn.ProductOptions{})
			x = g.Modulate(g.Recall(1), t.mix.Forward(g, low, nn.ProductOptions{}), 0, 1, nil)
		}
	}
	g.Keep(x)
	return x
}

// novaPasses is the number of denoising passes by default.
const novaPasses = 25

// head declares the denoiser with schedules of 1 to 100 passes.
func (c *nova) head(p nn.Params, token int) *head.Diffusion {
	c.bank = head.Bank{Default: novaPasses, Least: 1, Most: 100}
	all := []head.Schedule{c.passes(novaPasses)}
	for n := c.bank.Least; n <= c.bank.Most; n++ {
		all = append(all, c.passes(n))
	}
	in := p.Linear(c.headWidth, token, nn.Init{Std: 0.02}, "patch_embed.proj")
	in.W.Pick(token, c.columns(1, 1)).Split(c.Channels, c.patch, c.patch)
	net := head.NewPatches(p, in, head.DenoiserOptions{
		Width: c.headWidth, Depth: c.headDepth, Token: token, Says: token, Condition: c.image.width,
	})
	d := head.NewDiffusion(p, net, all...)
	if c.Renorm < 1 {
		d.Renorm = &head.Renorm{Least: c.Renorm, Tokens: c.h * c.w}
	}
	return d.Teach(c.levels(), token, c.Lessons)
}

// levels are the noise that the denoiser learns to see.
func (c *nova) levels() []head.Level {
	if c.Scheduler == "ddpm" {
		return head.NoiseLevels(head.ScaledLinearBetas(novaSteps, c.DDPM.First, c.DDPM.Last))
	}
	return head.FlowLevels(novaSteps, c.Flow.Shift)
}

// novaSteps is the number of steps of the noise that is learned.
const novaSteps = 1000

// passes is the schedule of so many passes.
func (c *nova) passes(n int) head.Schedule {
	s := head.ShiftedFlow(n, c.Flow.Shift)
	if c.Scheduler == "ddpm" {
		s = head.Fixed(head.ScaledLinearBetas(novaSteps, c.DDPM.First, c.DDPM.Last), head.Leading(novaSteps, n))
	}
	return s.Plain(c.Trunc)
}

// scale returns the scale of guidance by set, nil for the request's in all.
func (c *nova) scale(q system.Prompt) (func(set, sets int) float32, error) {
	f, err := setRamp(q)
	most := max(q.Guidance, 1)
	switch {
	case f != nil || err != nil:
		return f, err
	case c.Lowest > 0 && q.Ramp == "":
		return func(set, sets int) float32 { return c.Lowest + (most-c.Lowest)*float32(set+1)/float32(sets) }, nil
	case c.Images > 0:
		return func(int, int) float32 { return most }, nil
	}
	return nil, nil
}

// setRamp returns the scale of guidance by set, nil for a constant one.
func setRamp(q system.Prompt) (func(set, sets int) float32, error) {
	switch q.Ramp {
	case system.Constant, "":
		return nil, nil
	case system.Linear:
		return func(set, sets int) float32 { return 1 + (max(q.Guidance, 1)-1)*float32(set+1)/float32(sets) }, nil
	}
	return nil, fmt.Errorf("systems: %w: guidance ramp %q", system.ErrPrompt, q.Ramp)
}

// schedule returns the runs of a clip.
func (c *nova) schedule(q system.Prompt) (system.Schedule, error) {
	frames, steps := q.Frames, q.Steps
	if frames == 0 {
		frames = c.VideoBase[0]
	}
	if steps == 0 {
		steps = marSets
	}
	rows, token := len(q.Text)/c.text, c.h*c.w*c.Channels*c.patch*c.patch
	known := len(q.Given) / token // frames
	if !within(frames, 1, c.VideoBase[0]) || !within(steps, 1, 1<<16) || known >= frames || known*token != len(q.Given) || len(q.Text) != rows*c.text || rows > c.TextRows || len(q.Motion) > 2 {
		return nil, fmt.Errorf("systems: %w: %d of %d frames in %d sets, %d features of text in rows of %d, motion %v", system.ErrPrompt, known, frames, steps, len(q.Text), c.text, q.Motion)
	}
	lo, hi, err := c.bank.Rows(q.Inner[0])
	if err != nil || q.Inner[0] != q.Inner[1] {
		return nil, fmt.Errorf("systems: %w: %v passes", system.ErrPrompt, q.Inner)
	}
	scale, err := c.scale(q)
	if err != nil {
		return nil, err
	}
	f := c.clip(q, frames)
	f.Known, f.Steps, f.Scale, f.Apart, f.Passes = known, steps, scale, c.Images, func(int) (int32, int32) { return lo, hi }
	return f.Schedule()
}

// clip is the order of a clip without what only drawing needs.
func (c *nova) clip(q system.Prompt, frames int) order.Frames {
	read := int32(c.h * c.w / c.block / c.block)
	return order.Frames{
		T: frames, H: c.h, W: c.w, Order: q.Order, Conditions: c.conditions(q, frames), Prefix: c.TextRows + 2, Block: c.block, Times: !c.Rotary, First: c.mixer > 0,
		Start: novaStart, Read: novaRead, ReadPlaces: novaPlaces, Token: novaToken, Unknown: novaUnknown, TokenPlaces: novaPlaces + read, Axes: c.Rotary,
		Stages: [4]int{novaFirst, novaVideo, novaKnown, novaFill},
	}
}

// conditions are the runs that make the rows of text, of flow and frames a second, and of
// every frame's time.
func (c *nova) conditions(q system.Prompt, frames int) []system.Run {
	motion := []float32{defaultFlow, defaultFPS}
	copy(motion, q.Motion)
	text := make([]float32, c.TextRows*c.text)
	copy(text, c.fillers)
	none := text
	if len(q.Text) > 0 {
		text = append([]float32(nil), text...)
		copy(text, q.Text)
	}
	words := c.condition(novaText, 0, c.text, text)
	other := c.condition(novaText, 0, c.text, none).Rows
	words.Other = &other
	out := []system.Run{
		words, c.condition(novaFlow, c.TextRows, novaTimes, waves(float64(motion[0]), novaTimes/2)),
		c.condition(novaFPS, c.TextRows+1, novaTimes, waves(float64(motion[1]), novaTimes/2)),
	}
	if c.Rotary {
		return out
	}
	var times []float32
	for t := range frames {
		times = append(times, waves(float64(t)*float64(c.VideoBase[0])/float64(frames), novaTimes/2)...)
	}
	return append(out, c.condition(novaTime, c.TextRows+2, novaTimes, times))
}

// condition is a run that keeps rows of features from a place on.
func (c *nova) condition(stage, place, width int, x []float32) system.Run {
	n := len(x) / width
	r := system.Run{Group: n, Stage: stage}
	r.N = n
	for i := range n {
		r.Fixed, r.Slot, r.KVLen, r.Keep = append(r.Fixed, -1, -1), append(r.Slot, -1), append(r.KVLen, 0), append(r.Keep, int32(place+i))
		for range c.block * c.block {
			r.Inputs = append(r.Inputs, system.Nothing)
		}
		if c.Rotary {
			r.Axes = append(r.Axes, 0, 0, 0)
		}
		r.Features = append(append(r.Features, x[i*width:(i+1)*width]...), make([]float32, c.features()-width)...)
	}
	return r
}
