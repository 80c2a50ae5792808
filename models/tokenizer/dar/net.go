package dar

import (
	"fmt"
	"math"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/codebook"
	"github.com/morton-gen/morton/gpu/ops/elementwise"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// plain is a norm without gain and bias.
var plain = &nn.LayerNorm{Eps: eps}

// block is a block of the encoder and of the transformer over codes, whose branches have
// learned gates.
type block struct {
	norm1, norm2 *nn.LayerNorm
	attention    *nn.NormedAttention
	up, down     *nn.Linear
	gates        *nn.Table
}

// heads describes attention of a width, with rotary positions of rows and columns.
func heads(width int, base float64) nn.Attention {
	return nn.Attention{Heads: width / headDim, HeadDim: headDim, Rope: &nn.Rope{Pairs: []int{headDim / 4, headDim / 4}, Theta: base}}
}

func blocks(p nn.Params, s stack, part string, base float64) (out []block) {
	for i := range s.depth {
		q := p.In("%s_layers.%d.", part, i)
		out = append(out, block{
			norm1: q.LayerNorm(s.width, eps, "norm1"), norm2: q.LayerNorm(s.width, eps, "norm2"), attention: q.In("attention.").NormedAttention(s.width, eps, heads(s.width, base)),
			up: q.Linear(s.hidden, s.width, nn.Init{}, "mlp.fc1"), down: q.Linear(s.width, s.hidden, nn.Init{}, "mlp.fc2"),
			gates: q.Table(s.width, nn.Init{}, nn.Part{Name: "gate1", Rows: 1}, nn.Part{Name: "gate2", Rows: 1}),
		})
	}
	return out
}

func (b *block) forward(g *nn.Inference, x *nn.Value, s nn.Sight) *nn.Value {
	gates := nn.Reshape(g.AllRows(b.gates), 2*x.X.Dim(-1))
	h := g.LayerNorm(x, b.norm1)
	x = g.Gate(b.attention.Forward(g, h, h, s), gates, 0, x)
	h = b.up.Forward(g, g.LayerNorm(x, b.norm2), nn.ProductOptions{Act: nn.SiLU})
	return g.Gate(b.down.Forward(g, h, nn.ProductOptions{}), gates, 1, x)
}

// encoder is the way from patches to tokens.
type encoder struct {
	list    *nn.List
	patches *nn.Linear
	queries *nn.Table
	widen   *nn.Linear // of queries; nil: they are wide
	blocks  []block
	narrow  *nn.Matrix
	codes   *nn.Constant // [v, z], of unit length
}

func (c Config) encoder(codes []float32) *encoder {
	p := nn.NewParams()
	e := &encoder{list: p.List(), codes: p.Constant(codes, c.codes, c.z)}
	e.patches = p.Linear(c.read.width, colours*c.patch*c.patch, nn.Init{}, "patchify")
	e.queries = p.Table(c.narrow, nn.Init{}, nn.Part{Name: "query_embedding.weight", Rows: c.queries})
	if c.narrow != c.read.width {
		e.widen = p.Linear(c.read.width, c.narrow, nn.Init{}, "query_linear")
	}
	e.blocks = blocks(p, c.read, "encoder", c.RopeBase)
	e.narrow = p.Matrix(c.z, c.read.width, nn.Init{}, "quant_in_conv.weight")
	return e
}

// record records the tokens, i32 [q], of patches, f32 [p, pixels].
func (e *encoder) record(g *nn.Inference, patches, tokens *gpu.Tensor, s nn.Sight) {
	read := g.LayerNorm(e.patches.Forward(g, tape.Constant(patches), nn.ProductOptions{}), plain)
	asked := nn.Slice(g.AllRows(e.queries), 0, tokens.Elems())
	if e.widen != nil {
		asked = e.widen.Forward(g, asked, nn.ProductOptions{})
	}
	p, d := read.X.Rows(), read.X.Dim(-1)
	all := g.Temp(tensor.F32, p+tokens.Elems(), d)
	g.Copy(all.View(0, p, d), read.X)
	g.Copy(all.View(p*d, tokens.Elems(), d), asked.X)
	x := tape.Constant(all)
	for i := range e.blocks {
		x = e.blocks[i].forward(g, x, s)
		g.Mark(fmt.Sprint("encoder", i), x)
	}
	z := g.Product(g.LayerNorm(nn.Slice(x, p, all.Rows()), plain), e.narrow, nn.ProductOptions{})
	g.Mark("z", z)
	codebook.Nearest(g.Recorder, codebook.NearestArgs{X: z.X, Codes: g.Constant(e.codes), IDs: tokens, Cosine: true})
}

// decoder is the way from tokens to patches.
type decoder struct {
	cfg      Config
	list     *nn.List
	codes    *nn.Constant
	wide     *nn.Matrix
	places   *nn.Table
	blocks   []block
	told     *nn.Linear // of what the denoiser is told
	in, out  *nn.Linear
	times    *nn.Constant // [steps, d]
	denoises []denoise
}

// denoise is a block of the denoiser. Its rows look at the tokens of a step, and what they see
// there modulates them.
type denoise struct {
	self, cross *nn.NormedAttention
	up, down    *nn.Linear
	modulation  *nn.Linear
	time, told  [2]*nn.Linear
}

func (c Config) decoder(codes []float32) *decoder {
	p := nn.NewParams()
	e := &decoder{cfg: c, list: p.List(), codes: p.Constant(codes, c.codes, c.z)}
	e.wide = p.Matrix(c.written.width, c.z, nn.Init{}, "quant_out_conv.weight")
	e.places = p.Table(c.written.width, nn.Init{}, nn.Part{Name: "decoder_embedding.weight", Rows: c.queries})
	e.blocks = blocks(p, c.written, "decoder", c.RopeBase)
	d, q := c.pixels.width, p.In("diff_decoder.net.")
	e.told = q.Linear(d, c.written.width, nn.Init{}, "cond_mlp")
	e.in, e.out = q.Linear(d, colours*c.paint*c.paint, nn.Init{}, "conv_in"), q.Linear(colours*c.paint*c.paint, d, nn.Init{}, "conv_out")
	times := c.times()
	e.times = p.Constant(waves(times[:c.Steps], d), c.Steps, d)
	for i := range c.pixels.depth {
		b := q.In("blocks.%d.", i)
		e.denoises = append(e.denoises, denoise{
			self: b.In("attention.").NormedAttention(d, eps, heads(d, c.Diffusion.RopeBase)), cross: b.In("cross_attn.").NormedAttention(d, eps, heads(d, c.Diffusion.RopeBase)),
			up: b.Linear(c.pixels.hidden, d, nn.Init{}, "mlp.fc1"), down: b.Linear(d, c.pixels.hidden, nn.Init{}, "mlp.fc2"),
			modulation: b.Linear(6*d, d, nn.Init{}, "adaLN_modulation.1"),
			time:       [2]*nn.Linear{b.Linear(d, d, nn.Init{}, "time_embed.mlp.0"), b.Linear(d, d, nn.Init{}, "time_embed.mlp.2")},
			told:       [2]*nn.Linear{b.Linear(d, d, nn.Init{}, "cond_embed.0"), b.Linear(d, d, nn.Init{}, "cond_embed.2")},
		})
	}
	return e
}

// waves are the cosines and sines of a thousand times each time, [n, d].
func waves(times []float64, d int) []float32 {
	out, half := make([]float32, len(times)*d), d/2
	for i, t := range times {
		for j := range half {
			sin, cos := math.Sincos(1000 * t * math.Pow(10000, -float64(j)/float64(half)))
			out[i*d+j], out[i*d+half+j] = float32(cos), float32(sin)
		}
	}
	return out
}

// twoLayers records two linear maps with SiLU between them.
func twoLayers(g *nn.Inference, l [2]*nn.Linear, x *nn.Value) *nn.Value {
	return l[1].Forward(g, l[0].Forward(g, x, nn.ProductOptions{Act: nn.SiLU}), nn.ProductOptions{})
}

// record turns noise, f32 [p, pixels], into the patches of tokens.
func (e *decoder) record(g *nn.Inference, tokens, patches *gpu.Tensor, codes, paint nn.Sight) {
	conditions := e.conditions(g, tokens, codes)
	var times []*nn.Value
	for i := range e.denoises {
		times = append(times, twoLayers(g, e.denoises[i].time, tape.Constant(g.Constant(e.times))))
	}
	t := e.cfg.times()
	var before *gpu.Tensor
	for step := range e.cfg.Steps {
		first := e.cfg.group(step)
		v := e.velocity(g, tape.Constant(patches), nn.Slice(conditions, first, first+e.cfg.Each), times, step, paint)
		g.Mark(fmt.Sprint("velocity", step), v)
		size, now := float32(t[step+1]-t[step]), float32(1)
		if before != nil {
			now = 1.5
			elementwise.Add(g.Recorder, elementwise.AddArgs{A: patches, B: before, Out: patches, Alpha: -0.5 * size})
		}
		elementwise.Add(g.Recorder, elementwise.AddArgs{A: patches, B: v.X, Out: patches, Alpha: now * size})
		before = v.X
	}
	elementwise.Scale(g.Recorder, elementwise.ScaleArgs{X: patches, Out: patches, By: float32(1 / e.cfg.Diffusion.Std)})
}

// conditions are what the denoiser may look at, [q, d].
func (e *decoder) conditions(g *nn.Inference, tokens *gpu.Tensor, s nn.Sight) *nn.Value {
	codes := g.Constant(e.codes)
	z := g.Temp(tensor.F32, tokens.Elems(), codes.Dim(-1))
	rows.Gather(g.Recorder, rows.GatherArgs{X: codes, IDs: tokens, Out: z})
	x := g.Add(g.Product(tape.Constant(z), e.wide, nn.ProductOptions{}), nn.Slice(g.AllRows(e.places), 0, tokens.Elems()))
	for i := range e.blocks {
		x = e.blocks[i].forward(g, x, s)
		g.Mark(fmt.Sprint("decoder", i), x)
	}
	return g.LayerNorm(e.told.Forward(g, g.LayerNorm(x, plain), nn.ProductOptions{}), plain)
}

// velocity is what the denoiser says of patches, [p, pixels].
func (e *decoder) velocity(g *nn.Inference, patches, condition *nn.Value, times []*nn.Value, step int, s nn.Sight) *nn.Value {
	x := e.in.Forward(g, patches, nn.ProductOptions{})
	at := g.Temp(tensor.I32, x.X.Rows())
	g.Fill(at, uint32(step))
	for i := range e.denoises {
		x = e.denoises[i].forward(g, x, condition, g.Pull(times[i], at), s)
	}
	return e.out.Forward(g, g.LayerNorm(x, plain), nn.ProductOptions{})
}

func (b *denoise) forward(g *nn.Inference, x, condition, time *nn.Value, s nn.Sight) *nn.Value {
	condition = g.LayerNorm(twoLayers(g, b.told, condition), plain)
	keys := g.Temp(tensor.I32, condition.X.Rows())
	g.Fill(keys, 0)
	cross := nn.Sight{Query: s.Query, Key: keys, QueryAt: s.QueryAt, Add: time}
	m := b.modulation.Forward(g, g.SiLU(b.cross.Forward(g, g.LayerNorm(x, plain), condition, cross)), nn.ProductOptions{})
	p := nn.ShiftFirst
	h := g.Adapt(x, m, p.Scale[0], p.Shift[0], eps)
	x = g.Gate(b.self.Forward(g, h, h, s), m, p.Gate[0], x)
	h = b.up.Forward(g, g.Adapt(x, m, p.Scale[1], p.Shift[1], eps), nn.ProductOptions{Act: nn.SiLU})
	return g.Gate(b.down.Forward(g, h, nn.ProductOptions{}), m, p.Gate[1], x)
}
