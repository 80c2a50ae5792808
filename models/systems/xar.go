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
	tensors := []string{"class_emb.weight", "time_embed.mlp.0.weight", "z_proj_ln.weight", "encoder_blocks.0.ada_lin.1.weight", "encoder_blocks.0.mlp.fc1_g.weight", "pred.weight"}
	system.Register(system.Published{Name: "xar", Title: "xAR", Paper: "2502.20388", Kind: "image", Tensors: tensors, Open: openXAR})
	system.Register(system.Published{
		Name: "videoar", Title: "VideoAR, units of video", Paper: "2509.24081", Papers: []string{"2502.20388"}, Kind: "video", Tensors: append([]string{framePlaces}, tensors...), Open: openXAR,
	})
}

// framePlaces are the places of frames, which only networks of video have. The name is
// ours: VideoAR's authors publish none.
const framePlaces = "frame_pos_embed_learned"

// xar describes xAR's network, by the names of upstream's arguments, and VideoAR's.
type xar struct {
	Clusters     int     `json:"clusters"` // units of a picture
	EncoderHeads int     `json:"encoder_num_heads"`
	DecoderHeads int     `json:"decoder_num_heads"`
	Steps        int     `json:"num_steps"`
	Sampler      string  `json:"sampler"` // "euler" or "euler_maruyama"
	Guidance     float64 `json:"cfg"`
	// Names of ours: what a unit is, "frame", "key", "scale" or "cube", every how many
	// frames is a key frame, how many scales there are, and the extents of a cube.
	Unit   string `json:"unit"`
	Stride int    `json:"stride"`
	Scales int    `json:"scales"`
	Cube   [3]int `json:"cube"`

	token, classes, side, frames int
	enc, dec                     mae
	units                        []order.Unit
}

const xarEps = 1e-6

// readXAR reads a description and the shapes of the tensors. A network of pictures has
// cells of 40 passes, as xAR-B; one of video has cubes of one.
func readXAR(config json.RawMessage, w nn.Weights) (*xar, error) {
	c := &xar{Clusters: 4, Steps: 40, Sampler: "euler_maruyama", Guidance: 2.7}
	c.frames = dim(w, framePlaces, 1)
	video := c.frames > 0
	if video {
		c.Steps, c.Sampler, c.Guidance, c.Unit, c.Stride, c.Scales, c.Cube = 1, "euler", 1, "cube", 4, 3, [3]int{2, 2, 2}
	}
	if config != nil {
		if err := json.Unmarshal(config, c); err != nil {
			return nil, fmt.Errorf("systems: %w: config.json: %w", nn.ErrConfig, err)
		}
	}
	cells := dim(w, "encoder_pos_embed_learned", 1)
	c.side = int(math.Round(math.Sqrt(float64(cells))))
	c.token, c.classes = dim(w, "z_proj.weight", 1), dim(w, "class_emb.weight", 0)-1
	part := func(name string, heads int) mae {
		m := mae{dim(w, name+"_pos_embed_learned", 2), blocksOf(w, name+"_blocks.%d.attn.qkv.weight"), heads, dim(w, name+"_blocks.0.mlp.fc1_g.weight", 0)}
		m.setHeads()
		return m
	}
	c.enc, c.dec = part("encoder", c.EncoderHeads), part("decoder", c.DecoderHeads)
	return c, c.check(cells, video)
}

func (c *xar) check(cells int, video bool) error {
	for _, m := range []mae{c.enc, c.dec} {
		if err := m.check(); err != nil {
			return err
		}
		if m.width/m.heads%4 != 0 || m.width != c.enc.width {
			return fmt.Errorf("systems: %w: width %d and %d, %d heads", nn.ErrConfig, c.enc.width, m.width, m.heads)
		}
	}
	across := int(math.Round(math.Sqrt(float64(max(c.Clusters, 0)))))
	switch {
	case !within(cells, 1, 1<<14) || c.side*c.side != cells || !within(c.frames, 0, 1<<10) || cells*max(c.frames, 1) > 1<<16 || !within(c.token, 1, 1<<12) || !within(c.classes, 1, 1<<20):
		return fmt.Errorf("systems: %w: %d tokens of %d numbers in each of %d frames, %d classes", nn.ErrConfig, cells, c.token, c.frames, c.classes)
	case c.Sampler != "euler" && c.Sampler != "euler_maruyama" || !within(c.Steps, 1, 1000) || c.Steps*cells*max(c.frames, 1) > 1<<20 || !(c.Guidance >= 0 && c.Guidance < 1e6):
		return fmt.Errorf("systems: %w: %d steps of %q, guidance %g", nn.ErrConfig, c.Steps, c.Sampler, c.Guidance)
	case across*across != c.Clusters || across < 1 || c.side%across != 0:
		return fmt.Errorf("systems: %w: %d units in a square of %d", nn.ErrConfig, c.Clusters, c.side)
	}
	if !video {
		c.frames, c.Unit, c.Cube = 1, "cube", [3]int{1, c.side / across, c.side / across}
	}
	var err error
	if c.units, err = c.divide(); err != nil {
		return fmt.Errorf("systems: %w: units of %q: %w", nn.ErrConfig, c.Unit, err)
	}
	return nil
}

