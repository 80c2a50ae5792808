package larp

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/codebook"
	"github.com/morton-gen/morton/gpu/ops/rows"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/tape"
)

// net is one direction of a tokenizer. The rows of its sequence begin as positions and
// queries, and some are given something to read.
type net struct {
	list   *nn.List
	rows   *nn.Table // of the sequence, then the embeddings of what a row is
	ids    []int32   // [n, 2]: what each row sums up of it
	blocks nn.ViTs
	read   *nn.Linear    // of what is given
	codes  *nn.Constant  // [v, z], of unit length
	norm   *nn.LayerNorm // of the decoder
	write  *nn.Linear    // of what comes out
}

// side is one direction's part of the names.
type side struct {
	name       string
	stack      Stack
	given, out nn.Part // the rows that are given something, and those that come out
	types      []int   // of typeNames
}

// encoder declares the way from patches to tokens.
func (c Config) encoder(codes []float32) *net {
	p := nn.NewParams()
	s := side{
		"encoder", c.Encoder,
		nn.Part{Name: "encoder_patch_pe", Rows: c.patches(c.Encoder)},
		nn.Part{Name: "encoder_latent_query_embed", Rows: c.Tokens},
		[]int{0, 1},
	}
	n := &net{list: p.List(), codes: p.Constant(codes, c.Codes, c.CodeWidth)}
	n.read = p.Linear(s.stack.Width, s.stack.pixels(), nn.Init{}, "x_embedder.proj")
	c.sequence(p, n, s)
	n.write = p.Linear(c.CodeWidth, s.stack.Width, nn.Init{}, "bottleneck.in_linear")
	return n
}

// decoder declares the way from tokens to patches.
func (c Config) decoder(codes []float32) *net {
	p := nn.NewParams()
	s := side{
		"decoder", c.Decoder,
		nn.Part{Name: "decoder_latent_pe", Rows: c.Tokens},
		nn.Part{Name: "decoder_patch_query_embed", Rows: c.patches(c.Decoder)},
		[]int{2, 3},
	}
	n := &net{list: p.List(), codes: p.Constant(codes, c.Codes, c.CodeWidth)}
	n.read = p.Linear(s.stack.Width, c.CodeWidth, nn.Init{}, "bottleneck.out_linear")
	c.sequence(p, n, s)
	n.norm = p.LayerNorm(s.stack.Width, c.FinalEps, "final_layer.norm_final")
	n.write = p.Linear(s.stack.pixels(), s.stack.Width, nn.Init{}, "final_layer.linear")
	return n
}

// sequence declares the rows of a sequence and the blocks.
func (c Config) sequence(p nn.Params, n *net, s side) {
	parts := []nn.Part{s.given, s.out}
	length := s.given.Rows + s.out.Rows
	var what [2]int32 // rows of the table with the embeddings of what a row is
	for i, t := range s.types {
		what[i] = -1
		if c.types[t] {
			what[i] = int32(length + len(parts) - 2)
			parts = append(parts, nn.Part{Name: typeNames[t], Rows: 1})
		}
	}
	for i := range length {
		kind := 0
		if i >= s.given.Rows {
			kind = 1
		}
		n.ids = append(n.ids, int32(i), what[kind])
	}
	n.rows = p.Table(s.stack.Width, nn.Init{}, parts...)
	for i := range s.stack.Depth {
		n.blocks = append(n.blocks, p.In("%s.blocks.%d.", s.name, i).ViT(fmt.Sprint("block", i), nn.ViTOptions{
			Width: s.stack.Width, Heads: s.stack.Heads, Hidden: s.stack.Hidden, Eps: c.Eps, PlainQKV: true,
		}))
	}
}

// sum records the sequence for what is given, and returns what stands at the last rows.
func (n *net) sum(g nn.Graph, mark string, given *nn.Value, out int) *nn.Value {
	y := n.read.Forward(g, given, nn.ProductOptions{})
	g.Mark(mark, y)
	x := g.Embed(n.rows)
	length, first := x.X.Rows(), y.X.Rows()
	g.Add(nn.Slice(x, 0, first), y)
	x = n.blocks.Forward(g, x)
	return nn.Slice(x, length-out, length)
}

// encode records the tokens, i32 [q], of patches, f32 [p, pixels].
func (n *net) encode(g *nn.Bidirectional, patches, tokens *gpu.Tensor) {
	z := n.write.Forward(g, n.sum(g, "patch_embed", tape.Constant(patches), tokens.Elems()), nn.ProductOptions{})
	g.Mark("bottleneck_in", z)
	codebook.Nearest(g.Recorder, codebook.NearestArgs{X: z.X, Codes: g.Constant(n.codes), IDs: tokens, Cosine: true})
}

// decode records the patches of tokens.
func (n *net) decode(g *nn.Bidirectional, tokens, patches *gpu.Tensor) {
	codes := g.Constant(n.codes)
	z := g.Temp(tensor.F32, tokens.Elems(), codes.Dim(-1))
	rows.Gather(g.Recorder, rows.GatherArgs{X: codes, IDs: tokens, Out: z})
	x := n.sum(g, "codes_projected", tape.Constant(z), patches.Rows())
	y := n.write.Forward(g, g.LayerNorm(x, n.norm), nn.ProductOptions{})
	g.Mark("final_tokens", y)
	g.Copy(patches, y.X)
}
