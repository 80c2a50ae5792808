package nn

// ViT is a block of a vision transformer, with biases and the exact GELU:
// x + Attention(LN x), then x + MLP(LN x). With Post the norm stands behind the branch:
// x + LN Attention(x), then x + LN MLP(x).
//
// Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", 2020, arXiv:2010.11929;
// norms behind, Liu et al., "Swin Transformer V2", 2021, arXiv:2111.09883.
type ViT struct {
	Name         string // of its result, for tests
	Norm1, Norm2 *LayerNorm
	QKV, Out     *Linear
	Up, Down     *Linear
	Attention    *Attention
	Post         bool
}

// ViTOptions are the sizes of a block.
type ViTOptions struct {
	Width, Heads, Hidden int
	Eps                  float32
	Rope                 *Rope
	Post                 bool
	PlainQKV             bool // queries, keys and values have no bias
	Init                 Init
}

// ViT declares a block under the names that timm has.
func (p Params) ViT(name string, o ViTOptions) *ViT {
	return &ViT{
		Name: name, Post: o.Post,
		Norm1: p.LayerNorm(o.Width, o.Eps, "norm1"), Norm2: p.LayerNorm(o.Width, o.Eps, "norm2"),
		QKV: p.qkv(o), Out: p.Linear(o.Width, o.Width, o.Init, "attn.proj"),
		Up: p.Linear(o.Hidden, o.Width, o.Init, "mlp.fc1"), Down: p.Linear(o.Width, o.Hidden, o.Init, "mlp.fc2"),
		Attention: p.Attention(Attention{Heads: o.Heads, HeadDim: o.Width / o.Heads, Rope: o.Rope}),
	}
}

func (p Params) qkv(o ViTOptions) *Linear {
	if o.PlainQKV {
		return &Linear{W: p.Matrix(3*o.Width, o.Width, o.Init, "attn.qkv.weight")}
	}
	return p.Linear(3*o.Width, o.Width, o.Init, "attn.qkv")
}

// Forward records the block.
func (b *ViT) Forward(g Graph, x *Value) *Value {
	if b.Post {
		x = g.Add(g.LayerNorm(b.attend(g, x, nil), b.Norm1), x)
		return g.Add(g.LayerNorm(b.transform(g, x, nil), b.Norm2), x)
	}
	x = b.attend(g, g.LayerNorm(x, b.Norm1), x)
	return b.transform(g, g.LayerNorm(x, b.Norm2), x)
}

func (b *ViT) attend(g Graph, x, add *Value) *Value {
	a := g.Attend(b.QKV.Forward(g, x, ProductOptions{}), b.Attention)
	return b.Out.Forward(g, a, ProductOptions{Add: add})
}

func (b *ViT) transform(g Graph, x, add *Value) *Value {
	u := b.Up.Forward(g, x, ProductOptions{Act: GELU})
	return b.Down.Forward(g, u, ProductOptions{Add: add})
}

// ViTs is a sequence of blocks.
type ViTs []*ViT

// Forward records the blocks.
func (s ViTs) Forward(g Graph, x *Value) *Value {
	for _, b := range s {
		x = g.Layer(x, b.Forward)
		g.Mark(b.Name, x)
	}
	return x
}