func (c *xar) grid() order.Grid { return order.Grid{T: c.frames, H: c.side, W: c.side} }

// divide returns the units in their order.
func (c *xar) divide() ([]order.Unit, error) {
	switch g := c.grid(); c.Unit {
	case "frame":
		return g.Boxes(1, g.H, g.W)
	case "key":
		return g.KeyFrames(c.Stride)
	case "scale":
		return g.Halves(c.Scales)
	case "cube":
		return g.Boxes(c.Cube[0], c.Cube[1], c.Cube[2])
	}
	return nil, fmt.Errorf("%w: want frame, key, scale or cube", system.ErrPrompt)
}

// openXAR opens "Beyond Next-Token: Next-X Prediction for Autoregressive Visual
// Generation", arXiv:2502.20388, and the units of "Autoregressive Video Generation beyond
// Next Frames Prediction", arXiv:2509.24081, which are drawn by the same network with
// places of frames. The network is the denoiser of its own tokens.
func openXAR(config json.RawMessage, w nn.Weights) (*system.System, error) {
	c, err := readXAR(config, w)
	if err != nil {
		return nil, err
	}
	group, positions, length := 0, 0, 0
	for i, u := range c.units {
		n := len(u.At)
		positions, length = positions+n, max(length, (c.Steps-1)*n)
		if i > 0 {
			n += len(c.units[i-1].At) // which its first step reads
		}
		group = max(group, n)
	}
	steps := c.schedule()
	p := nn.NewParams()
	in := input.Noise{Table: c.places(p, "encoder_pos_embed_learned", framePlaces, "z_proj.bias"), Numbers: p.Matrix(c.enc.width, c.token, varInit, "z_proj.weight"), Norm: p.RMS(c.enc.width, xarEps, "z_proj_ln.weight")}
	pred := head.Linear{Out: p.Matrix(c.token, c.dec.width, varInit, "pred.weight").After(p.RMS(c.dec.width, xarEps, "decoder_norm.weight")), Bias: p.Vector(c.token, 0, "pred.bias")}
	s := &system.System{
		Name: "xar", Params: p.List(), Token: system.Token{Width: c.token}, Grid: [3]int{c.frames, c.side, c.side},
		Layout: system.Layout{Fixed: order.DenoisedFixed, Inputs: 1, Axes: order.DenoisedAxes, Context: positions, Length: max(length, group, positions), Group: group},
		Input:  in, Trunk: c.trunk(p, steps.Times), Head: head.NewVelocity(p, pred, order.DenoisedPass, steps),
		Default: system.Sampling{Temperature: 1, Guidance: c.Guidance}, Schedule: c.runs,
	}
	if c.video(w) {
		s.Name = "videoar"
	}
	return s, nil
}

func (c *xar) video(w nn.Weights) bool { _, ok := w.Shape(framePlaces); return ok }

// schedule returns the passes of a unit.
func (c *xar) schedule() head.Schedule {
	if c.Sampler == "euler" {
		return head.Euler(c.Steps)
	}
	return head.EulerMaruyama(c.Steps, 0.04)
}

// places declares a table of the places of a frame, of frames and of a bias.
func (c *xar) places(p nn.Params, cells, frames, bias string) *nn.Table {
	if c.frames == 1 {
		frames = ""
	}
	return p.Table(c.enc.width, varInit, nn.Part{Name: cells, Rows: c.side * c.side}, nn.Part{Name: frames, Rows: c.frames}, nn.Part{Name: bias, Rows: 1})
}

// xarTrunk is two parts of blocks, all of them told the class and the noise level of
// a unit.
type xarTrunk struct {
	unit             int // rows that surely have one condition
	class            *nn.Table
	times            *nn.Constant
	time             [2]*nn.Linear
	encoder, decoder []*nn.Denoising
	embed            *nn.Matrix
	place            *nn.Table
}

// trunk declares the network. Times are those of the passes; tokens that are known have
// time 0.
func (c *xar) trunk(p nn.Params, times []float32) *xarTrunk {
	d := c.enc.width
	t := &xarTrunk{
		class: p.Table(d, varInit, nn.Part{Name: "class_emb.weight", Rows: c.classes + 1}),
		time:  [2]*nn.Linear{p.Linear(d, head.TimeFeatures, varInit, "time_embed.mlp.0"), p.Linear(d, d, varInit, "time_embed.mlp.2")},
		times: p.Constant(head.Waves(append(times, 0)), len(times)+1, head.TimeFeatures),
		embed: p.Matrix(d, d, varInit, "decoder_embed.weight").After(p.RMS(d, xarEps, "encoder_norm.weight")),
	}
	t.unit = len(c.units[0].At)
	for _, u := range c.units { // units of several sizes have a common divisor
		t.unit = divisor(t.unit, len(u.At))
	}
	t.encoder, t.decoder = c.blocks(p, "encoder", c.enc), c.blocks(p, "decoder", c.dec)
	t.place = c.places(p, "decoder_pos_embed_learned", "", "decoder_embed.bias")
	return t
}

func divisor(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

func (c *xar) blocks(p nn.Params, part string, m mae) (out []*nn.Denoising) {
	pairs := m.width / m.heads / 2
	share := []int{0, pairs / 2, pairs / 2, 0, 0}
	if c.frames > 1 {
		share = []int{pairs - pairs/3*2, pairs / 3, pairs / 3, 0, 0}
	}
	rope := &nn.Rope{Pairs: share, Theta: 10000}
	for i := range m.depth {
		q := p.In("%s_blocks.%d.", part, i)
		b := &nn.Denoising{Name: fmt.Sprint(part, i), Eps: xarEps, Modulation: q.Linear(6*m.width, m.width, varInit, "ada_lin.1")}
		b.QKV, b.Out = q.Linear(3*m.width, m.width, varInit, "attn.qkv"), q.Linear(m.width, m.width, varInit, "attn.proj")
		b.Gate, b.Up, b.Down = q.Even(m.hidden, m.width, varInit, "mlp.fc1_g"), q.Even(m.hidden, m.width, varInit, "mlp.fc1_x"), q.FromEven(m.width, m.hidden, varInit, "mlp.fc2")
		b.Attention = q.Attention(nn.Attention{Heads: m.heads, HeadDim: m.width / m.heads, Rope: rope})
		out = append(out, b)
	}
	return out
}

// Forward implements system.Trunk.
func (t *xarTrunk) Forward(g nn.Graph, x *nn.Value) *nn.Value {
	d := g.(*nn.Inference)
	condition := t.condition(d, x.X.Rows())
	for _, b := range t.encoder {
		x = b.Forward(d, x, condition)
	}
	x = g.Product(x, t.embed, nn.ProductOptions{Add: g.Embed(t.place)})
	g.Mark("embedded", x)
	for _, b := range t.decoder {
		x = b.Forward(d, x, condition)
	}
	return x
}

// condition returns SiLU(class + time), a row for each unit's rows, or for each of n rows
// if a step's rows are no multiple of a unit's.
func (t *xarTrunk) condition(d *nn.Inference, n int) *nn.Value {
	each := t.unit
	if n%each != 0 {
		each = 1
	}
	times := t.time[1].Forward(d, t.time[0].Forward(d, d.Fixed(t.times), nn.ProductOptions{Act: nn.SiLU}), nn.ProductOptions{})
	told := d.Add(d.Pull(times, d.Coordinate(order.DenoisedPass, each)), d.Lookup(t.class, d.Coordinate(order.DenoisedClass, each)))
	return d.SiLU(told)
}

// runs returns the runs of a class; -1 is none. Guidance grows from unit to unit.
func (c *xar) runs(q system.Prompt) (system.Schedule, error) {
	if err := checkClass(q, -1, c.classes); err != nil {
		return nil, err
	}
	if q.Steps != 0 || q.Order != nil || q.Inner != [2]int{} {
		return nil, fmt.Errorf("systems: %w: units have an order and %d passes", system.ErrPrompt, c.Steps)
	}
	d := order.Denoised{
		Grid: c.grid(), Units: c.units, Passes: c.Steps, Class: classOf(q, int32(c.classes)), Other: int32(c.classes),
		Frames: int32(c.side * c.side), Bias: int32(c.side*c.side + c.frames),
		Scale: func(unit, of int) float32 {
			return 1 + (max(q.Guidance, 1)-1)*float32(unit)/float32(max(of-1, 1))
		},
	}
	if c.frames == 1 { // upstream has the places of a picture in the order of prediction
		d.Places = make([]int32, c.side*c.side)
		number := int32(0)
		for _, u := range c.units {
			for _, at := range u.At {
				d.Places[at] = number
				number++
			}
		}
	}
	if q.Ramp == system.Constant {
		d.Scale = nil
	}
	return d.Schedule(), nil
}
